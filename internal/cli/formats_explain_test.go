package cli

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestFormatsExplainTellsEveryStep(t *testing.T) {
	out := must(t, fortigateLine+"\nnobody knows this\n", "formats", "explain")
	for _, want := range []string{"format fortigate\n", "taken off: <189>", "taken fortigate", "srcip = \"10.1.2.3\"", "+ source.ip = 10.1.2.3", "no format took it", "quarantined: no format", `"event": {`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	var e struct {
		Format string
		Steps  []struct{ Stage string }
		Event  json.RawMessage
	}
	js := must(t, "", "formats", "explain", "--json", "--line", fortigateLine)
	if err := json.Unmarshal([]byte(js), &e); err != nil || e.Format != "fortigate" || len(e.Steps) < 10 || len(e.Event) == 0 {
		t.Errorf("%v: %s", err, js)
	}
}
