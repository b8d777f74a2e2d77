package store

import (
	"fmt"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go/format"

	"mimamori/event"
)

// rowGroup is a row group of a segment that is read column by column, each when
// it is asked for. The first column that can't be read sets err.
type rowGroup struct {
	file    *os.File
	reader  *chunkReader
	meta    *format.RowGroup
	columns map[string]int // their numbers
	shapes  []*column      // empty ones
	ids     fieldIDs
	n       int
	rows    []int // the only ones that are read, n of them; nil: all
	err     error

	vectors map[event.Field]*vector // nil: no row has the field
	ours    map[string]*vector
	rest    map[int32][]storedField // fields that stand in rest, by row
	out     []*vector               // what events are made of
	answers []byte                  // scratch
}

// chunk finds a column that has values; nil where there is none.
func (g *rowGroup) chunk(name string) (*format.ColumnMetaData, shape) {
	at, ok := g.columns[name]
	if !ok {
		return nil, 0
	}
	chunk, s := &g.meta.Columns[at].MetaData, g.shapes[at].shape
	if chunk.Statistics.NullCount == chunk.NumValues && s != shapeList {
		return nil, 0
	}
	return chunk, s
}

func (g *rowGroup) load(name string, t event.Type) *vector {
	chunk, s := g.chunk(name)
	if chunk == nil || g.err != nil {
		return nil
	}
	c := &column{name: name, shape: s, coded: s != shapeList}
	if g.err = g.reader.read(g.file, chunk, c, pick{to: int(g.meta.NumRows), rows: g.rows}); g.err == nil && c.rows != g.n {
		g.err = fmt.Errorf("%w: column %s has %d rows of %d", errPage, name, c.rows, g.n)
	}
	if g.err != nil {
		return nil
	}
	return newVector(c, t)
}

// vector returns a field's column; nil where no row has it, in a column.
func (g *rowGroup) vector(f event.Field) *vector {
	v, ok := g.vectors[f]
	if ok {
		return v
	}
	if !reserved(f.Name()) {
		v = g.load(f.Name(), f.Type())
	}
	if f == g.ids.message {
		if same := g.own(colSame, event.Boolean); same != nil {
			if original := g.vector(g.ids.original); original != nil {
				if v == nil {
					v = &vector{rows: slices.Repeat([]int32{none}, g.n)}
				}
				v.orLine(original, same)
			}
		}
	}
	if v != nil {
		v.field = f
	}
	g.vectors[f] = v
	return v
}

// own returns a column that is no field.
func (g *rowGroup) own(name string, t event.Type) *vector {
	v, ok := g.ours[name]
	if !ok {
		v = g.load(name, t)
		g.ours[name] = v
	}
	return v
}

// at is the value of a row in a column that may be missing.
func (v *vector) at(row int32) (event.Value, bool) {
	if v == nil || v.rows[row] < 0 {
		return event.Value{}, false
	}
	return v.values[v.rows[row]], true
}

// ref is the identity of a row.
func (g *rowGroup) ref(row int32) event.Ref {
	source, _ := g.own(colSource, event.Keyword).at(row)
	epoch, _ := g.own(colEpoch, event.Long).at(row)
	seq, _ := g.own(colSeq, event.Long).at(row)
	collector, ok := g.own(colCollector, event.Keyword).at(row)
	if !ok {
		collector, _ = g.vector(g.ids.collector).at(row)
	}
	return event.Ref{Collector: collector.Str(), Source: source.Str(), Epoch: uint64(epoch.Int()), Seq: uint64(seq.Int())}
}

// fill puts a row's fields into x: those that out has, and those in rest.
func (g *rowGroup) fill(x *event.Builder, row int32) {
	for _, v := range g.out {
		if at := v.rows[row]; at >= 0 {
			x.Set(v.field, v.values[at])
		}
	}
	for _, f := range g.rest[row] {
		x.Set(f.field, f.value)
	}
}

// settle ends the reading: of the columns only the given rows stay.
func (g *rowGroup) settle(rows []int32) {
	rest := map[int32][]storedField{}
	for i, row := range rows {
		if f := g.rest[row]; f != nil {
			rest[int32(i)] = f
		}
	}
	delete(g.ours, colRest)
	delete(g.ours, colSame)
	for name, v := range g.ours {
		if len(rows) == 0 {
			delete(g.ours, name)
		} else if v != nil {
			v.pick(rows)
		}
	}
	if len(rows) == 0 {
		clear(g.vectors)
	}
	g.rest, g.file, g.reader, g.meta, g.columns, g.shapes, g.answers = rest, nil, nil, nil, nil, nil, nil
}
