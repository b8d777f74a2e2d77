package store

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"github.com/parquet-go/parquet-go/format"

	"mimamori/event"
)

// reading is a segment's matching events in their order.
type reading struct {
	name    string
	groups  []*rowGroup
	entries []entry // those that are still to come
}

// entry is a matching event, or, without a row, a moment at which the prefecture
// had one that does not match.
type entry struct {
	at         int64
	group, row int32
}

// read finds the matching events of a segment and reads their fields.
func (sc *scan) read(s *segment) (*reading, error) {
	f, meta, _, err := openSegment(s.path)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer f.Close()
	out := &reading{name: s.name}
	rest := sc.inRest(s)
	for _, g := range rowGroups(f, meta, sc.reader, sc.ids) {
		out.entries = append(out.entries, sc.group(g, rest, int32(len(out.groups)))...)
		if g.err != nil {
			return nil, fmt.Errorf("store: %s: %w", s.path, g.err)
		}
		out.groups = append(out.groups, g)
	}
	slices.SortFunc(out.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.group, b.group), cmp.Compare(a.row, b.row))
	})
	return out, nil
}

// inRest are the fields that some event of the segment has in rest.
func (sc *scan) inRest(s *segment) map[string]event.Field {
	rest := map[string]event.Field{}
	for _, field := range sc.fields {
		if s.inRest(field.Name()) {
			rest[field.Name()] = field
		}
	}
	return rest
}

// rowGroups are the row groups of a segment, nothing of them read yet.
func rowGroups(f *os.File, meta *format.FileMetaData, r *chunkReader, ids fieldIDs) []*rowGroup {
	shapes := schemaColumns(meta)
	at := numbers(shapes)
	out := make([]*rowGroup, len(meta.RowGroups))
	for i := range out {
		out[i] = &rowGroup{
			file: f, reader: r, meta: &meta.RowGroups[i], columns: at, shapes: shapes, ids: ids, n: int(meta.RowGroups[i].NumRows),
			vectors: map[event.Field]*vector{}, ours: map[string]*vector{}, rest: map[int32][]storedField{},
		}
	}
	return out
}

// group finds a row group's matching events, reads their fields and lets go of
// the rest.
func (sc *scan) group(g *rowGroup, rest map[string]event.Field, number int32) []entry {
	in, found := sc.match(g, rest)
	if in.empty() {
		return nil
	}
	out := sc.clock(g, in, number)
	var rows []int32
	for row := range found.all {
		out = append(out, entry{sc.arrival(g, row), number, int32(len(rows))})
		rows = append(rows, row)
	}
	sc.keep(g, rows)
	return out
}

// match finds the rows within the bounds, and of them those that match.
func (sc *scan) match(g *rowGroup, rest map[string]event.Field) (in, found rowSet) {
	in = allRows(g.n)
	if sc.bounds != nil {
		in = g.eval(sc.bounds, in)
	}
	if in.empty() {
		return in, in
	}
	odd := g.readRest(rest)
	plain := in.clone()
	plain.without(odd)
	found = g.eval(sc.root, plain)
	if !odd.empty() {
		found = found.clone()
		sc.each(g, odd, in, found)
	}
	return in, found
}

// each asks the condition of the rows that have fields in rest, one by one.
func (sc *scan) each(g *rowGroup, odd, in, found rowSet) {
	x := new(event.Builder)
	sc.columns(g)
	whole := sc.root.whole()
	for row := range odd.all {
		if in[row>>6]>>(row&63)&1 == 0 {
			continue
		}
		if g.fill(x, row); whole(x) {
			found.add(row)
		}
		x.Reset()
	}
}

// columns reads what events are made of.
func (sc *scan) columns(g *rowGroup) {
	g.out = g.out[:0]
	for _, f := range sc.fields {
		if v := g.vector(f); v != nil {
			g.out = append(g.out, v)
		}
	}
}

// keep leaves the given rows of what events are made of.
func (sc *scan) keep(g *rowGroup, rows []int32) {
	if g.out = nil; len(rows) > 0 {
		g.ref(0) // reads what it is made of
		g.vector(g.ids.collector)
		sc.columns(g)
		for f, v := range g.vectors {
			switch {
			case f != g.ids.collector && !slices.Contains(g.out, v):
				delete(g.vectors, f)
			case v != nil:
				v.pick(rows)
			}
		}
	}
	g.settle(rows)
}

// arrival is when the prefecture had the event of a row.
func (sc *scan) arrival(g *rowGroup, row int32) int64 {
	for _, f := range sc.arrived {
		if v, ok := g.vector(f).at(row); ok {
			return v.Int()
		}
	}
	return 0
}

// clock notes the first arrival of each second.
func (sc *scan) clock(g *rowGroup, in rowSet, number int32) []entry {
	first := map[int64]int64{}
	second, least := int64(math.MinInt64), int64(0)
	for row := range in.all {
		at := sc.arrival(g, row)
		s := floorDiv(at, int64(time.Second))
		if s == second && at >= least {
			continue
		}
		second = s
		if was, ok := first[s]; ok && was <= at {
			least = was
			continue
		}
		first[s], least = at, at
	}
	out := make([]entry, 0, len(first))
	for _, at := range first {
		out = append(out, entry{at, number, none})
	}
	return out
}
