package storetest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"mimamori/event"
	"mimamori/internal/lang"
)

// oracle answers from the events in memory.
type oracle struct{ all *event.Batch }

var (
	atField   = event.MustLookup("@timestamp")
	townField = event.MustLookup("municipality")
)

// find returns the events that match, in the order of pages.
func (o *oracle) find(t testing.TB, q event.Query) []*event.Event {
	t.Helper()
	expr, err := lang.ParseSearch(q.Text)
	if err != nil {
		t.Fatalf("%s: %v", q.Text, err)
	}
	program := expr.Compile(Lists{})
	var out []*event.Event
	for i := range o.all.Events {
		e := &o.all.Events[i]
		at, timed := e.Get(atField)
		switch {
		case !program(e),
			q.Tenants != nil && (!e.Has(townField) || !slices.Contains(q.Tenants, e.Str(townField))),
			!q.From.IsZero() && (!timed || at.Int() < q.From.UnixNano()),
			!q.To.IsZero() && (!timed || at.Int() >= q.To.UnixNano()):
			continue
		}
		out = append(out, e)
	}
	slices.SortFunc(out, compare)
	return out
}

// compare is the order of pages: newest first, equals by identity. An engine
// may count from 1970 only, and so what was before then is one time, with what
// has none.
func compare(a, b *event.Event) int {
	return cmp.Or(cmp.Compare(when(b), when(a)), cmp.Compare(a.Collector, b.Collector), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Seq, b.Seq))
}

func when(e *event.Event) int64 {
	at, ok := e.Get(atField)
	if !ok || at.Int() <= 0 {
		return math.MinInt64
	}
	return at.Int()
}

// collect asks for all pages.
func collect(s Subject, q event.Query) ([]event.Event, int64, error) {
	var out []event.Event
	for total := int64(-1); ; {
		page, err := s.Search(context.Background(), q)
		if err != nil {
			return nil, 0, err
		}
		if total < 0 {
			total = page.Total
		} else if total != page.Total {
			return nil, 0, fmt.Errorf("the total changes from %d to %d", total, page.Total)
		}
		out = append(out, page.Batch.Events...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return out, total, nil
		}
	}
}

// check compares a query's answers with the oracle's.
func (o *oracle) check(t testing.TB, s Subject, q event.Query) {
	t.Helper()
	want := o.find(t, q)
	got, total, err := collect(s, q)
	if err != nil {
		t.Fatalf("%s: %v", q.Text, err)
	}
	n, err := s.Count(context.Background(), q)
	if err != nil || int(n) != len(want) || int(total) != len(want) {
		t.Errorf("%s: count %d, total %d, want %d (%v)", q.Text, n, total, len(want), err)
	}
	wanted := map[event.Ref]*event.Event{}
	for _, e := range want {
		wanted[e.Ref] = e
	}
	for i := range got {
		e := &got[i]
		if wanted[e.Ref] == nil {
			t.Errorf("%s: it finds, also or twice:\n%.300s", q.Text, e.AppendJSON(nil))
		}
		delete(wanted, e.Ref)
		if i > 0 && compare(&got[i-1], e) > 0 && when(e) > math.MinInt64 {
			t.Errorf("%s: order: %v before %v", q.Text, got[i-1].Ref, e.Ref)
		}
	}
	for _, e := range wanted {
		t.Errorf("%s: it does not find\n%.300s", q.Text, e.AppendJSON(nil))
	}
}

// same tells what is different in an event that was read back. Text may come
// back with the kind of its field, and in a field of another type a date as
// text and what is no number as text.
func same(a, b *event.Event) string {
	if a.Ref != b.Ref {
		return fmt.Sprintf("identity: %v, not %v", b.Ref, a.Ref)
	}
	if a.Len() != b.Len() {
		return fmt.Sprintf("%d fields, not %d:\n%.300s\n%.300s", b.Len(), a.Len(), b.AppendJSON(nil), a.AppendJSON(nil))
	}
	for f, v := range a.All {
		w, ok := b.Get(f)
		number := math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0)
		isText := v.Kind() == event.Keyword || v.Kind() == event.Text || v.Kind() == event.IP
		loose := isText || v.Kind() == event.Date && f.Type() != event.Date || number || v.Kind() == event.Long && f.Type() == event.Double
		if !ok || loose && v.Text() != w.Text() || !loose && !v.Equal(w) {
			return fmt.Sprintf("%s: %.100q (%v), not %.100q (%v)", f.Name(), w.Text(), w.Kind(), v.Text(), v.Kind())
		}
	}
	return ""
}
