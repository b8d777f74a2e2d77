package elastic

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"mimamori/event"
)

// figure is what is known of one measure of a row.
type figure struct {
	sum      float64
	n        int64
	edge     *event.Value             // the least or the greatest
	values   map[string]*weighedValue // those of Distinct and Percentile, by their texts
	estimate *event.Value
}

// weighedValue is a value and how many events have it.
type weighedValue struct {
	event.Value
	n int64
}

func (f *figure) count(v event.Value, n int64) {
	key := v.Text()
	if f.values == nil {
		f.values = map[string]*weighedValue{}
	}
	if f.values[key] == nil {
		f.values[key] = &weighedValue{Value: v.Clone()}
	}
	f.values[key].n += n
}

// add takes an event's value into account.
func (f *figure) add(m event.Measure, v event.Value) {
	switch m.Kind {
	case event.Distinct, event.Percentile:
		f.count(v, 1)
	case event.Least, event.Greatest:
		f.reach(m, v)
	default:
		f.sum += v.Float()
		f.n++
	}
}

func (f *figure) reach(m event.Measure, v event.Value) {
	if c := 0; f.edge != nil {
		if c = compareValues(v, *f.edge); c == 0 || (c < 0) != (m.Kind == event.Least) {
			return
		}
	}
	f.edge = &v
}

// cell is the figure's value; nil for none.
func (f *figure) cell(m event.Measure) *event.Value {
	v := event.Float(f.sum)
	switch {
	case f.estimate != nil:
		return f.estimate
	case m.Kind == event.Distinct:
		v = event.Int(int64(len(f.values)))
	case m.Kind == event.Least, m.Kind == event.Greatest:
		return f.edge
	case m.Kind == event.Percentile:
		return f.percentile(m.Percent)
	case m.Kind == event.Average && f.n == 0:
		return nil
	case m.Kind == event.Average:
		v = event.Float(f.sum / float64(f.n))
	}
	return &v
}

// percentile is the least value that so many percent of the values do not exceed.
func (f *figure) percentile(percent float64) *event.Value {
	list, n := make([]*weighedValue, 0, len(f.values)), int64(0)
	for _, v := range f.values {
		list = append(list, v)
		n += v.n
	}
	slices.SortFunc(list, func(a, b *weighedValue) int { return compareValues(a.Value, b.Value) })
	rank, seen := int64(math.Ceil(float64(n)*percent/100-1e-9)), int64(0)
	for _, v := range list {
		if seen += v.n; seen >= rank {
			return &v.Value
		}
	}
	return nil
}

// compareValues compares what a field's values are sorted by: numbers, what is none
// of them after them, and texts.
func compareValues(a, b event.Value) int {
	switch {
	case !numeric(a.Kind()) || !numeric(b.Kind()):
		return cmp.Compare(a.Text(), b.Text())
	case a.Kind() != event.Double && b.Kind() != event.Double:
		return cmp.Compare(a.Int(), b.Int())
	}
	x, y := a.Float(), b.Float()
	if math.IsNaN(x) || math.IsNaN(y) {
		return -cmp.Compare(x, y)
	}
	return cmp.Compare(x, y)
}

// metric asks for a measure of a bucket.
func metric(m event.Measure, f event.Field) body {
	switch m.Kind {
	case event.Distinct:
		return body{"cardinality": body{"field": path(f), "precision_threshold": 40_000}}
	case event.Percentile:
		return body{"percentiles": body{"field": path(f), "percents": []float64{m.Percent}, "keyed": false}}
	case event.Least, event.Greatest:
		// The metrics min and max are of floating point: whole numbers and nanoseconds would be rounded.
		order := map[bool]string{true: "asc", false: "desc"}[m.Kind == event.Least]
		return body{"filter": has(f), "aggs": body{"end": body{"top_hits": body{
			"size": 1, "_source": false, "sort": []body{{path(f): body{"order": order, "unmapped_type": sortType(f)}}},
		}}}}
	}
	return body{"stats": body{"field": path(f)}}
}

func sortType(f event.Field) string {
	if f.Type() == event.Date {
		return "date_nanos"
	}
	return f.Type().String()
}

// take reads what was asked by metric.
func (r *reckoner) take(g *group, b *bucket) error {
	for i, m := range r.Measures {
		text := b.sub[name(i)]
		if text == nil {
			continue
		}
		var found struct {
			Sum    float64     `json:"sum"`
			Count  int64       `json:"count"`
			Value  json.Number `json:"value"`
			Values []struct {
				Value *float64 `json:"value"`
			} `json:"values"`
			End struct {
				Hits struct {
					Hits []struct {
						Sort []json.RawMessage `json:"sort"`
					} `json:"hits"`
				} `json:"hits"`
			} `json:"end"`
		}
		if err := json.Unmarshal(text, &found); err != nil {
			return fmt.Errorf("elasticsearch: answer: %w", err)
		}
		f := &g.figures[i]
		f.sum, f.n = f.sum+found.Sum, f.n+found.Count
		switch hits := found.End.Hits.Hits; {
		case len(hits) > 0 && len(hits[0].Sort) > 0:
			v, err := keyValue(r.of[i], hits[0].Sort[0])
			if err != nil {
				return err
			}
			f.reach(m, v)
		case m.Kind == event.Distinct:
			n, err := found.Value.Int64()
			if err != nil {
				return fmt.Errorf("elasticsearch: answer: %w", err)
			}
			v := event.Int(n)
			f.estimate = &v
		case len(found.Values) > 0 && found.Values[0].Value != nil:
			v := event.Float(*found.Values[0].Value)
			if r.of[i].Type() == event.Long {
				v = event.Int(int64(math.Round(v.Float())))
			}
			f.estimate = &v
		}
	}
	return nil
}
