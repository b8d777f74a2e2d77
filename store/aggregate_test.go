package store

import (
	"context"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/store/storetest"
)

func genAggregate(t *rapid.T) event.Aggregate {
	groups := []string{"zone", "tags", "related.ip", "source.ip", "source.port", "user.name", "x.Vendor", "x.other", "municipality", "event.risk_score", "file.code_signature.signed", "@timestamp", "event.kind"}
	numbers := []string{"source.port", "destination.port", "event.risk_score", "event.duration"}
	a := event.Aggregate{By: rapid.SliceOfNDistinct(rapid.SampledFrom(groups), 0, 2, rapid.ID[string]).Draw(t, "by")}
	for range rapid.IntRange(0, 4).Draw(t, "measures") {
		m := event.Measure{Kind: event.Reckoning(rapid.IntRange(0, 5).Draw(t, "kind"))}
		switch m.Kind {
		case event.Distinct:
			m.Field = rapid.SampledFrom(groups).Draw(t, "field")
		case event.Sum, event.Average:
			m.Field = rapid.SampledFrom(numbers).Draw(t, "field")
		default:
			m.Field = rapid.SampledFrom(append(numbers, "@timestamp", "event.created")).Draw(t, "field")
		}
		if m.Kind == event.Percentile {
			m.Percent = rapid.SampledFrom([]float64{0.5, 25, 50, 95, 99.9, 100}).Draw(t, "percent")
		}
		a.Measures = append(a.Measures, m)
	}
	return a
}

func TestAggregatesAgreeWithANaiveReckoning(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for _, name := range genFields {
		event.Intern(name)
	}
	rapid.Check(t, func(t *rapid.T) {
		wipe(s)
		b := genBatch(t, 40)
		commit(t, s, b)
		a := genAggregate(t)
		got, err := s.Aggregate(context.Background(), event.Query{}, a)
		if err != nil {
			t.Fatal(err)
		}
		var events []*event.Event
		for i := range b.Events {
			events = append(events, &b.Events[i])
		}
		if err := storetest.Reckoned(events, a, got); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAggregatesKeepToLimitTextAndTenants(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	commit(t, s, newMix(5).batch(2000))
	ctx := context.Background()
	a := event.Aggregate{By: []string{"source.ip", "destination.port"}, Measures: []event.Measure{{Kind: event.Distinct, Field: "municipality"}}, Limit: 3}
	got, err := s.Aggregate(ctx, event.Query{Tenants: []string{"312011"}}, a)
	if err != nil || len(got.Rows) != 3 || !got.Cut || strings.Join(got.Columns, " ") != "source.ip destination.port count distinct(municipality)" {
		t.Fatal(got, err)
	}
	for _, r := range got.Rows {
		if r[3].Int() != 1 {
			t.Error("rows of other municipalities are counted")
		}
	}
	got, err = s.Aggregate(ctx, event.Query{Tenants: []string{}}, event.Aggregate{Measures: []event.Measure{{Kind: event.Sum, Field: "source.port"}, {Kind: event.Average, Field: "source.port"}}})
	if err != nil || len(got.Rows) != 1 || got.Rows[0][0].Int() != 0 || got.Rows[0][1].Float() != 0 || got.Rows[0][2] != nil {
		t.Fatal(got, err)
	}
	if _, err := s.Aggregate(ctx, event.Query{}, event.Aggregate{By: []string{"nothing"}}); err == nil {
		t.Error("an unknown field groups")
	}
}
