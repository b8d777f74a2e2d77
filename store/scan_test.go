package store

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/lang"
)

// TestScanGivesWhatMatchesInTheOrderOfTheStream: the evaluator and a sort say
// what that is.
func TestScanGivesWhatMatchesInTheOrderOfTheStream(t *testing.T) {
	s := open(t, t.TempDir(), Options{Lists: knownList{}})
	ingested := event.MustLookup("event.ingested")
	rapid.Check(t, func(t *rapid.T) {
		wipe(s)
		x := new(event.Builder)
		var want []uint64
		var order []int64
		root := genNode(t, 2)
		match := (&lang.Expr{Root: root}).Compile(knownList{})
		seq := uint64(0)
		for range rapid.IntRange(1, 3).Draw(t, "segments") {
			drawn, b := genBatch(t, 12), &event.Batch{}
			for i := range drawn.Events {
				seq++
				x.Load(&drawn.Events[i])
				x.Set(ingested, event.Time(genTimes.Draw(t, "ingested")))
				b.Append(x, event.Ref{Collector: "c1", Source: "s", Epoch: 1, Seq: seq})
			}
			commit(t, s, b)
			for i := range b.Events {
				if e := &b.Events[i]; match(e) {
					want = append(want, e.Seq)
				}
			}
		}
		var got []uint64
		err := s.Scan(t.Context(), event.Query{}, root, func(b *event.Batch) error {
			for i := range b.Events {
				at, _ := b.Events[i].Get(ingested)
				order = append(order, at.Int())
				got = append(got, b.Events[i].Seq)
			}
			return nil
		})
		slices.Sort(want)
		slices.Sort(got)
		if err != nil || !slices.Equal(got, want) || !slices.IsSorted(order) {
			t.Fatalf("%v: got %v, want %v, in order %v", err, got, want, order)
		}
	})
}
