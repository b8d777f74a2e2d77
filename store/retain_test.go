package store

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
)

func olderThan(t time.Time) func(string, string) time.Time {
	return func(string, string) time.Time { return t }
}

// TestRetentionGoesByMunicipalityAndDataset compares with a list of events: of a
// segment's kinds exactly those go whose newest event is over age, at once and
// for good, and whatever the order of retention and compaction.
func TestRetentionGoesByMunicipalityAndDataset(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{Now: func() time.Time { return time.Unix(0, 1<<60) }})
	type key struct {
		segment       int
		town, dataset string
	}
	rapid.Check(t, func(t *rapid.T) {
		wipe(s)
		kept, newest := map[key][]event.Ref{}, map[key]int64{}
		for i := range rapid.IntRange(1, 4).Draw(t, "segments") {
			b, x := &event.Batch{}, new(event.Builder)
			for j := range rapid.IntRange(1, 12).Draw(t, "events") {
				k := key{i, rapid.SampledFrom(towns[:3]).Draw(t, "town"), rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "dataset")}
				at := rapid.Int64Range(0, 9).Draw(t, "time")
				x.Set(event.MustLookup("@timestamp"), event.Time(at))
				x.Set(event.MustLookup("municipality"), event.String(k.town))
				if k.dataset != "" {
					x.Set(event.MustLookup("event.dataset"), event.String(k.dataset))
				}
				ref := event.Ref{Collector: "c", Source: "s", Epoch: uint64(i), Seq: uint64(j)}
				b.Append(x, ref)
				kept[k], newest[k] = append(kept[k], ref), max(newest[k], at)
			}
			commit(t, s, b)
		}
		limits := map[[2]string]time.Time{}
		for _, town := range towns[:3] {
			for _, set := range []string{"", "a", "b"} {
				if rapid.IntRange(0, 3).Draw(t, "hold") > 0 {
					limits[[2]string{town, set}] = time.Unix(0, rapid.Int64Range(0, 10).Draw(t, "limit"))
				}
			}
		}
		gone := int64(0)
		var want []uint64
		for k, refs := range kept {
			if limit, ok := limits[[2]string{k.town, k.dataset}]; ok && newest[k] < limit.UnixNano() {
				gone += int64(len(refs))
				continue
			}
			for _, r := range refs {
				want = append(want, r.Epoch<<32|r.Seq)
			}
		}
		before := func(town, set string) time.Time { return limits[[2]string{town, set}] }
		n, err := s.Retain(context.Background(), before)
		if err != nil || n != gone {
			t.Fatalf("%d events went, want %d: %v", n, gone, err)
		}
		if n, err = s.Retain(context.Background(), before); err != nil || n != 0 {
			t.Fatalf("%d more went: %v", n, err)
		}
		page, err := s.Search(context.Background(), event.Query{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		var got []uint64
		for i := range page.Batch.Events {
			got = append(got, page.Batch.Events[i].Epoch<<32|page.Batch.Events[i].Seq)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("left %v, want %v", got, want)
		}
	})
}
