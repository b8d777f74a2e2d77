package elastic

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestAgeingUsesWhatIsThere: an engine that answers as those with and without
// lifecycles do. What such an engine makes of it is not seen here.
func TestAgeingUsesWhatIsThere(t *testing.T) {
	for _, c := range []struct {
		name        string
		ilm, stream int // what it answers
		want        string
	}{
		{"index lifecycle management", 200, 200, `"settings":{"index.lifecycle.name":"logs-mimamori"}`},
		{"lifecycles of data streams only", 400, 404, `"lifecycle":{"data_retention":"400d"}`},
		{"the same, of another version", 405, 200, `"lifecycle":{"data_retention":"400d"}`},
		{"neither, as OpenSearch", 400, 405, `"template":{"settings":{}}`},
		{"the role may not", 403, 200, ""},
		{"busy", 503, 200, ""},
	} {
		sent := map[string]string{}
		engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			sent[r.URL.Path] = string(text)
			switch {
			case strings.HasPrefix(r.URL.Path, "/_ilm/"):
				w.WriteHeader(c.ilm)
			case strings.HasSuffix(r.URL.Path, "/_lifecycle"):
				w.WriteHeader(c.stream)
			}
			_, _ = io.WriteString(w, "{}")
		}))
		s, err := Open(Config{URLs: []string{engine.URL}, Retention: "400d"}, Options{wait: func(context.Context, time.Duration) error { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		err = s.ensure(t.Context(), map[string]bool{"312011": true})
		engine.Close()
		template := sent["/_index_template/logs-mimamori-312011"]
		if (err == nil) != (c.want != "") || !strings.Contains(template, c.want) || err != nil && template != "" {
			t.Errorf("%s: %v\n%s", c.name, err, template)
		}
		var put struct {
			Policy struct {
				Phases map[string]struct {
					MinAge  string                    `json:"min_age"`
					Actions map[string]map[string]any `json:"actions"`
				} `json:"phases"`
			} `json:"policy"`
		}
		if err := json.Unmarshal([]byte(sent["/_ilm/policy/logs-mimamori"]), &put); err != nil || put.Policy.Phases["delete"].MinAge != "400d" || put.Policy.Phases["hot"].Actions["rollover"]["max_age"] != "30d" {
			t.Errorf("%s: policy %+v, %v", c.name, put, err)
		}
	}
}
