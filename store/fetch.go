package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go/format"

	"mimamori/event"
)

// fetch reads whole rows, in the order of hits, into a batch of its own. It
// reads the segments itself: the pages that hold the rows and no others.
func (x *question) fetch(hits []hit) (*event.Batch, error) {
	rows := make([]*storedRow, len(hits))
	byFile := map[string][]int{}
	for i, h := range hits {
		byFile[h.file] = append(byFile[h.file], i)
	}
	var groups []wantedRows
	for file, list := range byFile {
		slices.SortFunc(list, func(a, b int) int { return cmp.Compare(hits[a].row, hits[b].row) })
		f, meta, _, err := openSegment(file)
		if err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		defer f.Close()
		more, err := split(f, meta, hits, list)
		if err != nil {
			return nil, fmt.Errorf("store: %s: %w", file, err)
		}
		groups = append(groups, more...)
	}
	err := x.parallel(len(groups), func(r *chunkReader, i int) error {
		g := groups[i]
		out := make([]*storedRow, len(g.rows))
		for k, h := range g.hits {
			out[k] = &storedRow{}
			rows[h] = out[k] // each hit is in one group
		}
		if err := r.readGroup(g.f, g.meta, g.group, g.rows, out); err != nil {
			return fmt.Errorf("store: %s: %w", g.f.Name(), err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	batch, builder := &event.Batch{}, new(event.Builder)
	ids := x.s.enc.ids
	for _, row := range rows {
		row.event(batch, builder, ids)
	}
	return batch, nil
}

// storedRow is one row as its columns tell.
type storedRow struct {
	ref       event.Ref
	collector *string
	fields    []storedField
	same      bool
	rest      string
}

type storedField struct {
	field event.Field
	value event.Value
}

// wantedRows are hits in one row group.
type wantedRows struct {
	f     *os.File
	meta  *format.FileMetaData
	group *format.RowGroup
	hits  []int // indexes
	rows  []int // their numbers in the group, sorted
}

// split says which row group each of the hits of a file is in. list has their
// indexes, in the order of rows.
func split(f *os.File, meta *format.FileMetaData, hits []hit, list []int) ([]wantedRows, error) {
	var out []wantedRows
	base := int64(0)
	for g := range meta.RowGroups {
		w := wantedRows{f: f, meta: meta, group: &meta.RowGroups[g]}
		n := 0
		for n < len(list) && hits[list[n]].row < base+w.group.NumRows {
			w.rows = append(w.rows, int(hits[list[n]].row-base))
			n++
		}
		if w.hits, list = list[:n], list[n:]; n > 0 {
			out = append(out, w)
		}
		base += w.group.NumRows
	}
	if len(list) > 0 {
		return nil, fmt.Errorf("%w: it has no row %d", errPage, hits[list[0]].row)
	}
	return out, nil
}

// readGroup reads the wanted rows (numbers in the group, sorted) into out.
func (r *chunkReader) readGroup(f *os.File, meta *format.FileMetaData, group *format.RowGroup, wanted []int, out []*storedRow) error {
	for i, c := range schemaColumns(meta) {
		chunk := &group.Columns[i].MetaData
		if chunk.Statistics.NullCount == chunk.NumValues && c.shape != shapeList {
			continue
		}
		r.recycle()
		if err := r.read(f, chunk, c, pick{0, int(group.NumRows), wanted}); err != nil {
			return err
		}
		if c.rows != len(out) {
			return fmt.Errorf("%w: column %s has %d rows of %d", errPage, c.name, c.rows, len(out))
		}
		spread(c, out)
	}
	return nil
}

// spread puts a column's values into the rows, one after the other.
func spread(c *column, out []*storedRow) {
	f, known := event.Field(0), false
	if !reserved(c.name) {
		f, known = event.Intern(c.name)
	}
	x := cursor{c: c}
	for i, row := range out {
		if c.shape == shapeList {
			if list, ok := x.list(); ok && known {
				row.set(f, event.Strings(cloneAll(list)))
			}
		} else if len(c.defs) == 0 || c.defs[i] == 1 {
			row.take(c, x.val, f, known)
			x.val++
		}
	}
}

func cloneAll(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.Clone(s)
	}
	return out
}

func (r *storedRow) set(f event.Field, v event.Value) {
	r.fields = append(r.fields, storedField{f, v})
}

// take copies one value into the row.
func (r *storedRow) take(c *column, at int, f event.Field, known bool) {
	switch c.name {
	case colCollector:
		s := strings.Clone(c.strs[at])
		r.collector = &s
	case colSource:
		r.ref.Source = strings.Clone(c.strs[at])
	case colEpoch:
		r.ref.Epoch = c.nums[at]
	case colSeq:
		r.ref.Seq = c.nums[at]
	case colSame:
		r.same = c.nums[at] == 1
	case colRest:
		r.rest = strings.Clone(c.strs[at])
	default:
		if known {
			if v, ok := columnValue(c, at, f.Type()); ok {
				r.set(f, v.Clone())
			}
		}
	}
}

// columnValue makes a value of the field's type, a view into the column; a column
// that an older program wrote with another type is converted if that is possible.
func columnValue(c *column, at int, t event.Type) (event.Value, bool) {
	switch {
	case c.shape <= shapeJSON && (t == event.Keyword || t == event.Text || t == event.IP):
		return textValue(t, c.strs[at]), true
	case c.shape == shapeString:
		return event.ParseAs(t, c.strs[at])
	case c.shape == shapeFloat:
		return event.Float(math.Float64frombits(c.nums[at])), true
	case c.shape == shapeBool:
		return event.Bool(c.nums[at] == 1), true
	case t == event.Date:
		return event.Time(int64(c.nums[at])), true
	}
	return event.Int(int64(c.nums[at])), true
}

func textValue(t event.Type, s string) event.Value {
	switch t {
	case event.IP:
		return event.Addr(s)
	case event.Text:
		v, _ := event.ParseAs(event.Text, s)
		return v
	}
	return event.String(s)
}

// event appends the row to the batch.
func (r *storedRow) event(batch *event.Batch, b *event.Builder, ids fieldIDs) {
	for _, x := range r.fields {
		b.Set(x.field, x.value)
	}
	if o, ok := b.Get(ids.original); ok && r.same {
		b.Set(ids.message, textValue(event.Text, o.Str()))
	}
	if r.rest != "" {
		setRest(b, r.rest)
	}
	if r.ref.Collector = b.Str(ids.collector); r.collector != nil {
		r.ref.Collector = *r.collector
	}
	batch.Append(b, r.ref)
}

// setRest sets the fields of a rest object. What does not parse is left out:
// the segment was written by a program that failed to say so.
func setRest(b *event.Builder, rest string) {
	var obj map[string]json.RawMessage
	if json.Unmarshal([]byte(rest), &obj) != nil {
		return
	}
	for name, raw := range obj {
		f, ok := event.Intern(name)
		if !ok {
			continue
		}
		if v, ok := restValue(f.Type(), raw); ok {
			b.Set(f, v)
		}
	}
}

func restValue(t event.Type, raw json.RawMessage) (event.Value, bool) {
	switch raw[0] {
	case '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return event.Value{}, false
		}
		if t == event.Double || t == event.Date {
			if v, ok := event.ParseAs(t, s); ok {
				return v, true
			}
		}
		if t == event.Text {
			return textValue(t, s), true
		}
		return event.String(s), true
	case '[':
		var list []string
		if json.Unmarshal(raw, &list) != nil {
			return event.Value{}, false
		}
		return event.Strings(list), true
	case 't', 'f':
		return event.Bool(raw[0] == 't'), true
	}
	if !strings.ContainsAny(string(raw), ".eE") {
		if v, ok := event.ParseAs(event.Long, string(raw)); ok && t != event.Double {
			return v, true
		}
	}
	return event.ParseAs(event.Double, string(raw))
}
