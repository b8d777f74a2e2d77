package event_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
)

func TestMeasuresAreReadAsTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := event.Measure{Kind: event.Reckoning(rapid.IntRange(0, 5).Draw(t, "kind")), Field: rapid.StringMatching(`[a-z@._]{1,20}`).Draw(t, "field")}
		if m.Kind == event.Percentile {
			m.Percent = rapid.Float64Range(0.001, 100).Draw(t, "percent")
		}
		if got, err := event.ParseMeasure(m.String()); err != nil || got != m {
			t.Fatalf("%v: %v, %v", m, got, err)
		}
	})
}

func TestMistakenAggregatesAreRefused(t *testing.T) {
	sum := func(f string) event.Aggregate {
		return event.Aggregate{Measures: []event.Measure{{Kind: event.Sum, Field: f}}}
	}
	for _, c := range []struct {
		a    event.Aggregate
		want string
	}{
		{event.Aggregate{By: []string{"zone", "user.name", "host.name"}}, "at most 2"},
		{event.Aggregate{By: []string{"zone", "zone"}}, "twice"},
		{event.Aggregate{By: []string{"user.nam"}}, "did you mean user.name"},
		{event.Aggregate{By: []string{"message"}}, "prose"},
		{sum("user.name"), "needs numbers"},
		{sum("@timestamp"), "needs numbers"},
		{sum("source.prt"), "did you mean source.port"},
		{event.Aggregate{Measures: []event.Measure{{Kind: event.Percentile, Field: "source.port", Percent: 101}}}, "at most 100"},
		{event.Aggregate{Measures: []event.Measure{{Kind: event.Distinct, Field: "message"}}}, "prose"},
		{event.Aggregate{Measures: []event.Measure{{Kind: 77, Field: "source.port"}}}, "no such measure"},
		{event.Aggregate{Measures: make([]event.Measure, 17)}, "at most"},
	} {
		if err := c.a.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.a, err, c.want)
		}
	}
	for _, s := range []string{"", "sum", "sum(", "sum()x", "p0(a)", "p101(a)", "pNaN(a)", "p(a)", "median(a)"} {
		if m, err := event.ParseMeasure(s); err == nil {
			t.Errorf("%q is %v", s, m)
		}
	}
	ok := event.Aggregate{By: []string{"tags", "zone"}, Measures: []event.Measure{{Kind: event.Greatest, Field: "@timestamp"}, {Kind: event.Sum, Field: "source.port"}}}
	if err := ok.Check(); err != nil {
		t.Error(err)
	}
}
