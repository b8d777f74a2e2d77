package elastic

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"mimamori/event"
)

// group is a row in the making.
type group struct {
	key     []event.Value
	n       int64
	row     bool // it is answered with
	figures []figure
}

// groupKey tells one combination of values from any other.
func groupKey(key []event.Value) string {
	var b strings.Builder
	for _, v := range key {
		s := v.Text()
		b.WriteString(strconv.Itoa(len(s)) + ":" + s)
	}
	return b.String()
}

func (r *reckoner) group(key []event.Value) *group {
	text := groupKey(key)
	g := r.groups[text]
	if g == nil {
		g = &group{figures: make([]figure, len(r.Measures))}
		for _, v := range key {
			g.key = append(g.key, v.Clone())
		}
		r.groups[text] = g
	}
	return g
}

// keys are the groups of an event: one for each different combination of its
// values, none when it lacks one.
func keys(e *event.Event, by []event.Field) [][]event.Value {
	out := [][]event.Value{nil}
	for _, f := range by {
		var next [][]event.Value
		for _, v := range different(e, f) {
			for _, k := range out {
				next = append(next, append(slices.Clone(k), v))
			}
		}
		out = next
	}
	return out
}

// different are an event's values of a field, each once.
func different(e *event.Event, f event.Field) []event.Value {
	list := elements(e, f)
	slices.SortFunc(list, compareValues)
	return slices.CompactFunc(list, func(a, b event.Value) bool { return compareValues(a, b) == 0 })
}

// choose takes the groups of most events for rows, equals by their values.
func (r *reckoner) choose() {
	for _, g := range r.groups {
		r.rows = append(r.rows, g)
	}
	slices.SortFunc(r.rows, func(a, b *group) int {
		c := cmp.Compare(b.n, a.n)
		for i := range a.key {
			c = cmp.Or(c, compareValues(a.key[i], b.key[i]))
		}
		return c
	})
	if limit := r.Most(); len(r.rows) > limit {
		r.rows, r.cut = r.rows[:limit], true
	}
	for _, g := range r.rows {
		g.row = true
	}
}

// among restricts further questions to the rows that were chosen.
func (r *reckoner) among() []body {
	var out []body
	for i, f := range r.by {
		if !r.cut || f.Type() == event.Double {
			continue
		}
		texts := []string{}
		for _, g := range r.rows {
			texts = append(texts, g.key[i].Text())
		}
		slices.Sort(texts)
		out = append(out, body{"terms": body{path(f): slices.Compact(texts)}})
	}
	return out
}

// add takes an event that was read into account.
func (r *reckoner) add(e *event.Event) {
	for _, key := range keys(e, r.by) {
		g := r.groups[groupKey(key)]
		if g == nil || !g.row {
			continue
		}
		for i, m := range r.Measures {
			for _, v := range different(e, r.of[i]) {
				g.figures[i].add(m, v)
			}
		}
	}
}

// table writes the rows.
func (r *reckoner) table() *event.Table {
	out := &event.Table{Columns: append(slices.Clone(r.By), "count"), Cut: r.cut, Estimated: r.estimated}
	for _, m := range r.Measures {
		out.Columns = append(out.Columns, m.String())
	}
	if r.rows == nil && len(r.by) == 0 { // nothing matched
		r.choose()
	}
	for _, g := range r.rows {
		var row []*event.Value
		for i := range g.key {
			row = append(row, &g.key[i])
		}
		n := event.Int(g.n)
		row = append(row, &n)
		for i, m := range r.Measures {
			row = append(row, g.figures[i].cell(m))
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}
