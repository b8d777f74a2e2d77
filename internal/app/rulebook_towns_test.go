package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/event"
)

// TestATownKeepsItsCountWhileTheRuleIsRolledOut: what a town has counted in test
// it has when the rule is stable, and a change for another town is none for it.
func TestATownKeepsItsCountWhileTheRuleIsRolledOut(t *testing.T) {
	dir := t.TempDir()
	a := &App{cfg: DefaultConfig(), log: slog.New(slog.DiscardHandler), now: time.Now}
	a.cfg.Rules, a.cfg.Lists = []string{dir}, filepath.Join(dir, "lists")
	if err := os.Mkdir(filepath.Join(dir, "overrides"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if a.rules != nil {
			a.refreshRules()
			if why := a.rules.warnings(); len(why) > 0 {
				t.Fatal(why)
			}
		}
	}
	write("odd.yaml", "id: odd\ntitle: {en: odd}\nstatus: draft\nwhen: event.action == \"odd\"\ncorrelate: {count: 3, by: [municipality], within: 1h}\n")
	write("overrides/odd.yaml", "municipalities: {\"131016\": {status: test}, \"131024\": {status: test}}\n")
	if err := a.openLists(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.openRulebook(); err != nil {
		t.Fatal(err)
	}
	at, seq, x := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), uint64(0), new(event.Builder)
	var got []string
	found := func(alert event.Alert) {
		got = append(got, alert.Municipality+" "+alert.Severity.String()+map[bool]string{true: " test"}[alert.Test])
	}
	odd := func(towns ...string) {
		for _, town := range towns {
			var b event.Batch
			seq++
			at = at.Add(time.Minute)
			x.Set(event.MustLookup("@timestamp"), event.Time(at.UnixNano()))
			x.Set(event.MustLookup("event.action"), event.String("odd"))
			x.Set(event.MustLookup("municipality"), event.String(town))
			b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: seq})
			a.rules.Evaluate(&b, found)
			a.rules.Advance(at.Add(50*time.Second), found)
		}
	}
	const one, two, three = "131016", "131024", "131032"
	odd(one, two, three)
	write("overrides/odd.yaml", "municipalities: {\"131016\": {status: test}, \"131024\": {status: test, correlate: {count: 9}}}\n")
	odd(one, two, three) // two begins anew with another threshold
	write("overrides/odd.yaml", "status: stable\nmunicipalities: {\"131024\": {correlate: {count: 2}, severity: low}}\n")
	odd(one, three, two, three, two, three)
	if want := "131016 medium,131024 low,131032 medium"; strings.Join(got, ",") != want {
		t.Errorf("alerts %v, want %s", got, want)
	}
}
