package elastic

import (
	"fmt"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/internal/testkit"
)

// erasure takes exactly what a naive filter takes.
func erasure(t *testing.T, es *testkit.Elastic) {
	s := opened(t, es, es.URL, Options{})
	b, x := &event.Batch{}, new(event.Builder)
	fields := event.ArrivalFields()
	month := func(n int) time.Time { return time.Date(2026, time.Month(n), 1, 0, 0, 0, 0, time.UTC) }
	want, seq := int64(0), 0
	for _, town := range []string{"312011", "312029"} {
		for has := range 1 << len(fields) {
			for m := range 3 {
				arrived := time.Unix(0, 0)
				for i, f := range fields {
					if has>>i&1 == 1 {
						at := month(6 + (m+i)%3).Add(-time.Duration(m % 2))
						if x.Set(f, event.Time(at.UnixNano())); arrived.Unix() == 0 {
							arrived = at
						}
					}
				}
				x.Set(townField, event.String(town))
				x.Set(originalField, event.String(fmt.Sprint("line ", seq)))
				seq++
				b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(seq)})
				if town == "312011" && !arrived.Before(month(6)) && arrived.Before(month(7)) {
					want++
				}
			}
		}
	}
	add(t, s, b)
	for _, expected := range []int64{want, 0} {
		if n, err := s.Erase(t.Context(), "312011", month(6), month(7)); n != expected || err != nil {
			t.Fatalf("%d went, want %d: %v", n, expected, err)
		}
	}
	refresh(t, s)
	if n, err := s.Count(t.Context(), event.Query{}); n != int64(seq)-want || err != nil {
		t.Fatalf("%d left of %d, %d erased: %v", n, seq, want, err)
	}
	if n, err := s.Erase(t.Context(), "312011", time.Unix(0, 0), time.Unix(1, 0)); n != 3 || err != nil {
		t.Fatalf("%d of those that nothing is known of went: %v", n, err)
	}
	if n, err := s.Erase(t.Context(), "313025", month(1), month(12)); n != 0 || err != nil {
		t.Fatal("a municipality without a stream: ", n, err)
	}
}
