package store

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	pageLevels = 8 << 10   // rows (or list elements) in a page
	pageBytes  = 128 << 10 // bytes of text in a page, about
	maxStat    = 64        // longest text that is kept as a chunk's least or greatest
	pageSlack  = 16        // behind a page to unpack: zstd then copies as much at a time
)

// chunkWriter encodes columns into Parquet column chunks, one after the other,
// into its buffer. It holds all scratch memory and is reused.
type chunkWriter struct {
	zstd    *zstd.Encoder
	filters *filterer

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
	return &chunkWriter{zstd: z, filters: newFilterer()}, nil
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
			w.filters.page(c, s, w.text, w.offsets)
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
