package storetest

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
)

// The fields that figures are made of: every type, lists, vendors' fields, and
// those in which the odd events have values of other types.
var (
	groupable = []string{
		"event.category", "tags", "related.ip", "source.ip", "source.port", "user.name", "x.vendor", "fortinet.fortigate.service", "municipality",
		"event.risk_score", "file.code_signature.signed", "event.created", "event.action",
	}
	reckonable = []string{"source.port", "destination.port", "event.risk_score", "event.duration", "http.response.bytes", "source.bytes"}
)

// genAggregate makes a question after figures.
func genAggregate(r *rapid.T) event.Aggregate {
	a := event.Aggregate{By: rapid.SliceOfNDistinct(rapid.SampledFrom(groupable), 0, 2, rapid.ID[string]).Draw(r, "by"), Limit: 10_000}
	for range rapid.IntRange(0, 3).Draw(r, "measures") {
		m := event.Measure{Kind: event.Reckoning(rapid.IntRange(0, 5).Draw(r, "kind"))}
		switch m.Kind {
		case event.Distinct:
			m.Field = rapid.SampledFrom(groupable).Draw(r, "field")
		case event.Sum, event.Average:
			m.Field = rapid.SampledFrom(reckonable).Draw(r, "field")
		default:
			m.Field = rapid.SampledFrom(append([]string{"@timestamp", "event.created"}, reckonable...)).Draw(r, "field")
		}
		if m.Kind == event.Percentile {
			m.Percent = rapid.SampledFrom([]float64{0.5, 25, 50, 95, 99.9, 100}).Draw(r, "percent")
		}
		a.Measures = append(a.Measures, m)
	}
	return a
}

// figures asks for groups and measures, of all events, of some, of one town's,
// of those that no index is sure of, and of none.
func figures(t *testing.T, s Subject, o *oracle) {
	asked := []event.Query{
		{}, {Text: "deny"}, {Tenants: []string{"312011"}}, {From: began, To: began.Add(90 * 60e9)}, {Text: `event.original contains "a" or has(tags)`}, {Tenants: []string{}},
	}
	for seed := range 40 { // an engine needs a tenth of a second for each
		q, a := asked[seed%len(asked)], rapid.Custom(genAggregate).Example(seed)
		got, err := s.Aggregate(context.Background(), q, a)
		if err != nil || got.Cut || got.Estimated {
			t.Fatalf("%+v %+v: %v %v", q, a, got, err)
		}
		if err := Reckoned(o.find(t, q), a, got); err != nil {
			t.Errorf("%+v: %v", q, err)
		}
	}
	a := event.Aggregate{By: []string{"source.ip", "destination.port"}, Measures: []event.Measure{{Kind: event.Distinct, Field: "municipality"}, {Kind: event.Greatest, Field: "@timestamp"}}, Limit: 3}
	got, err := s.Aggregate(context.Background(), event.Query{Tenants: []string{"312011"}}, a)
	if err != nil || len(got.Rows) != 3 || !got.Cut || len(got.Columns) != 5 || got.Columns[3] != "distinct(municipality)" {
		t.Fatal(got, err)
	}
	for _, row := range got.Rows {
		if row[3].Int() != 1 {
			t.Error("rows of other municipalities are counted")
		}
	}
	for _, wrong := range []event.Aggregate{{By: []string{"nothing"}}, {By: []string{"message"}}} {
		if _, err := s.Aggregate(context.Background(), event.Query{}, wrong); err == nil {
			t.Errorf("%+v is answered", wrong)
		}
	}
}
