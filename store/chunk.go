package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	pageLevels = 16 << 10  // rows (or list elements) in a page
	pageBytes  = 512 << 10 // bytes of text in a page, about
	maxStat    = 64        // longest text that is kept as a chunk's least or greatest
)

// chunkWriter encodes columns into Parquet column chunks, one after the other,
// into its buffer. It holds all scratch memory and is reused.
type chunkWriter struct {
	zstd *zstd.Encoder

	out     []byte // the chunk so far
	raw     []byte // a page before compression
	text    []byte
	offsets []uint32
	levels  []byte
	packed  []byte
	ints    []int64
	pages   []page // held back until the codec is decided
	hold    []byte
}

// page is a page held in hold[from:to].
type page struct {
	head     format.PageHeader
	from, to int
}

func newChunkWriter() (*chunkWriter, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(pageBytes))
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &chunkWriter{zstd: z}, nil
}

// encode writes the column's chunk to w.out and returns its metadata, with
// offsets relative to the chunk's beginning.
func (w *chunkWriter) encode(c *column) (format.ColumnMetaData, error) {
	c.settle()
	w.out, w.hold, w.pages = w.out[:0], w.hold[:0], w.pages[:0]
	meta := format.ColumnMetaData{Type: physical(c.shape), PathInSchema: path(c), NumValues: int64(c.levels())}
	meta.Statistics.NullCount = int64(c.levels() - c.values())
	var err error
	switch {
	case c.values() == 0 || c.shape == shapeBool:
		err = w.plainPages(c, &meta, false)
	case c.useDict:
		err = w.dictPages(c, &meta)
	case c.isText() || c.shape == shapeFloat:
		err = w.plainPages(c, &meta, c.isText())
	default:
		err = w.deltaPages(c, &meta)
	}
	if err != nil {
		return meta, fmt.Errorf("column %s: %w", c.name, err)
	}
	meta.TotalCompressedSize = int64(len(w.out))
	return meta, nil
}

func physical(s shape) format.Type {
	switch s {
	case shapeInt, shapeUint:
		return format.Int64
	case shapeFloat:
		return format.Double
	case shapeBool:
		return format.Boolean
	}
	return format.ByteArray
}

func path(c *column) []string {
	if c.shape == shapeList {
		return []string{c.name, "list", "element"}
	}
	return []string{c.name}
}

// dictPages writes a dictionary and pages of indexes into it.
func (w *chunkWriter) dictPages(c *column, meta *format.ColumnMetaData) error {
	d := c.dict
	w.raw = w.raw[:0]
	if c.isText() {
		for i, s := range d.strs {
			s = cleanText(s)
			d.strs[i] = s
			w.raw = binary.LittleEndian.AppendUint32(w.raw, uint32(len(s)))
			w.raw = append(w.raw, s...)
		}
		textStats(d.strs, meta)
	} else {
		for _, n := range d.nums {
			w.raw = binary.LittleEndian.AppendUint64(w.raw, n)
		}
		numStats(c.shape, d.nums, meta)
	}
	w.holdPage(format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(
		format.DictionaryPageHeader{NumValues: int32(max(len(d.strs), len(d.nums))), Encoding: format.Plain})})
	enc := rle.Encoding{BitWidth: d.width()}
	meta.Encoding = []format.Encoding{format.Plain, format.RLE, format.RLEDictionary}
	return w.eachPage(c, func(s span) error {
		var err error
		if w.packed, err = enc.EncodeInt32(w.packed[:0], d.index[s.val:s.valEnd]); err != nil {
			return err
		}
		w.raw = append(w.raw, byte(enc.BitWidth))
		w.raw = append(w.raw, w.packed...)
		w.holdPage(dataPage(s, format.RLEDictionary))
		return nil
	}, meta)
}

// deltaPages writes integers as bit-packed differences.
func (w *chunkWriter) deltaPages(c *column, meta *format.ColumnMetaData) error {
	numStats(c.shape, c.nums, meta)
	var enc delta.BinaryPackedEncoding
	meta.Encoding = []format.Encoding{format.RLE, format.DeltaBinaryPacked}
	return w.eachPage(c, func(s span) error {
		w.ints = w.ints[:0]
		for _, n := range c.nums[s.val:s.valEnd] {
			w.ints = append(w.ints, int64(n))
		}
		var err error
		if w.packed, err = enc.EncodeInt64(w.packed[:0], w.ints); err != nil {
			return err
		}
		w.raw = append(w.raw, w.packed...)
		w.holdPage(dataPage(s, format.DeltaBinaryPacked))
		return nil
	}, meta)
}

// plainPages writes text with its lengths apart, floats and booleans as they are.
func (w *chunkWriter) plainPages(c *column, meta *format.ColumnMetaData, text bool) error {
	encoding := format.Plain
	if text {
		encoding = format.DeltaLengthByteArray
	}
	meta.Encoding = []format.Encoding{format.RLE, encoding}
	return w.eachPage(c, func(s span) error {
		switch {
		case text:
			if err := w.appendText(c.strs[s.val:s.valEnd]); err != nil {
				return err
			}
		case c.shape == shapeFloat:
			for _, n := range c.nums[s.val:s.valEnd] {
				w.raw = binary.LittleEndian.AppendUint64(w.raw, n)
			}
		case c.shape == shapeBool:
			at := len(w.raw)
			w.raw = appendByte(w.raw, 0, (s.valEnd-s.val+7)/8)
			for i, n := range c.nums[s.val:s.valEnd] {
				w.raw[at+i/8] |= byte(n&1) << (i % 8)
			}
		}
		if text {
			w.emit(dataPage(s, encoding), w.raw, meta, true)
			return nil
		}
		w.holdPage(dataPage(s, encoding))
		return nil
	}, meta)
}

func (w *chunkWriter) appendText(values []string) error {
	w.text, w.offsets = w.text[:0], append(w.offsets[:0], 0)
	for _, s := range values {
		w.text = append(w.text, s...)
		w.offsets = append(w.offsets, uint32(len(w.text)))
	}
	if !isASCII(w.text) { // else look at each, which is slower
		w.text, w.offsets = w.text[:0], w.offsets[:1]
		for _, s := range values {
			w.text = append(w.text, cleanText(s)...)
			w.offsets = append(w.offsets, uint32(len(w.text)))
		}
	}
	var enc delta.LengthByteArrayEncoding
	var err error
	if w.packed, err = enc.EncodeByteArray(w.packed[:0], w.text, w.offsets); err != nil {
		return err
	}
	w.raw = append(w.raw, w.packed...)
	return nil
}

func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// span is one page's part of a column.
type span struct{ level, levelEnd, val, valEnd int }

// eachPage cuts the column into pages, puts each one's levels into w.raw and
// lets write do the rest; then it writes out what was held.
func (w *chunkWriter) eachPage(c *column, write func(span) error, meta *format.ColumnMetaData) error {
	s := span{}
	for s.level < c.levels() || s.level == 0 {
		s.levelEnd, s.valEnd = c.pageEnd(s.level, s.val)
		w.raw = w.raw[:0]
		if c.shape == shapeList {
			if err := w.appendLevels(c.reps[s.level:s.levelEnd], 1); err != nil {
				return err
			}
		}
		if err := w.appendDefs(c, s); err != nil {
			return err
		}
		if err := write(s); err != nil {
			return err
		}
		if s.level, s.val = s.levelEnd, s.valEnd; s.levelEnd == 0 {
			break
		}
	}
	w.flushHeld(meta)
	return nil
}

// pageEnd finds where the page that begins at level and val ends: after
// pageLevels, or after pageBytes of prose, but not within a list.
func (c *column) pageEnd(level, val int) (levelEnd, valEnd int) {
	levelEnd = min(level+pageLevels, c.levels())
	if c.plain {
		return c.plainEnd(level, levelEnd, val)
	}
	for c.shape == shapeList && levelEnd < len(c.reps) && c.reps[levelEnd] == 1 {
		levelEnd++
	}
	if len(c.defs) == 0 {
		return levelEnd, val + levelEnd - level
	}
	return levelEnd, val + bytes.Count(c.defs[level:levelEnd], []byte{c.maxDef()})
}

func (c *column) plainEnd(level, most, val int) (levelEnd, valEnd int) {
	for size := 0; level < most && size < pageBytes; level++ {
		if len(c.defs) == 0 || c.defs[level] == 1 {
			size += len(c.strs[val])
			val++
		}
	}
	return level, val
}

func (w *chunkWriter) appendDefs(c *column, s span) error {
	if len(c.defs) > 0 {
		return w.appendLevels(c.defs[s.level:s.levelEnd], c.maxDef())
	}
	var run [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(run[:], uint64(s.levelEnd-s.level)<<1)
	w.raw = binary.LittleEndian.AppendUint32(w.raw, uint32(n+1))
	w.raw = append(append(w.raw, run[:n]...), 1)
	return nil
}

func (w *chunkWriter) appendLevels(levels []byte, most byte) error {
	width := 1
	if most > 1 {
		width = 2
	}
	enc := rle.Encoding{BitWidth: width}
	var err error
	if w.levels, err = enc.EncodeLevels(w.levels[:0], levels); err != nil {
		return err
	}
	w.raw = binary.LittleEndian.AppendUint32(w.raw, uint32(len(w.levels)))
	w.raw = append(w.raw, w.levels...)
	return nil
}

func dataPage(s span, e format.Encoding) format.PageHeader {
	return format.PageHeader{Type: format.DataPage, DataPageHeader: thrift.New(format.DataPageHeader{
		NumValues: int32(s.levelEnd - s.level), Encoding: e,
		DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
		Statistics: format.Statistics{NullCount: int64(s.levelEnd - s.level - (s.valEnd - s.val))}})}
}

// holdPage keeps w.raw until the chunk is complete.
func (w *chunkWriter) holdPage(h format.PageHeader) {
	from := len(w.hold)
	w.hold = append(w.hold, w.raw...)
	w.pages = append(w.pages, page{h, from, len(w.hold)})
}

// flushHeld writes the held pages, compressed if that saves a tenth. The first
// kilobytes tell: bit-packed numbers rarely shrink, and trying is what costs.
func (w *chunkWriter) flushHeld(meta *format.ColumnMetaData) {
	if len(w.pages) == 0 {
		return
	}
	compress := false
	if len(w.hold) > 128 {
		first := w.hold[:min(len(w.hold), 8<<10)]
		last := w.hold[max(len(first), len(w.hold)-8<<10):]
		w.packed = w.zstd.EncodeAll(first, w.packed[:0])
		w.packed = w.zstd.EncodeAll(last, w.packed)
		compress = len(w.packed) < (len(first)+len(last))*9/10
	}
	for _, p := range w.pages {
		w.emit(p.head, w.hold[p.from:p.to], meta, compress)
	}
}

// emit writes one page with its header.
func (w *chunkWriter) emit(h format.PageHeader, raw []byte, meta *format.ColumnMetaData, compress bool) {
	body := raw
	meta.Codec = format.Uncompressed
	if compress {
		meta.Codec = format.Zstd
		w.packed = w.zstd.EncodeAll(raw, w.packed[:0])
		body = w.packed
	}
	if h.Type == format.DictionaryPage {
		meta.DictionaryPageOffset = int64(len(w.out)) + 1 // 0 means none; undone by the file writer
	} else if meta.DataPageOffset == 0 {
		meta.DataPageOffset = int64(len(w.out)) + 1
	}
	h.UncompressedPageSize, h.CompressedPageSize = int32(len(raw)), int32(len(body))
	h.CRC = int32(crc32.ChecksumIEEE(body))
	var protocol thrift.CompactProtocol
	head, err := thrift.Marshal(&protocol, &h)
	if err != nil {
		panic("store: page header: " + err.Error()) // a struct of numbers can't fail
	}
	meta.TotalUncompressedSize += int64(len(head) + len(raw))
	w.out = append(append(w.out, head...), body...)
}

// cleanText replaces bytes that are no UTF-8 by U+FFFD: readers of Parquet
// refuse the whole file otherwise.
func cleanText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

func textStats(values []string, meta *format.ColumnMetaData) {
	if len(values) == 0 {
		return
	}
	least, most := values[0], values[0]
	for _, s := range values {
		least, most = min(least, s), max(most, s)
	}
	if len(least) <= maxStat && len(most) <= maxStat {
		meta.Statistics.MinValue, meta.Statistics.MaxValue = []byte(least), []byte(most)
	}
}

func numStats(s shape, values []uint64, meta *format.ColumnMetaData) {
	if len(values) == 0 {
		return
	}
	least, most := values[0], values[0]
	for _, v := range values {
		switch s {
		case shapeInt:
			least, most = uint64(min(int64(least), int64(v))), uint64(max(int64(most), int64(v)))
		case shapeUint:
			least, most = min(least, v), max(most, v)
		default:
			a, b := math.Float64frombits(least), math.Float64frombits(v)
			if math.IsNaN(b) {
				return
			}
			least, most = math.Float64bits(min(a, b)), math.Float64bits(max(math.Float64frombits(most), b))
		}
	}
	meta.Statistics.MinValue = binary.LittleEndian.AppendUint64(nil, least)
	meta.Statistics.MaxValue = binary.LittleEndian.AppendUint64(nil, most)
}
