package store

import (
	"cmp"
	"context"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
)

// elements are a value's texts, each once.
func elements(v event.Value) []string {
	list := []string{v.Text()}
	if v.Kind() == event.List {
		list = slices.Clone(v.List())
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// naive keeps the events of each group, by their values joined.
func naive(b *event.Batch, by []string) map[string][]*event.Event {
	out := map[string][]*event.Event{}
	for i := range b.Events {
		keys := []string{""}
		for _, name := range by {
			var next []string
			if v, ok := b.Events[i].Get(event.MustLookup(name)); ok {
				for _, k := range keys {
					for _, e := range elements(v) {
						next = append(next, k+"\x01"+e)
					}
				}
			}
			keys = next
		}
		for _, k := range keys {
			out[k] = append(out[k], &b.Events[i])
		}
	}
	return out
}

// agrees tells whether a cell is what a measure makes of the events.
func agrees(m event.Measure, events []*event.Event, got *event.Value) bool {
	var values []event.Value
	different := map[string]bool{}
	for _, e := range events {
		if v, ok := e.Get(event.MustLookup(m.Field)); ok {
			values = append(values, v)
			for _, s := range elements(v) {
				different[s] = true
			}
		}
	}
	if m.Kind == event.Distinct {
		return got.Int() == int64(len(different))
	}
	if len(values) == 0 {
		return m.Kind == event.Sum && got.Float() == 0 || m.Kind != event.Sum && got == nil
	}
	compare := func(a, b event.Value) int {
		if a.Kind() == event.Double {
			return cmp.Compare(a.Float(), b.Float())
		}
		return cmp.Compare(a.Int(), b.Int())
	}
	slices.SortFunc(values, compare)
	sum, size := new(big.Float).SetPrec(2000), 0.0
	for _, v := range values {
		if v.Kind() == event.Double {
			sum.Add(sum, big.NewFloat(v.Float()))
		} else {
			sum.Add(sum, new(big.Float).SetInt64(v.Int()))
		}
		size += math.Abs(v.Float())
	}
	total, _ := sum.Float64()
	n := float64(len(values))
	switch m.Kind {
	case event.Sum:
		return math.Abs(got.Float()-total) <= size*1e-12
	case event.Average:
		return math.Abs(got.Float()-total/n) <= size*1e-12/n
	case event.Least:
		return got.Equal(values[0])
	case event.Greatest:
		return got.Equal(values[len(values)-1])
	}
	below, upTo := 0.0, 0.0
	for _, v := range values {
		if compare(v, *got) < 0 {
			below++
		}
		if compare(v, *got) <= 0 {
			upTo++
		}
	}
	want := n * m.Percent / 100
	return upTo >= want-1e-9 && below < want+1e-9
}

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
		groups := naive(b, a.By)
		if len(a.By) == 0 && len(groups) == 0 {
			groups[""] = nil
		}
		got, err := s.Aggregate(context.Background(), event.Query{}, a)
		if err != nil {
			t.Fatal(err)
		}
		last := int64(math.MaxInt64)
		for _, row := range got.Rows {
			key := ""
			for _, v := range row[:len(a.By)] {
				key += "\x01" + v.Text()
			}
			events, ok := groups[key]
			n := row[len(a.By)].Int()
			if !ok || n != int64(len(events)) || n > last {
				t.Fatalf("%+v: group %q has %d events, want %d", a, key, n, len(events))
			}
			last = n
			delete(groups, key)
			for i, m := range a.Measures {
				if c := row[len(a.By)+1+i]; !agrees(m, events, c) {
					t.Fatalf("%s of group %q is %v", m, key, c)
				}
			}
		}
		if len(groups) > 0 {
			t.Fatalf("%+v: missing %q", a, slices.Collect(maps.Keys(groups)))
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
