package store

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

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
		Statistics: format.Statistics{NullCount: int64(s.levelEnd - s.level - (s.valEnd - s.val))},
	})}
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
