package store

import (
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
)

// TestLookupIsGetOfMany: of what is there and what is not, within towns and without.
func TestLookupIsGetOfMany(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	rapid.Check(t, func(t *rapid.T) {
		wipe(s)
		var refs []event.Ref
		for i := range rapid.IntRange(1, 3).Draw(t, "segments") {
			b := genBatch(t, 8)
			for j := range b.Events {
				b.Events[j].Epoch = uint64(i)
				refs = append(refs, b.Events[j].Ref)
			}
			commit(t, s, b)
		}
		refs = append(refs, event.Ref{Collector: "c1", Source: "s1", Epoch: 77, Seq: 1})
		refs = rapid.SliceOfNDistinct(rapid.SampledFrom(refs), 0, len(refs), rapid.ID[event.Ref]).Draw(t, "refs")
		var towns []string
		if rapid.Bool().Draw(t, "of towns") {
			towns = rapid.SliceOfN(genTexts, 0, 3).Draw(t, "towns")
		}
		got, err := s.Lookup(t.Context(), refs, towns)
		if err != nil {
			t.Fatal(err)
		}
		found := map[event.Ref]string{}
		for i := range got.Events {
			found[got.Events[i].Ref] = string(got.Events[i].AppendJSON(nil))
		}
		n := 0
		for _, r := range refs {
			b, err := s.Get(t.Context(), r, towns)
			if err != nil {
				continue
			}
			if n++; found[r] != string(b.Events[0].AppendJSON(nil)) {
				t.Fatalf("%+v is %q", r, found[r])
			}
		}
		if n != len(got.Events) {
			t.Fatalf("%d events, Get finds %d", len(got.Events), n)
		}
	})
}
