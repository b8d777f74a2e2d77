package storetest

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"mimamori/event"
)

func histograms(t *testing.T, s Subject, o *oracle) {
	for _, q := range []event.Query{
		{From: began, To: began.Add(6 * time.Hour)},
		{Text: `event.action == "deny"`, From: began.Add(-24 * time.Hour), To: began.Add(24 * time.Hour)},
		{Text: `日本語`, From: began.Add(-time.Hour), To: began.Add(time.Hour), Tenants: []string{"312011"}},
		{Text: `has(user.name)`, From: began, To: began.Add(time.Microsecond)},
		{From: time.Unix(-3600*24*9000, 0), To: time.Unix(3600*24*9000, 0)},
		{Text: `collector == "t201" or municipality == "312029"`},
	} {
		bars, err := s.Histogram(context.Background(), q, 60)
		if err != nil || len(bars) == 0 || len(bars) > 60 {
			t.Fatalf("%+v: %d bars, %v", q, len(bars), err)
		}
		width := time.Duration(0)
		if len(bars) > 1 {
			width = bars[1].Start.Sub(bars[0].Start)
		}
		want := make([]int64, len(bars))
		for _, e := range o.find(t, q) {
			at, ok := e.Get(atField)
			if !ok {
				continue
			}
			i := 0
			if width > 0 {
				i = int(time.Unix(0, at.Int()).Sub(bars[0].Start) / width)
			}
			if i < 0 || i >= len(want) {
				if !q.From.IsZero() {
					t.Fatalf("%+v: no bar for %v", q, time.Unix(0, at.Int()))
				}
				continue
			}
			want[i]++
		}
		for i, b := range bars {
			if b.Count != want[i] {
				t.Errorf("%+v: bar %d at %v: %d, want %d", q, i, b.Start, b.Count, want[i])
			}
		}
	}
}

// topped are the fields whose values are counted, of every type that an index
// can count by.
var topped = []string{
	"source.ip", "destination.port", "event.action", "user.name", "tags", "event.category", "event.risk_score", "file.code_signature.signed", "x.vendor",
	"fortinet.fortigate.policyid", "fortinet.fortigate.service", "municipality", "no.such.field", "message", "event.created",
}

func tops(t *testing.T, s Subject, o *oracle) {
	for _, q := range []event.Query{{}, {Text: "deny"}, {Text: `has(user.name)`, Tenants: []string{"312011"}}, {Text: `user.name contains "a" or source.port > 30000`}, {Text: `false`}} {
		for _, field := range topped {
			f, known := event.Lookup(field)
			counts := map[string]int64{}
			for _, e := range o.find(t, q) {
				v, ok := event.Value{}, false
				if known {
					v, ok = e.Get(f)
				}
				if !ok || numeric(f.Type()) && !numeric(v.Kind()) {
					continue // a number's field is counted by its numbers
				}
				if v.Kind() == event.List {
					for _, x := range v.List() {
						counts[x]++
					}
				} else {
					counts[v.Text()]++
				}
			}
			want := make([]event.Count, 0, len(counts))
			for v, n := range counts {
				want = append(want, event.Count{Value: v, Count: n})
			}
			slices.SortFunc(want, func(a, b event.Count) int { return cmp.Compare(b.Count, a.Count) })
			got, err := s.Top(context.Background(), q, field, 12)
			if err != nil || len(got) != min(12, len(want)) {
				t.Errorf("%+v top %s: %d values, want %d (%v)", q, field, len(got), min(12, len(want)), err)
				continue
			}
			for i, c := range got {
				if c.Count != want[i].Count || counts[c.Value] != c.Count {
					t.Errorf("%+v top %s: %q %d times, want %d, place %d has %d", q, field, c.Value, c.Count, counts[c.Value], i, want[i].Count)
				}
			}
		}
	}
}

func numeric(t event.Type) bool {
	return t == event.Long || t == event.Double || t == event.Boolean || t == event.Date
}
