package store

import (
	"context"
	"slices"
	"testing"

	"mimamori/event"
)

func open(t testing.TB, dir string, opts Options) *Store {
	t.Helper()
	if opts.Threads == 0 {
		opts.Threads = 2
	}
	s, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

type failer interface {
	Helper()
	Fatal(args ...any)
}

func commit(t failer, s *Store, b ...*event.Batch) {
	t.Helper()
	var frames []FrameRange
	for _, x := range b {
		for _, e := range x.Events {
			frames = append(frames, FrameRange{Collector: e.Collector, Source: e.Source, Municipality: e.Str(event.MustLookup("municipality")), Epoch: e.Epoch, First: e.Seq, Last: e.Seq, Stored: 1})
		}
	}
	if err := s.Commit(context.Background(), Commit{Batches: b, Frames: frames}); err != nil {
		t.Fatal(err)
	}
}

// same tells the first difference of two events, "" for none.
func same(a, b *event.Event) string {
	if a.Ref != b.Ref {
		return "identity"
	}
	if a.Len() != b.Len() {
		return string(a.AppendJSON(nil)) + " != " + string(b.AppendJSON(nil))
	}
	for f, v := range a.All {
		w, ok := b.Get(f)
		if ok && (v.Kind() == event.Keyword || v.Kind() == event.Text) && (w.Kind() == event.Keyword || w.Kind() == event.Text) && v.Str() == w.Str() {
			continue
		}
		if !ok || !v.Equal(w) {
			return f.Name() + ": " + v.Text() + " != " + w.Text()
		}
	}
	return ""
}

func byRef(list []event.Event) map[event.Ref]*event.Event {
	m := map[event.Ref]*event.Event{}
	for i := range list {
		m[list[i].Ref] = &list[i]
	}
	return m
}

func TestWhatIsCommittedIsReadBack(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	b := newMix(1).batch(3000)
	commit(t, s, b)
	page, err := s.Search(context.Background(), event.Query{Limit: 5000})
	if err != nil {
		t.Fatal(err)
	}
	if page.Total != 3000 || len(page.Batch.Events) != 3000 || page.Next != "" {
		t.Fatalf("total %d, %d events, next %q", page.Total, len(page.Batch.Events), page.Next)
	}
	want := byRef(b.Events)
	for i := range page.Batch.Events {
		e := &page.Batch.Events[i]
		if d := same(want[e.Ref], e); d != "" {
			t.Fatal(d)
		}
		if i > 0 && page.Batch.Events[i-1].Str(event.MustLookup("@timestamp")) < "" {
			t.Fatal("order")
		}
	}
	if !slices.IsSortedFunc(page.Batch.Events, func(a, b event.Event) int {
		x, _ := a.Get(event.MustLookup("@timestamp"))
		y, _ := b.Get(event.MustLookup("@timestamp"))
		return int(y.Int() - x.Int())
	}) {
		t.Fatal("not newest first")
	}
}

// pointers are a batch's events one by one.
func pointers(b *event.Batch) []*event.Event {
	out := make([]*event.Event, len(b.Events))
	for i := range out {
		out[i] = &b.Events[i]
	}
	return out
}
