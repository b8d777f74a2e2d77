package rules

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
)

var correlated = []string{
	"correlate: {count: 3, by: [municipality, source.ip], within: 60s}",
	"correlate: {distinct: destination.port, count: 3, by: [source.ip], within: 60s}",
	`correlate: {by: [source.ip], within: 60s, steps: [{name: a, when: 'event.action == "a"', count: 2}, {name: b, when: 'event.action == "b"'}]}`,
	"suppress: {by: [source.ip], for: 60s}",
}

func correlatedSet(t interface{ Fatal(...any) }) *Set {
	var list []*Rule
	for i, c := range correlated {
		list = append(list, ruleOf(t, fmt.Sprintf("c%d", i), `has(event.action)`, c))
	}
	return setOf(t, list...)
}

func drawStream(t *rapid.T, x *event.Builder, out bool) []event.Batch {
	at := testStart
	b := event.Batch{}
	for i := range rapid.IntRange(1, 80).Draw(t, "events") {
		step := rapid.IntRange(0, 40).Draw(t, "step")
		if out {
			step -= 10
		}
		at = at.Add(time.Duration(step) * time.Second)
		x.Set(fieldTime, event.Time(at.UnixNano()))
		x.Set(event.MustLookup("event.action"), event.String(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "action")))
		x.Set(event.MustLookup("source.ip"), event.Addr(rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.2"}).Draw(t, "ip")))
		x.Set(event.MustLookup("destination.port"), event.Int(int64(rapid.IntRange(1, 4).Draw(t, "port"))))
		if rapid.Bool().Draw(t, "town") {
			x.Set(fieldMunicipality, event.String("131016"))
		}
		b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(i + 1)})
	}
	return []event.Batch{b}
}

// describe is everything about an alert that must not depend on cuts.
func describe(a event.Alert) string {
	s := fmt.Sprintf("%s %s %s %s %d %v %v", a.ID, a.Rule, a.Municipality, a.Key, a.Count, a.Start, a.End)
	for _, e := range a.Events {
		s += fmt.Sprintf("|%d %s", e.Ref.Seq, e.JSON)
	}
	return s
}

func TestCutsAndRestartsGiveTheSameAlerts(t *testing.T) {
	x := new(event.Builder)
	rapid.Check(t, func(t *rapid.T) {
		s := correlatedSet(t)
		opts := Options{Groups: rapid.SampledFrom([]int{1, 2, 1000}).Draw(t, "groups")}
		whole := drawStream(t, x, true)[0]
		var want, got []string
		NewEngine(s, opts).Evaluate(&whole, func(a event.Alert) { want = append(want, describe(a)) })
		e := NewEngine(s, opts)
		for rest := whole.Events; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			e.Evaluate(&event.Batch{Events: rest[:n]}, func(a event.Alert) { got = append(got, describe(a)) })
			rest = rest[n:]
			snap, err := e.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			e = NewEngine(s, opts)
			if err := e.Restore(snap); err != nil {
				t.Fatal(err)
			}
			again, _ := e.Snapshot()
			if !slices.Equal(snap, again) {
				t.Fatal("a restored engine's snapshot differs")
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("with cuts:\n%v\nwithout:\n%v", got, want)
		}
	})
}

// naiveThreshold is the definition: walk the events in order, look back a window.
func naiveThreshold(times []time.Duration, count int, within time.Duration) (starts []time.Duration) {
	var window []time.Duration
	fired, last := false, time.Duration(0)
	for _, at := range times {
		if fired && at-last <= within {
			last = at
			continue
		}
		if fired {
			fired, window = false, nil
		}
		window = append(window, at)
		window = slices.DeleteFunc(window, func(x time.Duration) bool { return at-x > within })
		if len(window) >= count {
			starts = append(starts, window[0])
			fired, last = true, at
		}
	}
	return starts
}

func TestThresholdFiresOncePerEpisodeLikeItsDefinition(t *testing.T) {
	x := new(event.Builder)
	rapid.Check(t, func(t *rapid.T) {
		s := setOf(t, ruleOf(t, "r", `has(event.action)`, "correlate: {count: 4, by: [source.ip], within: 60s}"))
		b := event.Batch{}
		var times []time.Duration
		at := time.Duration(0)
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			at += time.Duration(rapid.IntRange(0, 80).Draw(t, "gap")) * time.Second
			times = append(times, at)
			x.Set(fieldTime, event.Time(testStart.Add(at).UnixNano()))
			x.Set(event.MustLookup("event.action"), event.String("a"))
			b.Append(x, event.Ref{})
		}
		var got []time.Duration
		NewEngine(s, Options{}).Evaluate(&b, func(a event.Alert) {
			got = append(got, a.Start.Sub(testStart))
			if a.Count != 4 || len(a.Events) != 4 {
				t.Fatalf("count %d, evidence %d", a.Count, len(a.Events))
			}
		})
		if want := naiveThreshold(times, 4, time.Minute); !slices.Equal(got, want) {
			t.Fatalf("%v: got %v, want %v", times, got, want)
		}
	})
}

func TestOutOfOrderInsideTheWindowCounts(t *testing.T) {
	s := setOf(t, ruleOf(t, "r", `has(event.action)`, "correlate: {count: 3, by: [source.ip], within: 60s}"))
	x, b := new(event.Builder), event.Batch{}
	for _, sec := range []int{50, 10, 30} {
		x.Set(fieldTime, event.Time(testStart.Add(time.Duration(sec)*time.Second).UnixNano()))
		x.Set(event.MustLookup("event.action"), event.String("a"))
		b.Append(x, event.Ref{})
	}
	var got []event.Alert
	NewEngine(s, Options{}).Evaluate(&b, func(a event.Alert) { got = append(got, a) })
	if len(got) != 1 || !got[0].Start.Equal(testStart.Add(10*time.Second)) || !got[0].End.Equal(testStart.Add(50*time.Second)) {
		t.Errorf("alerts %+v", got)
	}
}

func TestStateOfAChangedRuleIsDroppedAndOfOthersKept(t *testing.T) {
	old := setOf(t, ruleOf(t, "a", `has(event.action)`, "correlate: {count: 2, within: 60s}"), ruleOf(t, "b", `has(event.action)`, "correlate: {count: 2, within: 60s}"))
	changed := setOf(t, ruleOf(t, "a", `has(event.action) && true`, "correlate: {count: 2, within: 60s}"), ruleOf(t, "b", `has(event.action)`, "correlate: {count: 2, within: 60s}", "tests: []"))
	x, b := new(event.Builder), event.Batch{}
	x.Set(fieldTime, event.Time(testStart.UnixNano()))
	x.Set(event.MustLookup("event.action"), event.String("a"))
	b.Append(x, event.Ref{})
	e := NewEngine(old, Options{})
	e.Evaluate(&b, func(event.Alert) { t.Error("too early") })
	snap, _ := e.Snapshot()
	e = NewEngine(changed, Options{})
	if err := e.Restore(snap); err != nil {
		t.Fatal(err)
	}
	var got []string
	e.Evaluate(&b, func(a event.Alert) { got = append(got, a.Rule) })
	if !slices.Equal(got, []string{"b"}) {
		t.Errorf("fired %v, want only b", got)
	}
}

func TestGroupsAreBounded(t *testing.T) {
	s := setOf(t, ruleOf(t, "r", `has(event.action)`, "correlate: {count: 2, by: [user.name], within: 60s}"))
	e := NewEngine(s, Options{Groups: 10})
	x, b := new(event.Builder), event.Batch{}
	for i := range 1000 {
		x.Set(fieldTime, event.Time(testStart.UnixNano()))
		x.Set(event.MustLookup("event.action"), event.String("a"))
		x.Set(event.MustLookup("user.name"), event.String(fmt.Sprint(i)))
		b.Append(x, event.Ref{})
	}
	e.Evaluate(&b, func(event.Alert) { t.Error("no two events share a group") })
	if n := len(e.states[0].groups.groups); n != 10 {
		t.Errorf("%d groups", n)
	}
	if n := e.Stats().Evicted; n != 990 {
		t.Errorf("%d evicted", n)
	}
}

func FuzzRestore(f *testing.F) {
	s := correlatedSet(f)
	e := NewEngine(s, Options{})
	snap, _ := e.Snapshot()
	f.Add(snap)
	f.Add([]byte(snapshotMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		e := NewEngine(s, Options{})
		if err := e.Restore(data); err == nil {
			if _, err := e.Snapshot(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
