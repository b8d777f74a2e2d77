package rules

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
)

var correlated = []string{
	"correlate: {count: 3, by: [municipality, source.ip], within: 60s}",
	"correlate: {distinct: destination.port, count: 3, by: [source.ip], within: 60s}",
	`correlate: {by: [source.ip], within: 60s, steps: [{name: a, when: 'event.action == "a"', count: 2}, {name: b, when: 'event.action == "b"'}], until: 'destination.port == 4'}`,
	`correlate: {type: temporal, by: [source.ip], within: 60s, steps: [{name: a, when: 'event.action == "a"', count: 2}, {name: b, when: 'event.action == "b"'}]}`,
	`correlate: {type: temporal, count: 2, by: [source.ip], within: 60s, steps: [{name: a, when: 'event.action == "a"', count: 2}, {name: b, when: 'event.action == "b"'}, {name: c, when: 'destination.port == 4'}]}`,
	"correlate: {distinct: [destination.port, event.action], count: 3, by: [source.ip], within: 60s}",
	"correlate: {count: {gt: 1, lte: 4}, by: [source.ip], within: 60s}",
	"correlate: {sum: destination.port, over: 8, by: [source.ip], within: 60s, lateness: 5s}",
	"correlate: {avg: destination.port, over: {lt: 2}, by: [source.ip], within: 60s}",
	"correlate: {new: [destination.port, event.action], by: [source.ip], learn: 60s, within: 5m}",
	"correlate: {type: absence, count: 2, by: [source.ip], within: 90s}",
	"correlate: {spike: 2, count: 3, by: [source.ip], within: 1m, learn: 1s}",
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
		undisturbed := NewEngine(s, opts)
		undisturbed.Evaluate(&whole, func(a event.Alert) { want = append(want, describe(a)) })
		undisturbed.Flush(func(a event.Alert) { want = append(want, describe(a)) })
		e := NewEngine(s, opts)
		for rest := whole.Events; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			e.Evaluate(&event.Batch{Events: rest[:n]}, func(a event.Alert) { got = append(got, describe(a)) })
			rest = rest[n:]
			for _, st := range e.states {
				if held := st.table.held(); held != st.table.bytes {
					t.Fatalf("%s holds %d bytes of evidence and counts %d", st.rule.ID, held, st.table.bytes)
				}
			}
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
		e.Flush(func(a event.Alert) { got = append(got, describe(a)) })
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("with cuts:\n%v\nwithout:\n%v", got, want)
		}
	})
}

// held counts the evidence that a table has, kept and waiting.
func (t *table) held() (n int) {
	for _, g := range t.groups {
		for _, k := range g.kept {
			n += len(k.JSON)
		}
	}
	waiting := slices.Clone(t.live.heap)
	for _, l := range t.lanes {
		waiting = append(waiting, l.heap...)
	}
	for _, x := range waiting {
		n += len(x.json)
	}
	return n
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
	e.Flush(func(a event.Alert) { got = append(got, a.Rule) })
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
	if n := len(e.states[0].table.groups); n != 10 {
		t.Errorf("%d groups", n)
	}
	if n := e.Stats().Evicted; n != 990 {
		t.Errorf("%d evicted", n)
	}
}

// TestALateTownIsHeardAmongManyLateTowns: beyond maxLanes they share a lane.
func TestWhatAKeyRemembersDoesNotDependOnOtherKeys(t *testing.T) {
	s := setOf(t, ruleOf(t, "n", `has(event.action)`, "correlate: {new: [event.action], by: [source.ip], learn: 1h, within: 5d}"))
	for days, want := range map[int]int{2: 1, 6: 1, 21: 1, 40: 0} { // of silence, alerts about what comes then
		for _, others := range []bool{false, true} {
			e, n := NewEngine(s, Options{}), 0
			count := func(a event.Alert) {
				if strings.Contains(a.Key, "10.0.0.1") {
					n++
				}
			}
			send := func(ip, action string, day int) {
				x, b := new(event.Builder), event.Batch{}
				x.Set(fieldTime, event.Time(testStart.AddDate(0, 0, day).UnixNano()))
				x.Set(event.MustLookup("event.action"), event.String(action))
				x.Set(event.MustLookup("source.ip"), event.Addr(ip))
				b.Append(x, event.Ref{Collector: "c", Source: ip, Epoch: 1, Seq: uint64(day + 1)})
				e.Evaluate(&b, count)
			}
			send("10.0.0.1", "a", 0)
			for day := 1; others && day < days; day++ {
				send("10.0.0.2", "a", day)
			}
			send("10.0.0.1", "b", days)
			e.Flush(count)
			if n != want {
				t.Errorf("after %d days, others there: %v: %d alerts, want %d", days, others, n, want)
			}
		}
	}
}

func TestALateTownIsHeardAmongManyLateTowns(t *testing.T) {
	s := setOf(t, ruleOf(t, "r", `has(event.action)`, "correlate: {count: 2, by: [host.name], within: 60s}"))
	e, x := NewEngine(s, Options{}), new(event.Builder)
	send := func(collector string, seq int, at time.Time) {
		var b event.Batch
		x.Set(fieldTime, event.Time(at.UnixNano()))
		x.Set(event.MustLookup("event.action"), event.String("a"))
		x.Set(event.MustLookup("host.name"), event.String(collector))
		b.Append(x, event.Ref{Collector: collector, Source: "s", Epoch: 1, Seq: uint64(seq)})
		e.Evaluate(&b, func(event.Alert) { t.Error("too early") })
	}
	send("on-time", 1, testStart.Add(time.Hour))
	const towns = maxLanes + 50
	for seq := range 2 {
		for i := range towns {
			send(fmt.Sprintf("town-%d", i), seq+1, testStart.Add(time.Duration(seq)*time.Second))
		}
	}
	alerts := 0
	e.Flush(func(event.Alert) { alerts++ })
	if alerts != towns {
		t.Errorf("%d of %d towns were heard", alerts, towns)
	}
}

// TestWhatIsOvertakenIsJudged: of an old file some parts overtake others, which
// come later in their own order, mixed with the first at random. Each hour has
// three events, which are one alert.
func TestWhatIsOvertakenIsJudged(t *testing.T) {
	s, x := setOf(t, ruleOf(t, "r", `has(event.action)`, "correlate: {count: 3, by: [host.name], within: 60s}")), new(event.Builder)
	rapid.Check(t, func(t *rapid.T) {
		var first, overtaken []time.Duration
		hours := rapid.IntRange(1, 20).Draw(t, "hours")
		for h := range hours {
			order := &first
			if rapid.Bool().Draw(t, "overtaken") {
				order = &overtaken
			}
			for n := range 3 {
				*order = append(*order, time.Duration(h)*time.Hour+time.Duration(n)*time.Second)
			}
		}
		e, alerts, ahead := NewEngine(s, Options{}), 0, time.Duration(0)
		emit := func(event.Alert) { alerts++ }
		for seq := range 3 * hours {
			next := &first
			if len(first) == 0 || len(overtaken) > 0 && overtaken[0] < ahead && rapid.Bool().Draw(t, "turn") {
				next = &overtaken
			}
			at := (*next)[0]
			*next, ahead = (*next)[1:], max(ahead, at)
			var b event.Batch
			x.Set(fieldTime, event.Time(testStart.Add(at).UnixNano()))
			x.Set(fieldReceived, event.Time(testStart.Add(48*time.Hour).UnixNano()))
			x.Set(fieldIngested, event.Time(testStart.Add(48*time.Hour).UnixNano()))
			x.Set(event.MustLookup("event.action"), event.String("a"))
			x.Set(event.MustLookup("host.name"), event.String("h"))
			b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(seq + 1)})
			e.Evaluate(&b, emit)
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				snap, err := e.Snapshot()
				if err != nil {
					t.Fatal(err)
				}
				if e = NewEngine(s, Options{}); e.Restore(snap) != nil {
					t.Fatal("not restored")
				}
			}
		}
		e.Flush(emit)
		if late := e.Stats().Late; alerts != hours || late > 0 {
			t.Errorf("%d alerts, want %d; %d events were too late", alerts, hours, late)
		}
	})
}

// keptStream has events that many of correlatedSet's rules keep.
func keptStream() *event.Batch {
	b, x := &event.Batch{}, new(event.Builder)
	for i := range 6 {
		x.Set(fieldTime, event.Time(testStart.Add(time.Duration(i)*time.Second).UnixNano()))
		x.Set(event.MustLookup("event.action"), event.String("a"))
		x.Set(event.MustLookup("source.ip"), event.Addr("10.0.0.1"))
		x.Set(event.MustLookup("destination.port"), event.Int(int64(i)))
		b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(i + 1)})
	}
	return b
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestASnapshotHasAnEventOnce however many rules keep it.
func TestASnapshotHasAnEventOnce(t *testing.T) {
	e, b := NewEngine(correlatedSet(t), Options{}), keptStream()
	e.Evaluate(b, func(event.Alert) {})
	snap := must(e.Snapshot())
	for i := range b.Events {
		if n := bytes.Count(snap, b.Events[i].AppendJSON(nil)); n != 1 {
			t.Errorf("event %d stands %d times in a snapshot", i, n)
		}
	}
	next := NewEngine(correlatedSet(t), Options{})
	if err := next.Restore(snap); err != nil || !bytes.Equal(must(next.Snapshot()), snap) {
		t.Error("what was restored is another", err)
	}
}

func FuzzRestore(f *testing.F) {
	s := correlatedSet(f)
	e := NewEngine(s, Options{})
	f.Add(must(e.Snapshot()))
	b := keptStream()
	e.Evaluate(b, func(event.Alert) {})
	f.Add(must(e.Snapshot()))
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

// TestRulesOnAlertsSeeAlertsAndNothingElse: not those of rules in test, nor
// their own, and no other rule sees an alert.
func TestRulesOnAlertsSeeAlertsAndNothingElse(t *testing.T) {
	s := setOf(t,
		ruleOf(t, "usb", `event.action == "usb"`, "severity: high"),
		ruleOf(t, "malware", `event.action == "malware"`, "suppress: {by: [host.name], for: 1h}"),
		ruleOf(t, "trial", `event.action == "trial"`, "status: test"),
		ruleOf(t, "any", `has(host.name)`, "severity: low"),
		ruleOf(t, "chain", `event.severity >= 2`, "source: {dataset: [mimamori.alert]}", "correlate: {distinct: rule.id, count: 2, by: [host.name], within: 1h}"),
		ruleOf(t, "each", `event.severity >= 2`, "source: {dataset: [mimamori.alert]}"),
	)
	x, b := new(event.Builder), event.Batch{}
	for i, action := range []string{"usb", "trial", "usb", "malware", "malware", "other"} {
		x.Set(fieldTime, event.Time(testStart.Add(time.Duration(i)*time.Minute).UnixNano()))
		x.Set(event.MustLookup("event.action"), event.String(action))
		x.Set(event.MustLookup("host.name"), event.String("pc1"))
		b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(i + 1)})
	}
	got := map[string]int{}
	e := NewEngine(s, Options{})
	e.Evaluate(&b, func(a event.Alert) { got[a.Rule]++ })
	e.Advance(testStart.Add(time.Hour), func(a event.Alert) { got[a.Rule]++ })
	if want := (map[string]int{"usb": 2, "malware": 1, "trial": 1, "any": 6, "each": 3, "chain": 1}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
