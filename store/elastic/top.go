package elastic

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"mimamori/event"
)

// The number of values that Elasticsearch is asked for, at first and at most
// (it does not make more buckets).
const (
	firstTop = 500
	mostTop  = 60_000
)

// Top lists the n most frequent values of a field among the matching events,
// as text, the most frequent first and equals by value. An element of a list
// counts for itself. An unknown field has no values. Dates and prose (message,
// event.original) are counted by reading the events, and so only of few
// (ErrVague).
func (s *Store) Top(ctx context.Context, q event.Query, field string, n int) ([]event.Count, error) {
	f, ok := event.Lookup(field)
	if !ok || n <= 0 {
		return nil, nil
	}
	n = min(n, 10_000)
	x, err := s.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	x.where.most = all(x.where.most, either(has(f), odd(f)))
	x.where.least = all(x.where.least, has(f), none(odd(f)))
	if !x.counts(f) {
		x.where.least = nothing()
	}
	for size := max(firstTop, n+1); ; size = min(20*size, mostTop) {
		sum, err := x.summary(ctx, x.topOf(f, size))
		if err != nil {
			return nil, err
		}
		list, err := topList(f, sum)
		if err != nil {
			return nil, err
		}
		top, sure := list.best(n, sum.doubt)
		if sure || size >= mostTop {
			return top, nil
		}
	}
}

// counts tells whether the index can count by a field.
func (x *question) counts(f event.Field) bool {
	return f.Type() != event.Date && f.Type() != event.Text && (f.Known() || x.product != openSearch)
}

func (x *question) topOf(f event.Field, size int) body {
	if !x.counts(f) {
		return nil
	}
	return body{"top": body{"terms": body{
		"field": path(f), "size": size, "shard_size": 2 * size, "show_term_doc_count_error": true,
		"order": []body{{"_count": "desc"}, {"_key": "asc"}},
	}}}
}

// counted is the most frequent values as Elasticsearch counts them, and by how
// much it may be wrong.
type counted struct {
	field  event.Field
	counts []event.Count
	errs   map[string]int64
	beyond int64 // how often a value can occur that is not in the list
}

func topList(f event.Field, sum *summary) (*counted, error) {
	var found struct {
		Error   int64 `json:"doc_count_error_upper_bound"`
		Others  int64 `json:"sum_other_doc_count"`
		Buckets []struct {
			Key   json.RawMessage `json:"key"`
			Text  string          `json:"key_as_string"`
			Count int64           `json:"doc_count"`
			Error int64           `json:"doc_count_error_upper_bound"`
		} `json:"buckets"`
	}
	out := &counted{field: f, errs: map[string]int64{}}
	if text := sum.aggs["top"]; text != nil {
		if err := json.Unmarshal(text, &found); err != nil {
			return nil, fmt.Errorf("elasticsearch: answer: %w", err)
		}
	}
	for _, b := range found.Buckets {
		value := b.Text
		if f.Type() != event.Boolean {
			value = keyText(f, b.Key)
		}
		out.counts = append(out.counts, event.Count{Value: value, Count: b.Count})
		if b.Error > 0 {
			out.errs[value] = b.Error
		}
		out.beyond = b.Count
	}
	if out.beyond += found.Error; found.Others == 0 && found.Error == 0 {
		out.beyond = 0
	}
	return out, nil
}

// keyText writes a bucket's key as Value.Text would.
func keyText(f event.Field, key json.RawMessage) string {
	var s string
	if json.Unmarshal(key, &s) == nil {
		return s
	}
	if v, ok := event.ParseAs(f.Type(), string(key)); ok {
		return v.Text()
	}
	return string(key)
}

// best are the first n with what the events in doubt add, and whether they
// are so for certain.
func (c *counted) best(n int, doubt *event.Batch) ([]event.Count, bool) {
	at := map[string]int{}
	for i, x := range c.counts {
		at[x.Value] = i
	}
	for v, k := range valuesIn(doubt, c.field) {
		i, ok := at[v]
		if !ok {
			i, c.counts = len(c.counts), append(c.counts, event.Count{Value: v})
			if c.beyond > 0 {
				c.errs[v] = c.beyond
			}
		}
		c.counts[i].Count += k
	}
	slices.SortFunc(c.counts, func(a, b event.Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	if len(c.counts) <= n {
		return c.counts, c.beyond == 0 && len(c.errs) == 0
	}
	last, sure := c.counts[n-1].Count, c.beyond == 0 || c.beyond < c.counts[n-1].Count
	for i, x := range c.counts {
		wrong := c.errs[x.Value]
		sure = sure && (wrong == 0 || i >= n && x.Count+wrong < last)
	}
	return c.counts[:n], sure
}

// valuesIn counts the values of a field in a batch.
func valuesIn(b *event.Batch, f event.Field) map[string]int64 {
	out := map[string]int64{}
	for i := range b.Events {
		for _, v := range elements(&b.Events[i], f) {
			out[v.Text()]++
		}
	}
	return out
}

// elements are the values of a field for which an event counts.
func elements(e *event.Event, f event.Field) []event.Value {
	v, ok := e.Get(f)
	if !ok || numeric(f.Type()) && !numeric(v.Kind()) {
		return nil // a number's field is counted by its numbers
	}
	if v.Kind() == event.Double && v.Float() == 0 {
		v = event.Float(0) // there is one zero
	}
	if v.Kind() != event.List {
		if !numeric(f.Type()) && numeric(v.Kind()) {
			v = event.String(v.Text())
		}
		return []event.Value{v}
	}
	out := make([]event.Value, len(v.List()))
	for i, s := range v.List() {
		out[i] = event.String(s)
	}
	return out
}

func numeric(t event.Type) bool {
	return t == event.Long || t == event.Double || t == event.Boolean || t == event.Date
}
