package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
)

var testTowns = []string{"131016", "131024", "131032", ""}

// counters are rules that count by municipality.
var counters = []string{
	"correlate: {count: 3, by: [municipality, source.ip], within: 60s, lateness: 5s}",
	"correlate: {distinct: destination.port, count: 3, by: [source.ip, municipality], within: 60s}",
	`correlate: {by: [municipality], within: 60s, steps: [{name: a, when: 'event.action == "a"', count: 2}, {name: b, when: 'event.action == "b"'}]}`,
	"correlate: {sum: destination.port, over: 8, by: [source.ip, municipality], within: 60s}",
	"correlate: {new: [destination.port], by: [municipality, source.ip], learn: 60s, within: 5m}",
	"correlate: {type: absence, count: 2, by: [source.ip, municipality], within: 90s}",
	"suppress: {by: [municipality, source.ip], for: 60s}",
	"",
}

// drawOverride writes what differs in towns, for one of counters.
func drawOverride(t *rapid.T, counter string) string {
	line := func(where string) string {
		var out []string
		if rapid.Bool().Draw(t, where+" severity?") {
			out = append(out, "severity: "+rapid.SampledFrom([]string{"low", "high"}).Draw(t, where+" severity"))
		}
		if rapid.Bool().Draw(t, where+" status?") {
			out = append(out, "status: "+rapid.SampledFrom([]string{"draft", "test", "stable"}).Draw(t, where+" status"))
		}
		switch tune := rapid.Bool().Draw(t, where+" tune?"); {
		case tune && strings.HasPrefix(counter, "suppress"):
			out = append(out, "suppress: {by: [municipality], for: 5m}")
		case tune && strings.Contains(counter, "count: 3"):
			out = append(out, fmt.Sprintf("correlate: {count: %d, lateness: 7s}", rapid.IntRange(1, 4).Draw(t, where+" count")))
		case tune && counter != "" && !strings.HasPrefix(counter, "suppress"):
			out = append(out, "correlate: {within: 21m}")
		}
		return strings.Join(out, ", ")
	}
	text := "changes: []\n"
	if all := line("all"); all != "" {
		text += strings.ReplaceAll(all, ", s", "\ns") + "\n"
		text = strings.ReplaceAll(text, ", correlate", "\ncorrelate")
	}
	text += "municipalities:\n"
	for _, town := range testTowns[:3] {
		if rapid.Bool().Draw(t, town) {
			text += "  \"" + town + "\": {" + line(town) + "}\n"
		}
	}
	return text
}

func overridden(t interface{ Fatal(...any) }, counter, override string) *Set {
	s, err := Load(fstest.MapFS{
		"r.yaml":           {Data: []byte("id: r\ntitle: {en: r}\nwhen: has(event.action)\n" + counter + "\n")},
		"overrides/r.yaml": {Data: []byte(override)},
	})
	if err != nil {
		t.Fatal(override, err)
	}
	return s
}

func drawTownEvents(t *rapid.T, x *event.Builder) *event.Batch {
	b, at := &event.Batch{}, testStart
	for i := range rapid.IntRange(1, 80).Draw(t, "events") {
		at = at.Add(time.Duration(rapid.IntRange(0, 15).Draw(t, "step")) * time.Second)
		x.Set(fieldTime, event.Time(at.Add(-time.Duration(rapid.IntRange(0, 4).Draw(t, "late"))*time.Second).UnixNano()))
		x.Set(fieldIngested, event.Time(at.UnixNano()))
		x.Set(event.MustLookup("event.action"), event.String(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "action")))
		x.Set(event.MustLookup("source.ip"), event.Addr(rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.2"}).Draw(t, "ip")))
		x.Set(event.MustLookup("destination.port"), event.Int(int64(rapid.IntRange(1, 4).Draw(t, "port"))))
		if town := rapid.SampledFrom(testTowns).Draw(t, "town"); town != "" {
			x.Set(fieldMunicipality, event.String(town))
		}
		b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(i + 1)})
	}
	return b
}

// told is what a person sees of an alert. What evidence it has depends also on
// when others' events let old groups go.
func told(a event.Alert) string {
	return fmt.Sprintf("%s %s %s %v %s %s %d %v %v", a.ID, a.Version, a.Severity, a.Test, a.Municipality, a.Key, a.Count, a.Start, a.End)
}

// alone runs a rule as it is in one municipality over the events from there. Of
// the others it has the time only.
func alone(r *Rule, town string, b *event.Batch) (out []string) {
	plain := *r.In(town)
	plain.Towns = nil
	e, emit := NewEngine(&Set{rules: []*Rule{&plain}}, Options{}), func(a event.Alert) { out = append(out, told(a)) }
	for i := range b.Events {
		if b.Events[i].Str(fieldMunicipality) == town {
			e.Evaluate(&event.Batch{Events: b.Events[i : i+1]}, emit)
			continue
		}
		at, _ := b.Events[i].Get(fieldIngested)
		e.Advance(time.Unix(0, at.Int()), emit)
	}
	end, _ := b.Events[len(b.Events)-1].Get(fieldIngested)
	e.Advance(time.Unix(0, end.Int()).Add(24*time.Hour), emit)
	return out
}

// TestEachMunicipalityHasTheRuleAsItIsThere: the engine's alerts are those of
// the rule, as it is in each municipality, run alone over the events from there;
// cuts and restarts change nothing, the evidence neither.
func TestEachMunicipalityHasTheRuleAsItIsThere(t *testing.T) {
	x := new(event.Builder)
	rapid.Check(t, func(t *rapid.T) {
		counter := rapid.SampledFrom(counters).Draw(t, "rule")
		s := overridden(t, counter, drawOverride(t, counter))
		b := drawTownEvents(t, x)
		var want, whole, got, cut []string
		for _, town := range testTowns {
			want = append(want, alone(s.Get("r"), town, b)...)
		}
		uncut, e := NewEngine(s, Options{}), NewEngine(s, Options{})
		uncut.Evaluate(b, func(a event.Alert) { whole, got = append(whole, describe(a)), append(got, told(a)) })
		for rest := b.Events; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			e.Evaluate(&event.Batch{Events: rest[:n]}, func(a event.Alert) { cut = append(cut, describe(a)) })
			rest = rest[n:]
			snap, err := e.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			if e = NewEngine(s, Options{}); e.Restore(snap) != nil {
				t.Fatal("not restored")
			}
		}
		end, _ := b.Events[len(b.Events)-1].Get(fieldIngested)
		at := time.Unix(0, end.Int()).Add(24 * time.Hour)
		uncut.Advance(at, func(a event.Alert) { whole, got = append(whole, describe(a)), append(got, told(a)) })
		e.Advance(at, func(a event.Alert) { cut = append(cut, describe(a)) })
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%s\ngot\n%s\nwant\n%s", counter, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		slices.Sort(whole)
		slices.Sort(cut)
		if !slices.Equal(cut, whole) {
			t.Fatalf("%s\nwith cuts\n%s\nwithout\n%s", counter, strings.Join(cut, "\n"), strings.Join(whole, "\n"))
		}
	})
}

// TestAMunicipalityKeepsItsCountWhileOthersChange, and where only severity or
// status change, also by a restart: what it gets of a set that never was another.
func TestAMunicipalityKeepsItsCountWhileOthersChange(t *testing.T) {
	x := new(event.Builder)
	rapid.Check(t, func(t *rapid.T) {
		counter := rapid.SampledFrom(counters).Draw(t, "rule")
		before, after := overridden(t, counter, drawOverride(t, counter)), overridden(t, counter, drawOverride(t, counter))
		was, is := before.Get("r"), after.Get("r")
		b := drawTownEvents(t, x)
		cut := rapid.IntRange(0, len(b.Events)).Draw(t, "cut")
		end, _ := b.Events[len(b.Events)-1].Get(fieldIngested)
		old := NewEngine(before, Options{})
		old.Evaluate(&event.Batch{Events: b.Events[:cut]}, func(event.Alert) {})
		next := NewEngine(after, Options{})
		if rapid.Bool().Draw(t, "restart") {
			snap, err := old.Snapshot()
			if err != nil || next.Restore(snap) != nil {
				t.Fatal("not restored", err)
			}
		} else {
			next.Adopt(old)
		}
		all := NewEngine(after, Options{})
		all.Evaluate(&event.Batch{Events: b.Events[:cut]}, func(event.Alert) {})
		alerts := map[string][2][]string{}
		for _, town := range testTowns {
			alerts[town] = [2][]string{}
		}
		for i, e := range []*Engine{next, all} {
			collect := func(a event.Alert) {
				pair := alerts[a.Municipality]
				pair[i] = append(pair[i], fmt.Sprintf("%s %s %s %v %d %v %v", a.Version, a.Key, a.Severity, a.Test, a.Count, a.Start, a.End))
				alerts[a.Municipality] = pair
			}
			e.Evaluate(&event.Batch{Events: b.Events[cut:]}, collect)
			e.Advance(time.Unix(0, end.Int()).Add(24*time.Hour), collect)
		}
		for _, town := range slices.Sorted(maps.Keys(alerts)) {
			same := was.In(town).runs() && is.In(town).counting() == was.In(town).counting()
			pair := alerts[town]
			slices.Sort(pair[0])
			slices.Sort(pair[1])
			if same && !slices.Equal(pair[0], pair[1]) {
				t.Fatalf("%s in %q\ngot  %v\nwant %v", counter, town, pair[0], pair[1])
			}
		}
	})
}
