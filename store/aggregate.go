package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"mimamori/event"
)

// Aggregate answers with figures over the matching events, exactly: the row of
// most events first, equals by their values. It holds as many values as there
// are different ones (of a percentile: all of them); what does not fit into
// DuckDB's memory is an error that wraps event.ErrTooLarge.
func (s *Store) Aggregate(ctx context.Context, q event.Query, a event.Aggregate) (*event.Table, error) {
	if err := a.Check(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	x, err := s.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	defer x.done()
	out := &event.Table{Columns: append(append([]string{}, a.By...), "count")}
	for _, m := range a.Measures {
		out.Columns = append(out.Columns, m.String())
	}
	limit := a.Most()
	query := x.translator(x.segs).aggregate(a, x)
	if query == "" {
		if len(a.By) == 0 {
			out.Rows = [][]*event.Value{emptyRow(a)}
		}
		return out, nil
	}
	types := cellTypes(a)
	err = x.rows(query+" LIMIT "+strconv.Itoa(limit+1), func(r *sql.Rows) error {
		if len(out.Rows) == limit {
			out.Cut = true
			return nil
		}
		row, err := scanRow(r, types)
		out.Rows = append(out.Rows, row)
		return err
	})
	return out, err
}

// emptyRow is the one row about no event.
func emptyRow(a event.Aggregate) []*event.Value {
	none := event.Int(0)
	row := []*event.Value{&none}
	for _, m := range a.Measures {
		switch zero := event.Float(0); m.Kind {
		case event.Distinct:
			row = append(row, &none)
		case event.Sum:
			row = append(row, &zero)
		default:
			row = append(row, nil)
		}
	}
	return row
}

// cellTypes are the types of the answer's columns.
func cellTypes(a event.Aggregate) []event.Type {
	var out []event.Type
	for _, name := range a.By {
		t := event.MustLookup(name).Type() // Check knows it
		if t == event.List {
			t = event.Keyword
		}
		out = append(out, t)
	}
	out = append(out, event.Long)
	for _, m := range a.Measures {
		switch m.Kind {
		case event.Distinct:
			out = append(out, event.Long)
		case event.Sum, event.Average:
			out = append(out, event.Double)
		default:
			out = append(out, event.MustLookup(m.Field).Type())
		}
	}
	return out
}

// grouped is a field as an expression for groups, and whether that is a list of
// texts; "" when no segment has the field.
func (t *translator) grouped(f event.Field) (expr string, list bool) {
	switch f.Type() {
	case event.Long, event.Double, event.Date, event.Boolean:
		return t.number(f), false
	}
	if f.Type() == event.List || t.inRest(f.Name()) {
		return t.texts(f, false), true
	}
	return t.scalar(f), false
}

// aggregate writes the question but for its limit; "" when there is no row.
func (t *translator) aggregate(a event.Aggregate, x *question) string {
	if len(t.segs) == 0 {
		return ""
	}
	var inner, outer, notNull, lists []string
	for i, name := range a.By {
		expr, list := t.grouped(event.MustLookup(name))
		if expr == "" {
			return ""
		}
		key := "k" + strconv.Itoa(i)
		inner, outer, notNull = append(inner, expr+" AS "+key), append(outer, key), append(notNull, key+" IS NOT NULL")
		if list {
			lists = append(lists, key)
		}
	}
	outer = append(outer, "count(*) AS n")
	for i, m := range a.Measures {
		expr, list := t.grouped(event.MustLookup(m.Field))
		if expr == "" {
			expr, list = "NULL::BIGINT", false
		}
		v := "v" + strconv.Itoa(i)
		inner, outer = append(inner, expr+" AS "+v), append(outer, figure(m, v, list))
	}
	from := "SELECT " + strings.Join(append(inner, "1 AS one"), ", ") + " FROM " + t.from() + " WHERE " + t.where(x.expr.Root, x.bounds)
	for _, key := range lists {
		from = "SELECT * REPLACE (unnest(list_distinct(" + key + ")) AS " + key + ") FROM (" + from + ")"
	}
	query := "SELECT " + strings.Join(outer, ", ") + " FROM (" + from + ")"
	if len(a.By) == 0 {
		return query
	}
	order := []string{"n DESC", "k0", "k1"}[:1+len(a.By)]
	return query + " WHERE " + strings.Join(notNull, " AND ") + " GROUP BY ALL ORDER BY " + strings.Join(order, ", ")
}

// figure writes what a measure makes of a column.
func figure(m event.Measure, v string, list bool) string {
	switch m.Kind {
	case event.Distinct:
		if list {
			return "coalesce(list_unique(flatten(list(" + v + "))), 0)::BIGINT"
		}
		return "count(DISTINCT " + v + ")"
	case event.Sum:
		return "coalesce(sum(" + v + ")::DOUBLE, 0)"
	case event.Average:
		return "avg(" + v + ")"
	case event.Least:
		return "min(" + v + ")"
	case event.Greatest:
		return "max(" + v + ")"
	}
	return "quantile_disc(" + v + ", " + strconv.FormatFloat(m.Percent/100, 'f', -1, 64) + ")"
}

// scanRow reads a row whose columns are of these types.
func scanRow(r *sql.Rows, types []event.Type) ([]*event.Value, error) {
	cells, to := make([]any, len(types)), make([]any, len(types))
	for i := range cells {
		to[i] = &cells[i]
	}
	if err := r.Scan(to...); err != nil {
		return nil, err
	}
	row := make([]*event.Value, len(types))
	for i, c := range cells {
		row[i] = cell(c, types[i])
	}
	return row, nil
}

// cell makes a value of what DuckDB returned; nil of null.
func cell(c any, t event.Type) *event.Value {
	var v event.Value
	switch c := c.(type) {
	case nil:
		return nil
	case string:
		v = textValue(t, c)
	case int64:
		if v = event.Int(c); t == event.Date {
			v = event.Time(c)
		}
	case float64:
		v = event.Float(c)
	case bool:
		v = event.Bool(c)
	default:
		v = event.String(fmt.Sprint(c))
	}
	return &v
}
