package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"unsafe"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// errPage is a data page that does not say what its header promises.
var errPage = errors.New("a data page is damaged")

// chunkReader decodes what chunkWriter wrote, and nothing else: compaction and
// the reading of single rows go through it, DuckDB reads by itself. It is ended by
// close.
type chunkReader struct {
	zstd  *zstd.Decoder
	buf   []byte
	ints  []int64
	sizes []int32
	idx   []int32
	ends  []uint32 // of a dictionary's texts
	at    []uint32 // where a page's texts begin and end
	reps  []byte
	defs  []byte

	// Texts that were read are views into their pages. These have memory of their
	// own, or, after recycle, memory that comes back.
	recycles bool
	pages    [][]byte
	used     int
}

// maxPage is more than any page unpacks to; a damaged one may say anything.
const maxPage = 1 << 30

func newChunkReader() (*chunkReader, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &chunkReader{zstd: z}, nil
}

func (r *chunkReader) close() { r.zstd.Close() }

// recycle makes texts that were read before void: what is read from now on may
// take their place.
func (r *chunkReader) recycle() { r.recycles, r.used = true, 0 }

// page is empty memory for a page.
func (r *chunkReader) page(size int) []byte {
	if size += pageSlack; !r.recycles {
		return make([]byte, 0, size)
	}
	if r.used == len(r.pages) {
		r.pages = append(r.pages, nil)
	}
	p := &r.pages[r.used]
	if cap(*p) < size {
		*p = make([]byte, 0, size)
	}
	r.used++
	return *p
}

// chunkPages is one chunk's decoding in progress.
type chunkPages struct {
	r    *chunkReader
	c    *column
	meta *format.ColumnMetaData
	rest []byte
	row  int // rows of the pages before
	// Rows that are wanted: those in [from, to), and of these only the ones in
	// rows, sorted, if that is not nil.
	from, to int
	rows     []int
	raw      []byte   // dictionary of texts: each behind its length
	ends     []uint32 // where each ends
	nums     []uint64 // dictionary of numbers
}

// pick says which rows of a chunk are wanted: [from, to), and with rows only
// those of these numbers (sorted).
type pick struct {
	from, to int
	rows     []int
}

// read appends the wanted rows of a chunk to c. Pages without any are not unpacked.
func (r *chunkReader) read(f io.ReaderAt, meta *format.ColumnMetaData, c *column, want pick) error {
	at := meta.DataPageOffset
	if meta.DictionaryPageOffset > 0 {
		at = meta.DictionaryPageOffset
	}
	if meta.TotalCompressedSize < 0 || meta.TotalCompressedSize > 1<<30 {
		return errPage
	}
	if int64(cap(r.buf)) < meta.TotalCompressedSize {
		r.buf = make([]byte, meta.TotalCompressedSize)
	}
	r.buf = r.buf[:meta.TotalCompressedSize]
	if _, err := f.ReadAt(r.buf, at); err != nil {
		return fmt.Errorf("store: column %s: %w", c.name, err)
	}
	p := chunkPages{r: r, c: c, meta: meta, rest: r.buf, from: want.from, to: want.to, rows: want.rows}
	for left := meta.NumValues; left > 0 && p.row < want.to; {
		n, err := p.next()
		if err != nil {
			return fmt.Errorf("column %s: %w", c.name, err)
		}
		left -= int64(n)
	}
	return nil
}

// wanted tells whether a page of n rows from p.row on has any wanted row.
func (p *chunkPages) wanted(n int) bool {
	if p.rows != nil {
		return len(p.rows) > 0 && p.rows[0] < p.row+n
	}
	return p.row < p.to && p.row+n > p.from
}

// next decodes one page and returns how many levels it had.
func (p *chunkPages) next() (int, error) {
	var protocol thrift.CompactProtocol
	head := protocol.NewReaderFromBytes(p.rest)
	var h format.PageHeader
	if err := thrift.NewDecoder(head).Decode(&h); err != nil {
		return 0, fmt.Errorf("%w: %w", errPage, err)
	}
	body := p.rest[head.BytesRead():]
	if h.CompressedPageSize < 0 || int(h.CompressedPageSize) > len(body) {
		return 0, errPage
	}
	body, p.rest = body[:h.CompressedPageSize], body[h.CompressedPageSize:]
	if h.Type != format.DictionaryPage && h.Type != format.DataPage || h.UncompressedPageSize < 0 || h.UncompressedPageSize > maxPage {
		return 0, errPage
	}
	n := int(h.DataPageHeader.V.NumValues)
	if h.Type == format.DataPage && p.c.shape != shapeList && !p.wanted(n) {
		p.row += n
		return n, nil
	}
	if int32(crc32.ChecksumIEEE(body)) != h.CRC {
		return 0, fmt.Errorf("%w: its checksum does not fit", errPage)
	}
	raw := body
	if p.meta.Codec == format.Zstd {
		var err error
		if raw, err = p.r.zstd.DecodeAll(body, p.r.page(int(h.UncompressedPageSize))); err != nil {
			return 0, fmt.Errorf("%w: %w", errPage, err)
		}
	} else if p.c.isText() {
		raw = append(p.r.page(len(body)), body...) // strings point into it
	}
	if h.Type == format.DictionaryPage {
		return 0, p.dictionary(raw, int(h.DictionaryPageHeader.V.NumValues))
	}
	return n, p.data(raw, n, h.DataPageHeader.V.Encoding)
}

func (p *chunkPages) dictionary(raw []byte, n int) error {
	if p.c.isText() {
		p.raw, p.r.ends = raw, p.r.ends[:0]
		for at := 0; len(p.r.ends) < n; {
			if at+4 > len(raw) {
				return errPage
			}
			at += 4 + int(binary.LittleEndian.Uint32(raw[at:]))
			if at > len(raw) {
				return errPage
			}
			p.r.ends = append(p.r.ends, uint32(at))
		}
		p.ends = p.r.ends
		for i := 0; p.c.coded && i < n; i++ {
			p.c.strs = append(p.c.strs, p.text(int32(i)))
		}
		return nil
	}
	if len(raw) < 8*n {
		return errPage
	}
	for i := range n {
		p.nums = append(p.nums, binary.LittleEndian.Uint64(raw[8*i:]))
	}
	if p.c.coded {
		p.c.nums = p.nums
	}
	return nil
}

// text returns an entry of the dictionary.
func (p *chunkPages) text(i int32) string {
	from := uint32(4)
	if i > 0 {
		from += p.ends[i-1]
	}
	return view(p.raw[from:p.ends[i]])
}

// data decodes one data page of n levels.
func (p *chunkPages) data(raw []byte, n int, e format.Encoding) error {
	c, r := p.c, p.r
	var err error
	width, rows := 1, n
	if c.shape == shapeList {
		width = 2
		if raw, r.reps, err = levels(raw, r.reps, 1, n); err != nil {
			return err
		}
		if n > 0 && r.reps[0] != 0 { // no list goes on in the next page
			return errPage
		}
		if rows = bytes.Count(r.reps, []byte{0}); !p.wanted(rows) {
			p.row += rows
			return nil
		}
	}
	if raw, r.defs, err = levels(raw, r.defs, width, n); err != nil {
		return err
	}
	values := bytes.Count(r.defs, []byte{c.maxDef()})
	get, err := p.values(raw, values, e)
	if err != nil {
		return err
	}
	if c.shape == shapeList {
		p.takeLists(get)
	} else {
		p.takeRows(n, get)
	}
	p.row += rows
	return nil
}

// takeLists appends the page's wanted rows of lists.
func (p *chunkPages) takeLists(get func(from, to int)) {
	c, reps, defs := p.c, p.r.reps, p.r.defs
	at, row := 0, p.row
	for i := 0; i < len(reps); row++ {
		wanted := row >= p.from && row < p.to
		if p.rows != nil {
			if wanted = len(p.rows) > 0 && p.rows[0] == row; wanted {
				p.rows = p.rows[1:]
			}
		}
		if wanted {
			c.rows++
		}
		for first := true; i < len(reps) && (first || reps[i] == 1); i++ {
			first = false
			if wanted {
				c.reps, c.defs = append(c.reps, reps[i]), append(c.defs, defs[i])
			}
			if defs[i] == 2 {
				if wanted {
					get(at, at+1)
				}
				at++
			}
		}
	}
}

// takeRows appends the page's wanted rows; get appends some of the page's values.
func (p *chunkPages) takeRows(n int, get func(from, to int)) {
	c, defs := p.c, p.r.defs
	if p.rows == nil {
		from, to := max(0, p.from-p.row), min(n, p.to-p.row)
		at, values := bytes.Count(defs[:from], []byte{1}), bytes.Count(defs[from:to], []byte{1})
		get(at, at+values)
		c.hereAll(defs[from:to], values)
		return
	}
	at, from := 0, 0
	for len(p.rows) > 0 && p.rows[0] < p.row+n {
		row := p.rows[0] - p.row
		p.rows = p.rows[1:]
		at += bytes.Count(defs[from:row], []byte{1})
		if from = row; defs[row] == 0 {
			c.pad(c.rows + 1)
			continue
		}
		get(at, at+1)
		c.here()
	}
}

// levels decodes n levels with their length before them.
func levels(raw, dst []byte, width, n int) (rest, out []byte, err error) {
	if len(raw) < 4 {
		return nil, dst, errPage
	}
	size := int(binary.LittleEndian.Uint32(raw))
	if raw = raw[4:]; size > len(raw) {
		return nil, dst, errPage
	}
	enc := rle.Encoding{BitWidth: width}
	if out, err = enc.DecodeLevels(dst[:0], raw[:size]); err != nil {
		return nil, dst, fmt.Errorf("%w: %w", errPage, err)
	}
	if len(out) < n {
		return nil, dst, errPage
	}
	return raw[size:], out[:n], nil
}

// values decodes a page's n values and returns what appends some of them to the
// column.
func (p *chunkPages) values(raw []byte, n int, e format.Encoding) (func(from, to int), error) {
	c, r := p.c, p.r
	bad := func(err error) (func(int, int), error) { return nil, errors.Join(errPage, err) }
	switch {
	case n == 0:
		return func(int, int) {}, nil
	case e == format.RLEDictionary:
		return p.indexes(raw, n)
	case e == format.DeltaBinaryPacked:
		var enc delta.BinaryPackedEncoding
		var err error
		if r.ints, err = enc.DecodeInt64(r.ints[:0], raw); err != nil || len(r.ints) != n {
			return bad(err)
		}
		return func(from, to int) {
			for _, n := range r.ints[from:to] {
				c.nums = append(c.nums, uint64(n))
			}
		}, nil
	case e == format.DeltaLengthByteArray:
		return p.texts(raw, n)
	case c.shape == shapeBool && len(raw) >= (n+7)/8:
		return func(from, to int) {
			for i := from; i < to; i++ {
				c.nums = append(c.nums, uint64(raw[i/8]>>(i%8)&1))
			}
		}, nil
	case c.shape == shapeFloat && len(raw) >= 8*n:
		return func(from, to int) {
			for i := from; i < to; i++ {
				c.nums = append(c.nums, binary.LittleEndian.Uint64(raw[8*i:]))
			}
		}, nil
	}
	return bad(nil)
}

// texts are a page's texts, which stand behind their lengths.
func (p *chunkPages) texts(raw []byte, n int) (func(from, to int), error) {
	c, r := p.c, p.r
	var enc delta.BinaryPackedEncoding
	var err error
	if r.sizes, err = enc.DecodeInt32(r.sizes[:0], raw); err != nil || len(r.sizes) != n {
		return nil, errors.Join(errPage, err)
	}
	r.at = append(r.at[:0], 0)
	end := 0
	for _, size := range r.sizes {
		if end += int(size); size < 0 || end > len(raw) {
			return nil, errPage
		}
		r.at = append(r.at, uint32(end))
	}
	text, at := raw[len(raw)-end:], r.at
	return func(from, to int) {
		for i := from; i < to; i++ {
			c.strs = append(c.strs, view(text[at[i]:at[i+1]]))
		}
	}, nil
}

func (p *chunkPages) indexes(raw []byte, n int) (func(from, to int), error) {
	if len(raw) == 0 {
		return nil, errPage
	}
	c, r := p.c, p.r
	enc := rle.Encoding{BitWidth: int(raw[0])}
	var err error
	if r.idx, err = enc.DecodeInt32(r.idx[:0], raw[1:]); err != nil || len(r.idx) < n {
		return nil, errors.Join(errPage, err)
	}
	entries := len(p.nums)
	if c.isText() {
		entries = len(p.ends)
	}
	for _, i := range r.idx[:n] {
		if uint(i) >= uint(entries) {
			return nil, errPage
		}
	}
	switch {
	case c.coded:
		return func(from, to int) { c.codes = append(c.codes, r.idx[from:to]...) }, nil
	case c.isText():
		return func(from, to int) {
			for _, i := range r.idx[from:to] {
				c.strs = append(c.strs, p.text(i))
			}
		}, nil
	}
	return func(from, to int) {
		for _, i := range r.idx[from:to] {
			c.nums = append(c.nums, p.nums[i])
		}
	}, nil
}

// view is a string over bytes that nobody changes any more.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
