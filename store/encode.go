package store

import (
	"cmp"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"mimamori/event"
)

const (
	// maxVendorColumns bounds the columns that fields outside the registry get
	// in one segment, the most frequent first. The others go to rest.
	maxVendorColumns = 320
	// A vendor's field has a column from this many events on, and from one
	// event in vendorShare.
	minVendorEvents = 16
	vendorShare     = 256
	// maxSpare bounds the columns whose memory is kept for the next commit.
	maxSpare = 256
)

// fieldIDs are the registry fields that the store itself reads.
type fieldIDs struct {
	time, tenant, dataset, collector, message, original, ingested event.Field
}

func newFieldIDs() fieldIDs {
	return fieldIDs{
		event.MustLookup("@timestamp"), event.MustLookup("municipality"), event.MustLookup("event.dataset"),
		event.MustLookup("collector"), event.MustLookup("message"), event.MustLookup("event.original"), event.MustLookup("event.ingested"),
	}
}

// encoder turns events into a segment. It holds all memory that a commit
// needs beside the events, and is reused by the next.
type encoder struct {
	ids    fieldIDs
	chunks *chunkWriter

	events  []*event.Event
	order   []int32
	keys    []sortKey
	counts  [event.MaxFields]uint32
	slot    [event.MaxFields]int16 // the field's column + 1; 0: rest
	columns []*column
	spare   []*column

	bare int // files of at most so many events get no filters

	collector, source, epoch, seq, same, rest *column
	restNames                                 map[string]struct{}
	restRow                                   []byte
}

// sortKey orders a segment's rows: by municipality and dataset, so that equal
// values stand together, then by time.
type sortKey struct {
	group uint32
	ns    int64
}

func newEncoder() (*encoder, error) {
	chunks, err := newChunkWriter()
	if err != nil {
		return nil, err
	}
	return &encoder{ids: newFieldIDs(), chunks: chunks, bare: rowGroupRows, restNames: map[string]struct{}{}}, nil
}

// write writes a segment with the events, and fills in the manifest. spelling answers whether a field may have a column of its name.
func (x *encoder) write(out io.Writer, events []*event.Event, m *manifest, spelling func(string) bool) error {
	defer x.release()
	x.events = events
	x.plan(x.sort(m), spelling)
	w := newFileWriter(out, x.chunks)
	w.bare = len(x.events) <= x.bare
	for from := 0; from < len(x.order) || from == 0; from += rowGroupRows {
		rows := x.order[from:min(len(x.order), from+rowGroupRows)]
		for row, i := range rows {
			x.addRow(row, x.events[i])
		}
		if err := w.rowGroup(x.columns, len(rows)); err != nil {
			return err
		}
		for _, c := range x.columns {
			c.reset()
		}
	}
	m.Rest = restList(x.restNames)
	return w.finish(m)
}

// restList writes a set of names as the manifest holds it.
func restList(names map[string]struct{}) []string {
	if len(names) > maxRestNames {
		return []string{"*"}
	}
	list := make([]string, 0, len(names))
	for n := range names {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// restOf joins the names that segments have in rest.
func restOf(list []*segment) []string {
	names := map[string]struct{}{}
	for _, g := range list {
		for _, name := range g.manifest.Rest {
			if name == "*" {
				return []string{"*"}
			}
			names[name] = struct{}{}
		}
	}
	return restList(names)
}

// sort puts the events in row order, takes them into account, and returns the
// fields that they have.
func (x *encoder) sort(m *manifest) []event.Field {
	seen := []event.Field{}
	groups := map[[2]string]uint32{}
	var names [][2]string
	lastName, last := [2]string{}, uint32(math.MaxUint32)
	for i, e := range x.events {
		name := [2]string{e.Str(x.ids.tenant), e.Str(x.ids.dataset)}
		if last == math.MaxUint32 || name != lastName {
			g, ok := groups[name]
			if !ok {
				g = uint32(len(names))
				groups[name], names = g, append(names, name)
			}
			lastName, last = name, g
		}
		t, timed := e.Get(x.ids.time)
		m.count(name[0], name[1], t.Int(), timed)
		x.keys = append(x.keys, sortKey{last, t.Int()})
		x.order = append(x.order, int32(i))
		for f := range e.All {
			if x.counts[f]++; x.counts[f] == 1 {
				seen = append(seen, f)
			}
		}
	}
	x.sortGroups(names)
	return seen
}

// sortGroups orders the rows by their groups' names, and by time within.
func (x *encoder) sortGroups(names [][2]string) {
	// Number the groups by name.
	byName := make([]uint32, len(names))
	for i := range byName {
		byName[i] = uint32(i)
	}
	slices.SortFunc(byName, func(a, b uint32) int { return slices.Compare(names[a][:], names[b][:]) })
	start := make([]int32, len(names)+1)
	rank := make([]uint32, len(names))
	for r, g := range byName {
		rank[g] = uint32(r)
	}
	for i := range x.keys {
		x.keys[i].group = rank[x.keys[i].group]
		start[x.keys[i].group+1]++
	}
	for g := range names {
		start[g+1] += start[g]
	}
	at := slices.Clone(start)
	for i, k := range x.keys {
		x.order[at[k.group]] = int32(i)
		at[k.group]++
	}
	byTime := func(a, b int32) int { return cmp.Or(cmp.Compare(x.keys[a].ns, x.keys[b].ns), cmp.Compare(a, b)) }
	for g := range names {
		if part := x.order[start[g]:start[g+1]]; !slices.IsSortedFunc(part, byTime) {
			slices.SortFunc(part, byTime)
		}
	}
}

// plan decides which fields have columns: every field of the registry that
// occurs, and a vendor's that occurs often enough.
func (x *encoder) plan(seen []event.Field, spelling func(string) bool) {
	x.source, x.epoch, x.seq = x.column(colSource, shapeString), x.column(colEpoch, shapeUint), x.column(colSeq, shapeUint)
	x.collector, x.same, x.rest = x.column(colCollector, shapeString), x.column(colSame, shapeBool), x.column(colRest, shapeJSON)
	vendor := []event.Field{}
	slices.Sort(seen)
	for _, f := range seen {
		if f.Known() {
			x.fieldColumn(f, spelling)
		} else if n := x.counts[f]; n >= minVendorEvents && int(n) >= len(x.events)/vendorShare {
			vendor = append(vendor, f)
		}
	}
	slices.SortStableFunc(vendor, func(a, b event.Field) int { return cmp.Compare(x.counts[b], x.counts[a]) })
	for _, f := range vendor[:min(len(vendor), maxVendorColumns)] {
		x.fieldColumn(f, spelling)
	}
	for _, f := range seen {
		x.counts[f] = 0
	}
}

func (x *encoder) fieldColumn(f event.Field, spelling func(string) bool) {
	if name := f.Name(); spelling(name) {
		c := x.column(name, shapeOf(f.Type()))
		c.plain = f.Type() == event.Text
		c.reset()
		x.slot[f] = int16(len(x.columns))
	}
}

// column adds an empty column.
func (x *encoder) column(name string, s shape) *column {
	c := &column{dict: newDict()}
	if n := len(x.spare); n > 0 {
		c, x.spare = x.spare[n-1], x.spare[:n-1]
	}
	c.name, c.shape, c.plain = name, s, s == shapeJSON
	c.reset()
	x.columns = append(x.columns, c)
	return c
}

func (x *encoder) addRow(row int, e *event.Event) {
	x.source.addString(e.Source)
	x.epoch.addNum(e.Epoch)
	x.seq.addNum(e.Seq)
	if v, ok := e.Get(x.ids.collector); !ok && e.Collector != "" || v.Str() != e.Collector {
		x.collector.pad(row)
		x.collector.addString(e.Collector)
	}
	x.restRow = x.restRow[:0]
	for f, v := range e.All {
		slot := x.slot[f]
		if slot == 0 || !x.add(x.columns[slot-1], row, f, v, e) {
			x.addRest(f, v)
		}
	}
	if len(x.restRow) > 0 {
		x.rest.pad(row)
		x.rest.addString(string(append(x.restRow, '}')))
	}
}

// add puts a value into its column; false when its kind does not fit the column's.
func (x *encoder) add(c *column, row int, f event.Field, v event.Value, e *event.Event) bool {
	kind := v.Kind()
	switch c.shape {
	case shapeString:
		if kind != event.Keyword && kind != event.Text && kind != event.IP || f.Type() == event.IP && kind != event.IP {
			return false
		}
		c.pad(row)
		if f == x.ids.message {
			if o, ok := e.Get(x.ids.original); ok && o.Str() == v.Str() {
				x.same.pad(row)
				x.same.addNum(1)
				return true
			}
		}
		c.addString(v.Str())
		return true
	case shapeList:
		if kind != event.List {
			return false
		}
		c.pad(row)
		c.addList(v.List())
		return true
	case shapeFloat:
		if kind != event.Double {
			return false
		}
		c.pad(row)
		c.addNum(math.Float64bits(v.Float()))
		return true
	}
	if kind != f.Type() {
		return false
	}
	c.pad(row)
	c.addNum(uint64(v.Int()))
	return true
}

// addRest appends a field to the row's JSON object.
func (x *encoder) addRest(f event.Field, v event.Value) {
	sep := byte(',')
	if len(x.restRow) == 0 {
		sep = '{'
	}
	name := f.Name()
	x.restRow = append(event.AppendString(append(x.restRow, sep), name), ':')
	if kind := v.Kind(); kind == event.Double && (math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0)) {
		x.restRow = event.AppendString(x.restRow, v.Text())
	} else if kind == event.Date {
		x.restRow = event.AppendString(x.restRow, time.Unix(0, v.Int()).UTC().Format(time.RFC3339Nano))
	} else {
		x.restRow = v.AppendJSON(x.restRow)
	}
	if _, known := x.restNames[name]; !known && len(x.restNames) <= maxRestNames {
		x.restNames[strings.Clone(name)] = struct{}{}
	}
}

// release lets go of the events and keeps the memory.
func (x *encoder) release() {
	x.events, x.order, x.keys = nil, x.order[:0], x.keys[:0]
	for _, c := range x.columns {
		c.reset()
	}
	keep := min(len(x.columns), max(0, maxSpare-len(x.spare)))
	x.spare = append(x.spare, x.columns[:keep]...)
	clear(x.columns)
	x.columns = x.columns[:0]
	clear(x.slot[:])
	clear(x.restNames)
	x.collector, x.source, x.epoch, x.seq, x.same, x.rest = nil, nil, nil, nil, nil, nil
}
