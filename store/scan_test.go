package store

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/lang"
)

// seen is a Replay that keeps copies.
type seen struct {
	events []*event.Event
	ticks  []int64
}

func (s *seen) Run(b *event.Batch) {
	x, out := new(event.Builder), new(event.Batch)
	for i := range b.Events {
		e := &b.Events[i]
		for f, v := range e.All {
			x.Set(f, v.Clone())
		}
		s.events = append(s.events, out.Append(x, event.Ref{Collector: e.Collector, Source: e.Source, Epoch: e.Epoch, Seq: e.Seq}))
	}
}

func (s *seen) Clock(t time.Time) { s.ticks = append(s.ticks, t.UnixNano()) }

// TestScanGivesWhatMatchesInTheOrderOfTheStream: the evaluator, a sort and what
// Search gives say what that is.
func TestScanGivesWhatMatchesInTheOrderOfTheStream(t *testing.T) {
	s := open(t, t.TempDir(), Options{Lists: knownList{}})
	ingested := event.MustLookup("event.ingested")
	rapid.Check(t, func(t *rapid.T) {
		wipe(s)
		x := new(event.Builder)
		root := genNode(t, 2)
		match := (&lang.Expr{Root: root}).Compile(knownList{})
		q := event.Query{Limit: 1000}
		if rapid.Bool().Draw(t, "bounded") {
			q.From, q.To = time.Unix(0, genTimes.Draw(t, "from")), time.Unix(0, genTimes.Draw(t, "to"))
		}
		if rapid.IntRange(0, 3).Draw(t, "of towns") == 0 {
			q.Tenants = rapid.SliceOfN(genTexts, 0, 3).Draw(t, "towns")
		}
		seq := uint64(0)
		for range rapid.IntRange(1, 3).Draw(t, "segments") {
			drawn, b := genBatch(t, 12), &event.Batch{}
			for i := range drawn.Events {
				seq++
				x.Load(&drawn.Events[i])
				x.Set(ingested, event.Time(genTimes.Draw(t, "ingested")))
				b.Append(x, event.Ref{Collector: drawn.Events[i].Collector, Source: drawn.Events[i].Source, Epoch: 1, Seq: seq})
			}
			commit(t, s, b)
		}
		if rapid.Bool().Draw(t, "compacted") {
			if err := s.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		page, err := s.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		var want []*event.Event
		seconds := map[int64]int64{}
		for i := range page.Batch.Events {
			e := &page.Batch.Events[i]
			at, _ := e.Get(ingested)
			if was, ok := seconds[floorDiv(at.Int(), 1e9)]; !ok || at.Int() < was {
				seconds[floorDiv(at.Int(), 1e9)] = at.Int()
			}
			if match(e) {
				want = append(want, e)
			}
		}
		fields := []event.Field{ingested}
		for range rapid.IntRange(0, 8).Draw(t, "fields") {
			fields = append(fields, genField(t))
		}
		var got seen
		if err := s.Scan(t.Context(), q, root, fields, &got); err != nil {
			t.Fatal(err)
		}
		arrival := func(e *event.Event) int64 { v, _ := e.Get(ingested); return v.Int() }
		if !slices.IsSortedFunc(got.events, func(a, b *event.Event) int { return int(arrival(a) - arrival(b)) }) {
			t.Fatal("not in the order of arrival")
		}
		for _, w := range want {
			i := slices.IndexFunc(got.events, func(e *event.Event) bool { return e.Seq == w.Seq })
			if i < 0 {
				t.Fatalf("event %d matches and is not there", w.Seq)
			}
			e := got.events[i]
			if e.Ref != w.Ref {
				t.Fatalf("event %+v came as %+v", w.Ref, e.Ref)
			}
			for _, f := range fields {
				a, hasA := w.Get(f)
				b, hasB := e.Get(f)
				if hasA != hasB || !a.Equal(b) {
					t.Fatalf("%s is %q, not %q", f.Name(), b.Text(), a.Text())
				}
			}
			if match(e) != true {
				t.Fatal("the condition is not true of what came out")
			}
		}
		if len(got.events) != len(want) {
			t.Fatalf("%d events came, %d match", len(got.events), len(want))
		}
		if len(got.ticks) != len(seconds) || !slices.IsSorted(got.ticks) {
			t.Fatalf("the clock told %v, seconds are %v", got.ticks, seconds)
		}
		for _, at := range got.ticks {
			if seconds[floorDiv(at, 1e9)] != at {
				t.Fatalf("%d is not the first of its second", at)
			}
		}
	})
}
