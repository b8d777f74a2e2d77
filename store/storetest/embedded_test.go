package storetest

import (
	"context"
	"testing"

	"mimamori/event"
	"mimamori/store"
)

func TestEmbedded(t *testing.T) {
	Run(t, func(t *testing.T) Subject {
		s, err := store.Open(t.TempDir(), store.Options{Threads: 2, Lists: Lists{}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return Subject{Reader: s, Counter: s, Lister: s, Add: func(t testing.TB, b *event.Batch) {
			if err := s.Commit(context.Background(), store.Commit{Batches: []*event.Batch{b}}); err != nil {
				t.Fatal(err)
			}
		}}
	})
}
