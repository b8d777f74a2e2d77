package elastic

import (
	"context"
	"errors"
	"strings"
	"testing"

	"mimamori/event"
	"mimamori/internal/testkit"
	"mimamori/store"
)

// foreign lets one municipality ask in every way for what is another's, beside
// documents that stand in the wrong stream.
func foreign(t *testing.T, es *testkit.Elastic) {
	s := opened(t, es, es.URL, Options{})
	ctx := context.Background()
	b := plainBatch(1, 100)
	add(t, s, b)
	d, err := s.document(&b.Events[1]) // of 312029
	if err != nil {
		t.Fatal(err)
	}
	ours := strings.Replace(string(d.text), "-312029", "-312011", 1)
	ours = strings.Replace(ours, `"_id":"`, `"_id":"smuggled`, 1)
	if left, err := s.send(ctx, []*document{{ref: d.ref, id: "x", stream: "x", town: "312011", text: []byte(ours)}}); err != nil || len(left) > 0 {
		t.Fatal(err)
	}
	refresh(t, s)
	for _, tenants := range [][]string{{"312011"}, {"312011", "*", "312011*", "-312011", "", "_all", "312011,logs-*", "%2A", "3120??"}, append(make([]string, 30), "312011")} {
		for _, text := range []string{"", `municipality == "312029" or true`, `not (municipality == "312011")`, `not has(x.none)`, `"312029"`, `_index:*`, `municipality matches ".*"`} {
			q := event.Query{Text: text, Tenants: tenants, Limit: 1000}
			var got []event.Event
			page, err := s.Search(ctx, q)
			if err != nil {
				continue // a mistake in the text
			}
			got = append(got, page.Batch.Events...)
			if err := s.Each(ctx, q, func(b *event.Batch) error { got = append(got, b.Events...); return nil }); err != nil {
				t.Error(err)
			}
			for i := range got {
				if town := got[i].Str(townField); town != "312011" {
					t.Errorf("%q asked by %q finds an event of %s", text, tenants, town)
				}
			}
			foreignCounts(t, s, q)
		}
	}
	for _, nobody := range [][]string{{}, {"*"}, {"312029 "}, {"312029,312011"}} {
		if n, err := s.Count(ctx, event.Query{Tenants: nobody}); n != 0 || err != nil {
			t.Errorf("%q sees %d events, %v", nobody, n, err)
		}
	}
	if _, err := s.Get(ctx, b.Events[1].Ref, []string{"312011"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another's event by its identity: %v", err)
	}
}

// foreignCounts looks for the other municipality in figures.
func foreignCounts(t *testing.T, s *Store, q event.Query) {
	t.Helper()
	ctx := context.Background()
	n, err := s.Count(ctx, q)
	if err != nil || n > 50 {
		t.Errorf("%+v counts %d of 50 (%v)", q, n, err)
	}
	top, err := s.Top(ctx, q, "municipality", 10)
	if err != nil || len(top) > 1 || len(top) == 1 && top[0].Value != "312011" {
		t.Errorf("%+v: %v %v", q, top, err)
	}
	table, err := s.Aggregate(ctx, q, event.Aggregate{By: []string{"municipality"}, Measures: []event.Measure{{Kind: event.Distinct, Field: "municipality"}}})
	if err != nil || len(table.Rows) > 1 || len(table.Rows) == 1 && table.Rows[0][0].Text() != "312011" {
		t.Errorf("%+v: %v %v", q, table, err)
	}
	bars, err := s.Histogram(ctx, q, 10)
	sum := int64(0)
	for _, b := range bars {
		sum += b.Count
	}
	if err != nil || sum != n {
		t.Errorf("%+v: bars of %d events, %d match (%v)", q, sum, n, err)
	}
}
