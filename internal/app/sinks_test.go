package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mimamori/event"
	"mimamori/internal/testkit"
	"mimamori/store"
)

func TestSinksThatCannotWorkAreToldWithTheirPlace(t *testing.T) {
	for text, want := range map[string]string{
		"sinks:\n  alarm: soon\n":                                            "mimamori.yaml:2:10",
		"sinks:\n  loki:\n    from: monday\n":                                "mimamori.yaml:3:11",
		"sinks:\n  loki:\n    keep: 0d\n":                                    "mimamori.yaml:3:11",
		"sinks:\n  loki:\n    max_age: long\n":                               "mimamori.yaml:3:14",
		"sinks:\n  loki:\n    user: u\n    token_file: t\n":                  "mimamori.yaml:4:17",
		"sinks:\n  loki:\n    uri: http://loki\n":                            "mimamori.yaml:3:5",
		"sinks:\n  elasticsearch:\n    from: monday\n":                       "mimamori.yaml:3:11",
		"sinks:\n  elasticsearch:\n    urls: [elastic:9200]\n":               "mimamori.yaml:3:12",
		"sinks:\n  elasticsearch:\n    urls: [http://e:9200]\n    user: u\n": "mimamori.yaml:4:11",
		"sinks:\n  loki:\n    url: http://loki\n  elastic:\n    url: x\n":    "mimamori.yaml:4:3",
	} {
		path := filepath.Join(t.TempDir(), "mimamori.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadConfig(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for name, l := range map[string]Loki{"no url": {URL: "loki:3100"}, "no file": {URL: "http://loki", Password: "/nowhere"}, "no token": {URL: "http://loki", Token: "/nowhere"}, "no ca": {URL: "http://loki", CA: "/nowhere"}} {
		cfg := DefaultConfig()
		cfg.Data, cfg.Console.Listen, cfg.Bus.Listen, cfg.Sinks.Loki = t.TempDir(), "127.0.0.1:0", "127.0.0.1:0", l
		cfg.Sinks.Loki.Keep, cfg.Sinks.Loki.MaxAge = "7d", "5d"
		if a, err := New(t.Context(), cfg, slog.New(slog.DiscardHandler), time.Now); err == nil {
			t.Error(name, a.Close())
		}
	}
}

// gauge reads one figure as Prometheus would.
func gauge(t *testing.T, a *App, name string) float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(newGauges(a))
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "mimamori_"+name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("no ", name)
	return 0
}

func TestAnEngineThatIsBehindIsAWarningUntilItHasCaughtUp(t *testing.T) {
	got := make(chan string, 10)
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got <- r.Header.Get("X-Scope-OrgID") + " " + r.Header.Get("Authorization")
		w.WriteHeader(http.StatusNoContent)
	}))
	defer engine.Close()
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newTown(t, func(c *Config) { c.Sinks.Loki.URL, c.Sinks.Loki.Token = engine.URL, secret })
	b, x := new(event.Batch), new(event.Builder)
	x.Set(event.MustLookup("municipality"), event.String("312011"))
	x.Set(event.MustLookup("event.ingested"), event.Time(w.clock.UnixNano()))
	b.Append(x, event.Ref{Collector: "c-1", Source: "fw", Epoch: 1, Seq: 1})
	if err := w.store.Commit(t.Context(), store.Commit{Batches: []*event.Batch{b}, Frames: []store.FrameRange{{Collector: "c-1", Source: "fw", Epoch: 1, First: 1, Last: 1, Stored: 1}}}); err != nil {
		t.Fatal(err)
	}
	check := func(behind int64, warnings int) {
		t.Helper()
		s, err := health{w.App}.Status(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Sinks) != 1 || s.Sinks[0].Name != "loki" || s.Sinks[0].Behind != behind || len(s.Warnings) != warnings {
			t.Errorf("%+v %+v", s.Sinks, s.Warnings)
		}
		if late, n := gauge(t, w.App, "sink_late"), gauge(t, w.App, "sink_events_behind"); int(late) != warnings || int64(n) != behind {
			t.Errorf("metrics: late %v, behind %v", late, n)
		}
		if s, err := (health{w.App}).Status(t.Context(), []string{"312011"}); err != nil || len(s.Sinks)+len(s.Warnings) > 0 {
			t.Errorf("a municipality is shown %+v %+v, %v", s.Sinks, s.Warnings, err)
		}
	}
	check(1, 0)
	w.clock = w.clock.Add(2 * time.Hour)
	check(1, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := w.store.Follow(ctx, "loki", w.engines[0].sink); err != nil {
			t.Error(err)
		}
	})
	if who := <-got; who != "312011 Bearer abc" {
		t.Error(who)
	}
	eventually(t, "the engine has everything", func() bool { return w.store.Stats().Sinks[0].Behind == 0 })
	cancel()
	wg.Wait()
	check(0, 0)
}

// TestElasticsearchFollowsTheStore: the real one gets what is committed.
func TestElasticsearchFollowsTheStore(t *testing.T) {
	e := testkit.NewElastic(t)
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte(e.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newTown(t, func(c *Config) {
		c.Sinks.Elasticsearch.URLs, c.Sinks.Elasticsearch.User, c.Sinks.Elasticsearch.Password = []string{e.URL}, "elastic", secret
		c.Sinks.Elasticsearch.Read = true
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := w.store.Follow(ctx, "elasticsearch", w.engines[0].sink); err != nil {
			t.Error(err)
		}
	})
	defer wg.Wait()
	defer cancel()
	b, x := new(event.Batch), new(event.Builder)
	for i := range uint64(100) {
		x.Set(event.MustLookup("municipality"), event.String("312011"))
		x.Set(event.MustLookup("@timestamp"), event.Time(w.clock.UnixNano()))
		b.Append(x, event.Ref{Collector: "c-1", Source: "fw", Epoch: 1, Seq: i + 1})
	}
	if err := w.store.Commit(ctx, store.Commit{Batches: []*event.Batch{b}, Frames: []store.FrameRange{{Collector: "c-1", Source: "fw", Epoch: 1, First: 1, Last: 100, Stored: 100}}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the engine has all", func() bool { return w.store.Stats().Sinks[0].Behind == 0 })
	there, ok := w.engines[0].sink.(interface {
		Count(context.Context, event.Query) (int64, error)
	})
	if !ok {
		t.Fatal("it answers no questions")
	}
	eventually(t, "they can be searched", func() bool { // a second after it has them
		n, err := there.Count(ctx, event.Query{Tenants: []string{"312011"}})
		return n == 100 && err == nil
	})
	answersAreElasticsearchs(t, w, e)
}

// answersAreElasticsearchs asks as the console does, with the engine and without.
func answersAreElasticsearchs(t *testing.T, w *town, e *testkit.Elastic) {
	t.Helper()
	ask := func(total int64, q event.Query) *event.Page {
		t.Helper()
		page, err := w.answers.Search(t.Context(), q)
		if err != nil || page.Total != total {
			t.Fatalf("%+v: %+v %v", q, page, err)
		}
		return page
	}
	if page := ask(100, event.Query{Tenants: []string{"312011"}, Limit: 30}); !strings.HasPrefix(page.Next, engineMark) || page.Notice.JA != "" {
		t.Errorf("the store answers: %+v", page)
	}
	ask(0, event.Query{Text: `true or municipality == "312011"`, Tenants: []string{"312029"}})
	warnings := func() int {
		s, err := health{w.App}.Status(t.Context(), nil)
		if err != nil || len(s.Sinks) != 1 || !s.Sinks[0].Answers {
			t.Errorf("%+v %v", s.Sinks, err)
		}
		return len(s.Warnings)
	}
	if n := warnings(); n != 0 {
		t.Errorf("%d warnings", n)
	}
	e.Kill(t)
	if page := ask(100, event.Query{Tenants: []string{"312011"}}); page.Notice.JA == "" {
		t.Error("nobody is told that the store answers")
	}
	ask(0, event.Query{Tenants: []string{"312029"}})
	if n := warnings(); n != 1 {
		t.Errorf("%d warnings", n)
	}
}
