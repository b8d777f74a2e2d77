package store

import (
	"mimamori/event"
)

// single is an event of one field.
type single struct {
	field event.Field
	value event.Value
	none  bool
}

func (x *single) Get(f event.Field) (event.Value, bool) { return x.value, !x.none && f == x.field }

// ask evaluates a leaf of one field.
func (g *rowGroup) ask(c *clause, v *vector, in rowSet) rowSet {
	out := newRowSet(g.n)
	if v == nil {
		if c.absent {
			out.join(in)
		}
		return out
	}
	const yes, no = 1, 2
	g.answers = append(g.answers[:0], make([]byte, len(v.values))...)
	one := &single{field: v.field}
	answer := func(at int32) byte {
		one.value = v.values[at]
		if c.prog(one) {
			return yes
		}
		return no
	}
	if len(v.values) < in.count() {
		found := c.absent
		for i := range g.answers {
			g.answers[i] = answer(int32(i))
			found = found || g.answers[i] == yes
		}
		if !found {
			return out
		}
	}
	for row := range in.all {
		at := v.rows[row]
		if at < 0 {
			if c.absent {
				out.add(row)
			}
			continue
		}
		if g.answers[at] == 0 {
			g.answers[at] = answer(at)
		}
		if g.answers[at] == yes {
			out.add(row)
		}
	}
	return out
}

// cost estimates what a condition costs here: the bytes of its columns.
func (g *rowGroup) cost(c *clause) (sum int64) {
	for _, f := range c.fields {
		if chunk, _ := g.chunk(f.Name()); chunk != nil {
			sum += chunk.TotalUncompressedSize
		}
	}
	for _, k := range c.kids {
		sum += g.cost(k)
	}
	return sum
}

// groupRow is one row as a condition on several fields reads it.
type groupRow struct {
	g   *rowGroup
	row int32
}

func (x *groupRow) Get(f event.Field) (event.Value, bool) {
	if v := x.g.vector(f); v != nil && v.rows[x.row] >= 0 {
		return v.values[v.rows[x.row]], true
	}
	return event.Value{}, false
}
