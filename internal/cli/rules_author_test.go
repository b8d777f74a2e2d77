package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/rules"
	"mimamori/store"
)

// signIns stores an hour of failed sign-ins of three PCs, in several segments,
// and one success in between. It returns the data folder.
func signIns(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(filepath.Join(dir, "events"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x, at := new(event.Builder), time.Date(2026, 11, 20, 23, 30, 0, 0, calendar.JST())
	for seg := range 6 {
		var b event.Batch
		for i := range 60 {
			at = at.Add(10 * time.Second)
			x.Set(event.MustLookup("@timestamp"), event.Time(at.UnixNano()))
			x.Set(event.MustLookup("event.ingested"), event.Time(at.Add(time.Second).UnixNano()))
			x.Set(event.MustLookup("municipality"), event.String([]string{"131016", "131024"}[i%2]))
			x.Set(event.MustLookup("event.dataset"), event.String("windows.security"))
			x.Set(event.MustLookup("host.name"), event.String(fmt.Sprintf("PC%d", i%3)))
			x.Set(event.MustLookup("event.outcome"), event.String("failure"))
			if i == 30 {
				x.Set(event.MustLookup("event.outcome"), event.String("success"))
			}
			b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(seg*60 + i + 1)})
		}
		if err := s.Commit(t.Context(), store.Commit{Batches: []*event.Batch{&b}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestAnAuthorsWay: from a search to a draft whose tests pass, to a backtest,
// to a change of the rule that is compared with the one at work.
func TestAnAuthorsWay(t *testing.T) {
	data, dir := signIns(t), t.TempDir()
	file := filepath.Join(dir, "odd-failures.yaml")
	must(t, "", "rules", "new", "odd-failures", "--data", data, "--when", `event.outcome == "failure" && host.name == "PC1"`, "--out", file)
	if out := must(t, "", "rules", "test", "--rules", dir); !strings.Contains(out, "1 rules: all tests passed") {
		t.Fatal(out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(os.DirFS(dir))
	if err != nil || len(set.Rules()[0].Tests) != 2 {
		t.Fatalf("the draft has not two tests: %v\n%s", err, text)
	}
	out := must(t, "", "rules", "backtest", "--data", data, "--rules", file, "--json")
	if want := `"events":360,`; !strings.Contains(out, want) || !strings.Contains(out, `"2026-11-20":`) || !strings.Contains(out, `"2026-11-21":`) || !strings.Contains(out, `"131024":`) {
		t.Errorf("%s", out)
	}
	counted := strings.Replace(string(text), "suppress: {by: [municipality, host.name], for: 1h}", "correlate: {count: 5, by: [municipality, host.name], within: 5m}", 1)
	running := filepath.Join(dir, "running")
	if err := os.Mkdir(running, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(running, "odd-failures.yaml"), []byte(counted), 0o600); err != nil {
		t.Fatal(err)
	}
	stricter := filepath.Join(dir, "odd-failures.yaml")
	if err := os.WriteFile(stricter, []byte(strings.Replace(counted, "count: 5,", "count: 50,", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	out = must(t, "", "rules", "backtest", "--data", data, "--rules", stricter, "--running", running)
	if !strings.Contains(out, "odd-failures: 0 alerts") || !strings.Contains(out, "0 added, 2 removed, 0 the same") {
		t.Errorf("%s", out)
	}
	if _, err := run(t, "", "rules", "new", "odd", "--data", data, "--when", "sorce.ip == 1"); err == nil || !strings.Contains(err.Error(), "did you mean source.ip?") {
		t.Errorf("a mistaken search: %v", err)
	}
}
