package store

import (
	"slices"

	"mimamori/event"
)

// vector is a column of one row group as conditions read it: its values, each
// once where the file has a dictionary, and which of them each row has.
type vector struct {
	field  event.Field
	values []event.Value
	rows   []int32 // index into values; none where the row has no value
	line   int32   // of message: values from here on are event.original
}

// none is the index of no value.
const none = int32(-1)

// newVector makes a vector of a coded column's values as type t. The values are
// views into what was read.
func newVector(c *column, t event.Type) *vector {
	v := &vector{rows: make([]int32, c.rows)}
	if c.shape == shapeList {
		x := cursor{c: c}
		for i := range v.rows {
			v.rows[i] = none
			if list, ok := x.list(); ok {
				v.rows[i] = int32(len(v.values))
				v.values = append(v.values, event.Strings(list))
			}
		}
		v.line = int32(len(v.values))
		return v
	}
	entries := max(len(c.strs), len(c.nums))
	v.values = make([]event.Value, entries)
	var bad []int32 // entries that are no values of the type
	for i := range v.values {
		var ok bool
		if v.values[i], ok = columnValue(c, i, t); !ok {
			bad = append(bad, int32(i))
		}
	}
	at := int32(0)
	for i := range v.rows {
		if v.rows[i] = none; len(c.defs) > 0 && c.defs[i] == 0 {
			continue
		}
		v.rows[i] = at
		if len(c.codes) > 0 {
			v.rows[i] = c.codes[at]
		}
		at++
		if len(bad) > 0 && slices.Contains(bad, v.rows[i]) {
			v.rows[i] = none
		}
	}
	v.line = int32(entries)
	return v
}

// orLine gives rows without a value that of the line, where same says that the
// two are equal.
func (v *vector) orLine(original, same *vector) {
	n := int32(len(v.values))
	for i := range v.rows {
		if j := original.rows[i]; same.rows[i] >= 0 && j >= 0 && same.values[same.rows[i]].Bool() {
			v.rows[i] = n + j
		}
	}
	v.values = slices.Clip(v.values)
	for _, o := range original.values {
		v.values = append(v.values, textValue(event.Text, o.Str()))
	}
}

// pick leaves the given rows only. Where few values are left, they are copied
// and the rest of the column is let go.
func (v *vector) pick(rows []int32) {
	out := make([]int32, len(rows))
	for i, row := range rows {
		out[i] = v.rows[row]
	}
	v.rows = out
	if len(rows) >= len(v.values) {
		return
	}
	place := make([]int32, len(v.values)) // + 1
	var kept []event.Value
	for i, at := range out {
		if at < 0 {
			continue
		}
		if place[at] == 0 {
			kept = append(kept, v.values[at].Clone())
			place[at] = int32(len(kept))
		}
		out[i] = place[at] - 1
	}
	v.values = kept
}
