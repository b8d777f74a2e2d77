package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/dashboards/console"
	"mimamori/internal/bus"
	"mimamori/internal/care"
	"mimamori/soc"
	"mimamori/soc/silence"
)

// town is a program with two collectors of one municipality, whose heartbeats
// and clock the test makes.
type town struct {
	*App
	t     *testing.T
	clock time.Time
	beats map[string]heard
}

func newTown(t *testing.T, more ...func(*Config)) *town {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Data, cfg.Console.Listen, cfg.Bus.Listen, cfg.Metrics.Listen = t.TempDir(), "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	for _, id := range []string{"c-1", "c-2"} {
		key, err := bus.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		cfg.Collectors = append(cfg.Collectors, Collector{ID: id, Municipality: "312011", Key: key.Public()})
	}
	cfg.Coverage = []Coverage{{Source: "fw*", Kind: "ファイアウォール", Quiet: "20m"}, {Municipality: "312011", Zone: "lgwan", Source: "pc", Kind: "PC操作ログ"}}
	for _, f := range more {
		f(&cfg)
	}
	w := &town{t: t, clock: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), beats: map[string]heard{}}
	a, err := New(t.Context(), cfg, slog.New(slog.NewTextHandler(io.Discard, nil)), func() time.Time { return w.clock })
	if err != nil {
		t.Fatal(err)
	}
	a.heartbeats = func(context.Context) (map[string]heard, error) { return w.beats, nil }
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	w.App = a
	return w
}

// pass lets minutes go by in which the named collectors are heard and have lines.
func (w *town) pass(minutes int, ids ...string) {
	w.t.Helper()
	for range minutes {
		w.clock = w.clock.Add(time.Minute)
		for _, id := range ids {
			w.beats[id] = heard{At: w.clock, Heartbeat: care.Heartbeat{
				Collector: id, Municipality: "312011", Version: "v1", Offset: 7,
				Certificates: []care.Certificate{{What: "prefecture.ca", Subject: "CA", NotAfter: w.clock.AddDate(1, 0, 0)}},
				Sources:      []care.Source{{Source: "fw-" + id, Kind: "syslog-udp", Zone: "internet"}},
			}}
		}
		if left := w.look(w.t.Context(), nil); len(left) > 0 {
			w.t.Fatalf("not told: %+v", left)
		}
	}
}

func (w *town) alerts(states ...soc.State) []soc.Alert {
	w.t.Helper()
	page, err := w.soc.Alerts(w.t.Context(), soc.AlertFilter{Rule: silence.Rule, States: states})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Alerts
}

func TestACollectorThatIsNotHeardBecomesAnAlertAndIsClosedWhenItReturns(t *testing.T) {
	w := newTown(t)
	w.pass(15, "c-1", "c-2")
	if list := w.alerts(); len(list) != 0 {
		t.Fatalf("%+v", list[0])
	}
	w.pass(8, "c-1")
	open := w.alerts(soc.New)
	if len(open) != 1 || open[0].Key != "collector=c-2 cause=collector" || open[0].Municipality != "312011" {
		t.Fatalf("%+v", open)
	}
	w.pass(2, "c-1", "c-2")
	if closed := w.alerts(soc.Closed); len(closed) != 1 || closed[0].ID != open[0].ID {
		t.Errorf("%+v", closed)
	}
}

func TestTheConsoleIsToldWhatShouldArriveAndHowCollectorsDo(t *testing.T) {
	w := newTown(t)
	w.pass(12, "c-1")
	s, err := health{w.App}.Status(t.Context(), []string{"312011"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]console.Coverage{
		"fw-c-1": {Municipality: "312011", Zone: "internet", Kind: "ファイアウォール", Collector: "c-1", Source: "fw-c-1", Phase: "waiting", Learned: true},
		"pc":     {Municipality: "312011", Zone: "lgwan", Kind: "PC操作ログ", Source: "pc", Phase: "waiting"},
	}
	for _, c := range s.Coverage {
		if c != want[c.Source] {
			t.Errorf("%+v, want %+v", c, want[c.Source])
		}
	}
	if len(s.Coverage) != 2 || len(s.Collectors) != 2 || s.Collectors[0].Offset != 7 || !s.Collectors[1].Heard.IsZero() || s.Collectors[1].Collector != "c-2" {
		t.Errorf("%+v %+v", s.Coverage, s.Collectors)
	}
	other, err := health{w.App}.Status(t.Context(), []string{"312029"})
	if err != nil || len(other.Coverage)+len(other.Collectors) != 0 {
		t.Errorf("another town sees %+v (%v)", other, err)
	}
}

func TestPrometheusMayAsk(t *testing.T) {
	w := newTown(t)
	w.pass(12, "c-1")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.serveMetrics(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.metrics.Addr().String()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`mimamori_collector_clock_offset_seconds{collector="c-1",municipality="312011"} 7`, `mimamori_sources{municipality="312011",phase="waiting"} 2`,
		"mimamori_stream_refuses 0", "mimamori_frames_rejected 0", "mimamori_enrichment_files_failed 0",
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
}

func TestMistakesInCoverageAndMetricsAreTold(t *testing.T) {
	for text, want := range map[string]string{
		"metrics: {listen: \"0.0.0.0:9464\"}":                   "metrics.listen",
		"coverage: [{municipality: \"312012\", source: fw}]":    "check digit",
		"coverage: [{source: \"\"}]":                            "name of a source",
		"coverage: [{source: \"[\"}]":                           "name of a source",
		"coverage: [{source: fw, zone: dmz}]":                   "use mynumber",
		"coverage: [{source: fw, quiet: soon}]":                 "400d",
		"coverage: [{source: \"fw*\", quiet: 35d, kind: 業務}]\n": "",
	} {
		path := filepath.Join(t.TempDir(), "mimamori.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadConfig(path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
