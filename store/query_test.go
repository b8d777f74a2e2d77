package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/internal/lang"
)

func TestPagesDoNotShiftWhileSegmentsArrive(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	m := newMix(2)
	old := m.batch(500)
	commit(t, s, old)
	commit(t, s, m.batch(300))
	q := event.Query{Limit: 64, Text: `event.kind == "event"`}
	var seen []event.Ref
	pages := 0
	for {
		page, err := s.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != 800 {
			t.Fatalf("total %d", page.Total)
		}
		for _, e := range page.Batch.Events {
			seen = append(seen, e.Ref)
		}
		commit(t, s, m.batch(100)) // newer: belongs before the first page
		if pages++; page.Next == "" {
			break
		}
		q.Cursor = page.Next
	}
	if len(seen) != 800 || len(byRefs(seen)) != 800 || pages != 13 {
		t.Fatalf("%d events, %d different, %d pages", len(seen), len(byRefs(seen)), pages)
	}
	if _, err := s.Search(context.Background(), event.Query{Cursor: "nonsense"}); !errors.Is(err, ErrCursor) {
		t.Fatal(err)
	}
}

func byRefs(list []event.Ref) map[event.Ref]bool {
	m := map[event.Ref]bool{}
	for _, r := range list {
		m[r] = true
	}
	return m
}

func TestEqualTimesArePagedByIdentity(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	b, x := &event.Batch{}, new(event.Builder)
	for i := range 50 {
		if i%3 > 0 {
			x.Set(event.MustLookup("@timestamp"), event.Time(1000*int64(i%3)))
		}
		b.Append(x, event.Ref{Collector: []string{"a", "b"}[i%2], Source: "s", Epoch: 1, Seq: uint64(100 - i)})
	}
	commit(t, s, b)
	whole, err := s.Search(context.Background(), event.Query{Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	var paged []event.Ref
	for q := (event.Query{Limit: 7}); ; {
		page, err := s.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Batch.Events {
			paged = append(paged, e.Ref)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	for i, e := range whole.Batch.Events {
		if i >= len(paged) || paged[i] != e.Ref {
			t.Fatalf("at %d: %v", i, paged)
		}
	}
}

func TestTenantsSeeTheirOwnOnly(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	b := newMix(4).batch(400)
	commit(t, s, b)
	ctx := context.Background()
	tenants := []string{"312011"}
	want := int64(0)
	for i := range b.Events {
		e := &b.Events[i]
		if i%20 > 0 {
			if e.Str(event.MustLookup("municipality")) == "312011" {
				want++
			}
			continue
		}
		mine := e.Str(event.MustLookup("municipality")) == "312011"
		got, err := s.Get(ctx, e.Ref, tenants)
		switch {
		case mine && err != nil:
			t.Fatal(err)
		case mine && same(e, &got.Events[0]) != "":
			t.Fatal(same(e, &got.Events[0]))
		case !mine && !errors.Is(err, ErrNotFound):
			t.Fatalf("another town's event: %v", err)
		}
		if mine {
			want++
		}
	}
	for _, text := range []string{"", `true || municipality == "312029"`, `event.kind == "event"`} {
		n, err := s.Count(ctx, event.Query{Text: text, Tenants: tenants})
		if err != nil || n != want {
			t.Fatalf("%q: %d, want %d, %v", text, n, want, err)
		}
		if n, err := s.Count(ctx, event.Query{Text: text, Tenants: []string{}}); n != 0 || err != nil {
			t.Fatal("nobody's tenant sees events", n, err)
		}
	}
	top, err := s.Top(ctx, event.Query{Tenants: tenants}, "municipality", 10)
	if err != nil || len(top) != 1 || top[0] != (event.Count{Value: "312011", Count: want}) {
		t.Fatal(top, err)
	}
	page, err := s.Search(ctx, event.Query{Tenants: tenants, Limit: 1000})
	if err != nil || int64(len(page.Batch.Events)) != want {
		t.Fatal(len(page.Batch.Events), err)
	}
}

func TestHistogramAgreesWithANaiveCount(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	m := newMix(9)
	b := &event.Batch{}
	for range 20 {
		b.Events = append(b.Events, m.batch(20).Events...)
		m.now += int64(17 * time.Minute)
	}
	commit(t, s, b)
	at := event.MustLookup("@timestamp")
	first, _ := b.Events[0].Get(at)
	day := time.Unix(0, first.Int()).UTC()
	for _, q := range []event.Query{
		{},
		{Text: `event.action == "deny"`},
		{From: day.Add(-time.Hour), To: day.Add(9 * time.Hour)},
		{From: day.Add(30 * time.Minute), To: day.Add(31 * time.Minute)},
		{From: day.AddDate(0, 0, -40), To: day.AddDate(0, 0, 40)},
	} {
		bars, err := s.Histogram(context.Background(), q, 50)
		if err != nil || len(bars) == 0 || len(bars) > 50 {
			t.Fatal(len(bars), err)
		}
		width := time.Hour
		if len(bars) > 1 {
			width = bars[1].Start.Sub(bars[0].Start)
		}
		if !slices.Contains(widths(), width) {
			t.Fatalf("width %v", width)
		}
		expr, err := lang.ParseSearch(q.Text)
		if err != nil {
			t.Fatal(err)
		}
		program := expr.Compile(nil)
		for i, bar := range bars {
			n := int64(0)
			for j := range b.Events {
				v, _ := b.Events[j].Get(at)
				when := time.Unix(0, v.Int())
				if program(&b.Events[j]) && !when.Before(bar.Start) && when.Before(bar.Start.Add(width)) &&
					(q.From.IsZero() || !when.Before(q.From)) && (q.To.IsZero() || when.Before(q.To)) {
					n++
				}
			}
			if len(bars) > 1 && bar.Count != n {
				t.Fatalf("bar %d at %v: %d, want %d", i, bar.Start, bar.Count, n)
			}
		}
	}
}

func TestMistakesInTheTextAreReportedWithTheirPlace(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	_, err := s.Search(context.Background(), event.Query{Text: `source.prt == 3`})
	var le *lang.Error
	if !errors.As(err, &le) || le.Col != 1 {
		t.Fatal(err)
	}
}

func TestCancelledQueryEnds(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	commit(t, s, newMix(1).batch(100))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Count(ctx, event.Query{Text: "x"}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := s.Commit(ctx, Commit{Batches: []*event.Batch{newMix(1).batch(1)}}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
