package store

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/lang"
)

func TestEachGivesWhatMatchesWholeAndOnce(t *testing.T) {
	s := open(t, t.TempDir(), Options{Lists: knownList{}})
	texts := []string{"", `source.port > 80`, `user.name == "sato" || has(x.other)`, `not has(tags)`, `sato`}
	rapid.Check(t, func(t *rapid.T) {
		wipe(s)
		b := genBatch(t, 60)
		commit(t, s, b)
		q := event.Query{Text: rapid.SampledFrom(texts).Draw(t, "text")}
		if rapid.Bool().Draw(t, "town") {
			q.Tenants = []string{"a", "sato"}
		}
		expr, err := lang.ParseSearch(q.Text)
		if err != nil {
			t.Fatal(err)
		}
		program, want := expr.Compile(nil), map[event.Ref]*event.Event{}
		for i := range b.Events {
			e := &b.Events[i]
			town := e.Str(event.MustLookup("municipality"))
			if program(e) && (q.Tenants == nil || town == "a" || town == "sato") {
				want[e.Ref] = e
			}
		}
		err = s.Each(context.Background(), q, func(got *event.Batch) error {
			for i := range got.Events {
				e := &got.Events[i]
				if want[e.Ref] == nil {
					t.Fatalf("%v came twice, or should not", e.Ref)
				}
				if d := same(want[e.Ref], e); d != "" {
					t.Fatal(d)
				}
				delete(want, e.Ref)
			}
			return nil
		})
		if err != nil || len(want) > 0 {
			t.Fatalf("%d events are missing, %v", len(want), err)
		}
	})
}

func TestEachEndsWhenItsReaderDoes(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	commit(t, s, newMix(1).batch(5000))
	full, calls := errors.New("full"), 0
	err := s.Each(context.Background(), event.Query{}, func(b *event.Batch) error {
		if calls++; len(b.Events) > exported {
			t.Error(len(b.Events))
		}
		return full
	})
	if !errors.Is(err, full) || calls != 1 {
		t.Error(calls, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	err = s.Each(ctx, event.Query{}, func(b *event.Batch) error { n += len(b.Events); cancel(); return nil })
	if !errors.Is(err, context.Canceled) || n == 5000 {
		t.Error(n, err)
	}
}
