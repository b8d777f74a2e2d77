package storetest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"

	"mimamori/event"
)

// Reckoned compares a store's figures with what a naive reckoning makes of the
// events; its error says what is wrong. The table must be whole.
func Reckoned(events []*event.Event, a event.Aggregate, got *event.Table) error {
	groups := grouped(events, a.By)
	if len(a.By) == 0 && len(groups) == 0 {
		groups[""] = nil
	}
	last := int64(math.MaxInt64)
	for _, row := range got.Rows {
		key := ""
		for _, v := range row[:len(a.By)] {
			key += "\x01" + v.Text()
		}
		of, ok := groups[key]
		n := row[len(a.By)].Int()
		if !ok || n != int64(len(of)) || n > last {
			return fmt.Errorf("%+v: group %q has %d events, want %d", a, key, n, len(of))
		}
		last = n
		delete(groups, key)
		for i, m := range a.Measures {
			if c := row[len(a.By)+1+i]; !agrees(m, of, c) {
				return fmt.Errorf("%s of group %q is %v", m, key, c)
			}
		}
	}
	if len(groups) > 0 {
		return fmt.Errorf("%+v: missing %q", a, slices.Collect(maps.Keys(groups)))
	}
	return nil
}

// elements are a value's texts, each once.
func elements(v event.Value) []string {
	list := []string{v.Text()}
	if v.Kind() == event.List {
		list = slices.Clone(v.List())
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// value is a field's value, if it counts: a number's field is counted by its numbers.
func value(e *event.Event, name string) (event.Value, bool) {
	f := event.MustLookup(name)
	v, ok := e.Get(f)
	if v.Kind() == event.Double && v.Float() == 0 {
		v = event.Float(0) // there is one zero
	}
	return v, ok && (!numeric(f.Type()) || numeric(v.Kind()))
}

// grouped keeps the events of each group, by their values joined.
func grouped(events []*event.Event, by []string) map[string][]*event.Event {
	out := map[string][]*event.Event{}
	for _, e := range events {
		keys := []string{""}
		for _, name := range by {
			var next []string
			if v, ok := value(e, name); ok {
				for _, k := range keys {
					for _, s := range elements(v) {
						next = append(next, k+"\x01"+s)
					}
				}
			}
			keys = next
		}
		for _, k := range keys {
			out[k] = append(out[k], e)
		}
	}
	return out
}

// agrees tells whether a cell is what a measure makes of the events.
func agrees(m event.Measure, events []*event.Event, got *event.Value) bool {
	var values []event.Value
	different := map[string]bool{}
	for _, e := range events {
		if v, ok := value(e, m.Field); ok {
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
	slices.SortFunc(values, ascending)
	switch m.Kind {
	case event.Sum, event.Average:
		return agreesSum(m, values, got.Float())
	case event.Least:
		return got.Equal(values[0])
	case event.Greatest:
		return got.Equal(values[len(values)-1])
	}
	below, upTo := 0.0, 0.0
	for _, v := range values {
		if ascending(v, *got) < 0 {
			below++
		}
		if ascending(v, *got) <= 0 {
			upTo++
		}
	}
	want := float64(len(values)) * m.Percent / 100
	return upTo >= want-1e-9 && below < want+1e-9
}

func ascending(a, b event.Value) int {
	if a.Kind() == event.Double {
		return cmp.Compare(a.Float(), b.Float())
	}
	return cmp.Compare(a.Int(), b.Int())
}

// agreesSum compares with an exact sum, as far as floating point goes.
func agreesSum(m event.Measure, values []event.Value, got float64) bool {
	sum, size, naive := new(big.Float).SetPrec(2000), 0.0, 0.0
	for _, v := range values {
		x := v.Float()
		naive += x
		size += math.Abs(x)
		switch {
		case math.IsInf(x, 0):
		case v.Kind() == event.Double:
			sum.Add(sum, big.NewFloat(x))
		default:
			sum.Add(sum, new(big.Float).SetInt64(v.Int()))
		}
	}
	total, _ := sum.Float64()
	n := 1.0
	if m.Kind == event.Average {
		n = float64(len(values))
	}
	if math.IsInf(size, 0) {
		return math.IsNaN(naive) && math.IsNaN(got) || naive == got
	}
	return math.Abs(got-total/n) <= size*1e-12/n
}
