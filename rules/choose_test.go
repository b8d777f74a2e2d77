package rules

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
)

// TestWhatIsObservedIsWhatTheIndexAnswers: a predicate's share is by the events
// that the index itself lets pass by it.
func TestWhatIsObservedIsWhatTheIndexAnswers(t *testing.T) {
	x := new(event.Builder)
	rapid.Check(t, func(t *rapid.T) {
		b := &event.Batch{}
		for range rapid.IntRange(1, 5).Draw(t, "events") {
			drawEvent(t, x)
			b.Append(x, event.Ref{})
		}
		r := ruleOf(t, "r", genCondition(3).Draw(t, "when"))
		o := &observed{seen: b, kinds: map[string]*kindSeen{}, folded: map[value]string{}}
		frequency(func(p predicate) float64 {
			only := emptyPartitions()
			only.any.unit(need{anyOf: []predicate{p}}, 0)
			only.finish()
			marks := newBitset(1)
			for i := range b.Events {
				only.candidates(&b.Events[i], marks)
				v, ok := b.Events[i].Get(p.field)
				if want, got := marks.pop() == 0, ok && o.holds(p, v, value{event: i, field: p.field}); got != want {
					t.Fatalf("%s of %s: observed %v, the index says %v", p, b.Events[i].AppendJSON(nil), got, want)
				}
			}
			return share(p)
		}).necessary(r.units[0].root, false)
	})
}

func TestTheIndexLearnsWhatIsRare(t *testing.T) {
	// The estimate takes a long text for rare; here it is in every event.
	s := setOf(t, ruleOf(t, "r", `file.path contains "quite-a-long-folder" && process.name == "x"`))
	b, x := &event.Batch{}, new(event.Builder)
	for i := range seenEvery * seenEvents * 2 {
		x.Set(event.MustLookup("file.path"), event.String("/srv/quite-a-long-folder/a"))
		x.Set(event.MustLookup("process.name"), event.String(fmt.Sprintf("%c", 'a'+i%26)))
		b.Append(x, event.Ref{Seq: uint64(i)})
	}
	seen := new(Seen)
	e := NewEngine(s, Options{Seen: seen})
	alerts := func() (n int) {
		e.Evaluate(b, func(event.Alert) { n++ })
		return n
	}
	if seen.Ripe() {
		t.Error("nothing was seen, and an index is to be chosen by it")
	}
	want := alerts()
	before := e.Stats().Candidates
	if !seen.Ripe() {
		t.Fatal("what was seen is not ripe")
	}
	NewEngine(s, Options{}).Use(e.Choose()) // another's choice is none
	e.Use(e.Choose())
	if seen.Ripe() {
		t.Error("as much is to be seen again before the next choice")
	}
	if got := alerts(); got != want {
		t.Errorf("%d alerts, before %d", got, want)
	}
	if after := e.Stats().Candidates - before; after*20 > before {
		t.Errorf("%d conditions ran, before %d", after, before)
	}
}
