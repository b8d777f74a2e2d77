package store

import (
	"bytes"
	"io"
)

// sliceRows is how many rows a filter is of. Where a search reads a slice in
// vain it takes some milliseconds, and a needle is rarely in few row groups.
const sliceRows = 4 << 10

// filterIndex says where a segment's filters stand: behind each row group's
// columns, where readers of Parquet don't look.
type filterIndex struct {
	Version int            `json:"version"`
	Rows    int            `json:"rows"` // of each filter, but a row group's last
	Groups  []groupFilters `json:"groups"`
}

// groupFilters are those of a row group, one behind the other.
type groupFilters struct {
	Rows   int   `json:"rows"` // of the group
	At     int64 `json:"at"`
	Blocks []int `json:"blocks"` // of each
}

// groupFilter are the filters of a row group that is being written.
type groupFilter struct {
	slices []*filter // one for each sliceRows rows; none of a bare group
	rows   int
	base   uint64 // the first one's stamp
}

// filterer makes the filters of row groups while their columns are written.
type filterer struct {
	spare []*filter
	out   []byte
	lower []byte
	seen  []uint64 // of a dictionary's values: the last slice's stamp
	keys  []uint64 // of a dictionary's values; 0: not made yet

	// What was added last, with the stamp of its slice: the same again need not be.
	group  *groupFilter
	filter *filter
	stamp  uint64
	next   uint64 // stamp
	grams  [1 << 14]uint64
	quads  [1 << 11]uint64
	parts  [9]uint64
}

func newFilterer() *filterer { return &filterer{next: 1} }

// begin begins a row group; of a bare one nothing is added.
func (x *filterer) begin(rows int, bare bool) *groupFilter {
	g := &groupFilter{rows: rows}
	if bare {
		return g
	}
	for range (rows + sliceRows - 1) / sliceRows {
		f := &filter{}
		if n := len(x.spare); n > 0 {
			f, x.spare = x.spare[n-1], x.spare[:n-1]
		}
		g.slices = append(g.slices, f)
	}
	if x.next+uint64(len(g.slices)) >= 1<<stampBits {
		x.next = 1
		clear(x.grams[:])
		clear(x.quads[:])
	}
	g.base = x.next
	x.next += uint64(len(g.slices))
	return g
}

// stampBits is how many bits a stamp has beside a quad. Row groups that are
// written at once have far fewer slices: two of one stamp do not meet.
const stampBits = 15

// on goes on with a row group.
func (x *filterer) on(g *groupFilter) { x.group = g }

// slice goes on with the slice of a number.
func (x *filterer) slice(i int) { x.filter, x.stamp = x.group.slices[i], x.group.base+uint64(i) }

// finish leaves the row group's filters in x.out.
func (x *filterer) finish(of *groupFilter) groupFilters {
	g := groupFilters{Rows: of.rows}
	x.out = x.out[:0]
	for _, f := range of.slices {
		var blocks int
		x.out, blocks = f.appendTo(x.out)
		g.Blocks = append(g.Blocks, blocks)
	}
	x.spare = append(x.spare, of.slices...)
	return g
}

// seedOf begins the keys of a column's values; 0: nobody asks for them as a whole.
func seedOf(name string) uint64 {
	if isProse(name) {
		return 0
	}
	return fieldSeed(name)
}

func isProse(name string) bool { return name == "event.original" || name == "message" }

// page adds the values of a page of text, while it is at hand: lines come from
// all over a commit, and to fetch them once more took longer than to read them.
func (x *filterer) page(c *column, s span, text []byte, ends []uint32) {
	if len(x.group.slices) == 0 || reserved(c.name) || c.shape == shapeList {
		return
	}
	seed, ascii, value := seedOf(c.name), isASCII(text), 0
	for row := s.level; row < s.levelEnd; {
		x.slice(row / sliceRows)
		to := min(s.levelEnd, (row/sliceRows+1)*sliceRows)
		n := to - row
		if len(c.defs) > 0 {
			n = bytes.Count(c.defs[row:to], []byte{1})
		}
		for range n {
			x.filter.addIf(x.text(view(text[ends[value]:ends[value+1]]), seed, ascii))
			value++
		}
		row = to
	}
}

// column adds the values of a dictionary, each once for each slice, and of lists.
func (x *filterer) column(c *column) {
	if len(x.group.slices) == 0 || !c.isText() || reserved(c.name) || c.shape != shapeList && !c.useDict || c.values() == 0 {
		return
	}
	seed := seedOf(c.name)
	if c.useDict {
		n := c.dict.distinct()
		x.seen = append(x.seen[:0], make([]uint64, n)...)
		x.keys = append(x.keys[:0], make([]uint64, n)...)
	}
	level, val := 0, 0
	for i := range x.group.slices {
		x.slice(i)
		levelEnd, valEnd := c.after(level, val, min(sliceRows, x.group.rows-i*sliceRows))
		if !c.useDict {
			for _, s := range c.strs[val:valEnd] {
				x.filter.addIf(x.text(s, seed, false))
			}
		} else {
			x.entries(c.dict, c.dict.index[val:valEnd], seed)
		}
		level, val = levelEnd, valEnd
	}
}

// after is where a number of rows end.
func (c *column) after(level, val, rows int) (levelEnd, valEnd int) {
	levelEnd = level + rows
	if c.shape == shapeList {
		for levelEnd = level + 1; levelEnd < len(c.reps); levelEnd++ {
			if c.reps[levelEnd] == 0 {
				if rows--; rows == 0 {
					break
				}
			}
		}
	} else if len(c.defs) == 0 {
		return levelEnd, val + rows
	}
	return levelEnd, val + bytes.Count(c.defs[level:levelEnd], []byte{c.maxDef()})
}

// entries adds entries of a dictionary.
func (x *filterer) entries(d *dict, index []int32, seed uint64) {
	last := int32(-1)
	for _, i := range index {
		if i == last || x.seen[i] == x.stamp {
			continue
		}
		last, x.seen[i] = i, x.stamp
		if x.keys[i] == 0 {
			x.keys[i] = x.text(d.strs[i], seed, false)
		} else {
			x.text(d.strs[i], 0, false)
		}
		x.filter.addIf(x.keys[i])
	}
}

// addIf adds a key that is one.
func (f *filter) addIf(key uint64) {
	if key != 0 {
		f.add(key)
	}
}

// text adds a text's grams and quads, and returns its key as a value.
func (x *filterer) text(s string, seed uint64, ascii bool) (key uint64) {
	if !ascii && !isASCII(bytesOf(s)) {
		x.lower = appendLower(x.lower[:0], s)
		s = view(x.lower)
	}
	x.addGrams(s)
	quads(s, x.addQuad)
	if seed != 0 {
		key = valueKey(seed, s)
	}
	return key
}

// addGrams is grams, written out since this is where the time goes.
func (x *filterer) addGrams(s string) {
	gram, live := uint64(0), 0
	for i := range len(s) {
		c := gramTable[s[i]]
		gram = gram<<8 | uint64(c&0xff)
		if live = max(live-1, int(c>>8)); live <= 0 || i < gramBytes-1 {
			continue
		}
		g := gram & gramMask
		at := g * 0x9E3779B97F4A7C15 >> 50
		if was := g | x.stamp<<(8*gramBytes); x.grams[at] != was {
			x.grams[at] = was
			x.filter.add(scatter(g))
		}
	}
}

func (x *filterer) addQuad(q quad) {
	n := q.number()
	at := n * 0x9E3779B97F4A7C15 >> 53
	if was := n ^ x.stamp<<49; x.quads[at] != was {
		x.quads[at] = was
		for _, n := range q.within(x.parts[:0]) {
			x.filter.add(scatter(n))
		}
	}
}

// may asks a slice's filter for a key: at is where it stands.
func may(f io.ReaderAt, at int64, blocks int, key uint64) (may, sound bool) {
	var raw [blockBytes]byte
	i := place(key, blocks)
	if _, err := f.ReadAt(raw[:], at+int64(i)*blockBytes); err != nil {
		return true, false
	}
	return holds(raw[:], i, key)
}
