package store

import (
	"bytes"

	"mimamori/event"
)

// shape says how a column's values are laid out in Parquet.
type shape uint8

const (
	shapeString shape = iota // BYTE_ARRAY, STRING
	shapeJSON                // BYTE_ARRAY, JSON
	shapeInt                 // INT64
	shapeUint                // INT64, unsigned
	shapeFloat               // DOUBLE
	shapeBool                // BOOLEAN
	shapeList                // LIST of STRING
)

// Names of the columns that are no fields of the registry.
const (
	colCollector = "_collector" // Ref.Collector where it is not the field collector
	colSource    = "_source"
	colEpoch     = "_epoch"
	colSeq       = "_seq"
	colSame      = "_same" // true: message is event.original
	colRest      = "rest"  // JSON object of the fields without a column
)

// reserved tells names that no field may have a column under: ours, and those
// that DuckDB adds to what it reads.
func reserved(name string) bool {
	switch name {
	case colCollector, colSource, colEpoch, colSeq, colSame, colRest, "filename", "file_row_number", "file_index":
		return true
	}
	return false
}

func shapeOf(t event.Type) shape {
	switch t {
	case event.Long, event.Date:
		return shapeInt
	case event.Double:
		return shapeFloat
	case event.Boolean:
		return shapeBool
	case event.List:
		return shapeList
	}
	return shapeString
}

// column collects one column's values over a row group. Values are views into
// the batch; defs and reps are Parquet's definition and repetition levels, one
// byte an entry. While dict is in use it has the values, else strs or nums.
type column struct {
	name  string
	shape shape
	plain bool // prose: a dictionary is not worth trying
	dict  *dict

	rows    int    // rows so far, absent ones included
	defs    []byte // nil while every row has a value (and for no list)
	reps    []byte // lists only
	strs    []string
	nums    []uint64 // integers, float bits, booleans
	useDict bool

	// A coded column is read as it stands: strs or nums are the entries of the
	// chunk's dictionary, and codes which one each value is. Without a
	// dictionary codes stays empty and the entries are the values.
	coded bool
	codes []int32
}

// giveUpAfter is how many values are looked at before a column may be found
// to have too many distinct ones for a dictionary.
const giveUpAfter = 2048

func (c *column) isText() bool { return c.shape <= shapeJSON || c.shape == shapeList }

func (c *column) maxDef() byte {
	if c.shape == shapeList {
		return 2
	}
	return 1
}

// reset empties the column and keeps its memory.
func (c *column) reset() {
	clear(c.strs)
	c.rows, c.defs, c.reps, c.strs, c.nums = 0, c.defs[:0], c.reps[:0], c.strs[:0], c.nums[:0]
	c.useDict = c.dict != nil && !c.plain && c.shape != shapeBool
	if c.dict != nil {
		c.dict.reset()
	}
}

// pad brings the column to a number of rows with absent values.
func (c *column) pad(rows int) {
	n := rows - c.rows
	if n <= 0 {
		return
	}
	if c.shape != shapeList && len(c.defs) == 0 {
		c.defs = appendByte(c.defs, 1, c.rows)
	}
	c.defs = appendByte(c.defs, 0, n)
	if c.shape == shapeList {
		c.reps = appendByte(c.reps, 0, n)
	}
	c.rows = rows
}

// here notes that the next row has a value.
func (c *column) here() {
	c.rows++
	if len(c.defs) > 0 {
		c.defs = append(c.defs, 1)
	}
}

// hereFor notes that the next n rows have a value.
func (c *column) hereFor(n int) {
	c.rows += n
	if len(c.defs) > 0 {
		c.defs = appendByte(c.defs, 1, n)
	}
}

// hereAll notes the next rows by their definition levels.
func (c *column) hereAll(defs []byte, values int) {
	if values < len(defs) && len(c.defs) == 0 {
		c.defs = appendByte(c.defs, 1, c.rows)
	}
	if values < len(defs) || len(c.defs) > 0 {
		c.defs = append(c.defs, defs...)
	}
	c.rows += len(defs)
}

func (c *column) addString(s string) {
	c.putString(s)
	c.here()
}

func (c *column) putString(s string) {
	if !c.useDict {
		c.strs = append(c.strs, s)
		return
	}
	c.dict.addString(s)
	if n := len(c.dict.index); n&(giveUpAfter-1) == 0 && c.dict.distinct() > n/2 {
		c.dropDict()
	}
}

func (c *column) putStrings(list []string) {
	for i, s := range list {
		if !c.useDict {
			c.strs = append(c.strs, list[i:]...)
			return
		}
		c.putString(s)
	}
}

func (c *column) addNum(n uint64) {
	c.here()
	c.putNum(n)
}

func (c *column) putNum(n uint64) {
	if !c.useDict {
		c.nums = append(c.nums, n)
		return
	}
	c.dict.addNum(n)
	if n := len(c.dict.index); n&(giveUpAfter-1) == 0 && c.dict.distinct() > n/4 {
		c.dropDict()
	}
}

func (c *column) putNums(list []uint64) {
	for i, n := range list {
		if !c.useDict {
			c.nums = append(c.nums, list[i:]...)
			return
		}
		c.putNum(n)
	}
}

// dropDict goes on without a dictionary.
func (c *column) dropDict() {
	for _, i := range c.dict.index {
		if c.isText() {
			c.strs = append(c.strs, c.dict.strs[i])
		} else {
			c.nums = append(c.nums, c.dict.nums[i])
		}
	}
	c.useDict = false
}

// settle decides, when all values are there, whether the dictionary pays: an
// entry costs its value, an index 1 to 2 bytes, a plain number 2 to 4.
func (c *column) settle() {
	if !c.useDict {
		return
	}
	n, distinct := len(c.dict.index), c.dict.distinct()
	if distinct > 64 && (c.isText() && distinct > n/2 || !c.isText() && distinct > n/8) {
		c.dropDict()
	}
}

func (c *column) addList(list []string) {
	c.rows++
	if len(list) == 0 {
		c.defs, c.reps = append(c.defs, 1), append(c.reps, 0)
		return
	}
	for i, s := range list {
		c.putString(s)
		c.defs = append(c.defs, 2)
		c.reps = append(c.reps, byte(min(i, 1)))
	}
}

// levels returns how many entries (rows, or list elements) the column has.
func (c *column) levels() int {
	if c.shape == shapeList {
		return len(c.defs)
	}
	return c.rows
}

// values returns how many values the column has.
func (c *column) values() int {
	if c.useDict {
		return len(c.dict.index)
	}
	if c.isText() {
		return len(c.strs)
	}
	return len(c.nums)
}

func appendByte(dst []byte, b byte, n int) []byte {
	at := len(dst)
	if cap(dst)-at < n {
		grown := make([]byte, at, 2*(at+n))
		copy(grown, dst)
		dst = grown
	}
	dst = dst[:at+n]
	for i := at; i < at+n; i++ {
		dst[i] = b
	}
	return dst
}

// cursor walks a filled column row by row.
type cursor struct {
	c          *column
	level, val int
}

// copyTo appends the next n rows to another column of the same shape.
func (x *cursor) copyTo(to *column, n int) {
	c := x.c
	if c.shape == shapeList {
		for range n {
			if list, present := x.list(); present {
				to.addList(list)
			} else {
				to.pad(to.rows + 1)
			}
		}
		return
	}
	values := n
	if len(c.defs) == 0 {
		to.hereFor(n)
	} else {
		defs := c.defs[x.level : x.level+n]
		values = bytes.Count(defs, []byte{1})
		to.hereAll(defs, values)
	}
	if c.isText() {
		to.putStrings(c.strs[x.val : x.val+values])
	} else {
		to.putNums(c.nums[x.val : x.val+values])
	}
	x.level, x.val = x.level+n, x.val+values
}

// list takes the next row of a list column.
func (x *cursor) list() ([]string, bool) {
	c := x.c
	def := c.defs[x.level]
	x.level++
	if def < 2 {
		return nil, def == 1
	}
	from := x.val
	x.val++
	for x.level < len(c.defs) && c.reps[x.level] == 1 {
		x.level++
		x.val++
	}
	return c.strs[from:x.val], true
}
