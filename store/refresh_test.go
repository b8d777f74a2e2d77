package store

import (
	"context"
	"testing"

	"mimamori/event"
)

func TestAReaderSeesWhatItsOwnerHasDoneSince(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	m := newMix(1)
	commit(t, s, m.batch(100))
	r, err := Open(dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	total := int64(100)
	for range 2 * mergeFactor {
		commit(t, s, m.batch(100))
		total += 100
		if err := s.Compact(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := r.Refresh(); err != nil {
			t.Fatal(err)
		}
		if n, err := r.Count(context.Background(), event.Query{Text: "has(event.kind)"}); n != total || err != nil {
			t.Fatal(n, total, err)
		}
	}
	if err := s.Refresh(); err != nil || len(s.Frames()) != len(r.Frames()) {
		t.Error(err)
	}
}
