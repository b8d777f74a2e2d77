package store

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	magic       = "PAR1"
	keyManifest = "mimamori"
	keyCheck    = "mimamori.check" // CRC-32C of the footer with this value as zeros
	noCheck     = "00000000"
)

// rowGroupRows is the number of rows in a row group.
const rowGroupRows = 64 << 10

// fileWriter writes one segment: row groups, then the footer.
type fileWriter struct {
	out     *bufio.Writer
	at      int64
	chunks  *chunkWriter
	meta    format.FileMetaData
	columns []outColumn
	group   format.RowGroup // the one that is being written
	index   filterIndex
	filters *groupFilter
	bare    bool // no filters: what was just committed is little, and soon merged
}

// outColumn is a column of the file; used when some row has a value.
type outColumn struct {
	name  string
	shape shape
	used  bool
}

func newFileWriter(out io.Writer, chunks *chunkWriter) *fileWriter {
	w := &fileWriter{out: bufio.NewWriterSize(out, 128<<10), chunks: chunks, index: filterIndex{Version: tokenVersion, Rows: sliceRows}}
	w.meta.Version = 2
	w.meta.CreatedBy = "mimamori"
	return w
}

func (w *fileWriter) write(b []byte) error {
	n, err := w.out.Write(b)
	w.at += int64(n)
	return err
}

// rowGroup writes the columns, each of the given number of rows.
func (w *fileWriter) rowGroup(columns []*column, rows int) error {
	if err := w.begin(rows); err != nil {
		return err
	}
	for _, c := range columns {
		if err := w.column(c); err != nil {
			return err
		}
	}
	return w.end()
}

// begin begins a row group. Its columns follow, each time the same.
func (w *fileWriter) begin(rows int) error {
	if w.at == 0 {
		if err := w.write([]byte(magic)); err != nil {
			return err
		}
	}
	w.group = format.RowGroup{NumRows: int64(rows), FileOffset: w.at, Ordinal: int16(len(w.meta.RowGroups))}
	w.filters = w.chunks.filters.begin(rows, w.bare)
	return nil
}

// column writes the next column of the row group.
func (w *fileWriter) column(c *column) error {
	c.pad(int(w.group.NumRows))
	w.chunks.filters.on(w.filters)
	meta, err := w.chunks.encode(c)
	if err != nil {
		return err
	}
	w.chunks.filters.column(c)
	if meta.DictionaryPageOffset > 0 {
		meta.DictionaryPageOffset += w.at - 1
	}
	meta.DataPageOffset += w.at - 1
	g := &w.group
	g.TotalByteSize += meta.TotalUncompressedSize
	g.TotalCompressedSize += meta.TotalCompressedSize
	if i := len(g.Columns); i == len(w.columns) {
		w.columns = append(w.columns, outColumn{name: c.name, shape: c.shape})
	}
	used := c.values() > 0 || c.shape == shapeList && bytes.IndexByte(c.defs, 1) >= 0
	w.columns[len(g.Columns)].used = w.columns[len(g.Columns)].used || used
	g.Columns = append(g.Columns, format.ColumnChunk{MetaData: meta})
	return w.write(w.chunks.out)
}

// end ends the row group.
func (w *fileWriter) end() error {
	if !w.bare {
		index := w.chunks.filters.finish(w.filters)
		index.At = w.at
		w.index.Groups = append(w.index.Groups, index)
		if err := w.write(w.chunks.filters.out); err != nil {
			return err
		}
	}
	w.meta.NumRows += w.group.NumRows
	w.meta.RowGroups = append(w.meta.RowGroups, w.group)
	return nil
}

// dropUnused takes columns without any value out of the footer: what is merged
// has those of all, and then a town's file those of the others.
func (w *fileWriter) dropUnused() {
	if w.meta.NumRows == 0 {
		return
	}
	drop := func(i int) bool { return !w.columns[i].used && !reserved(w.columns[i].name) }
	for g := range w.meta.RowGroups {
		i := -1
		group := &w.meta.RowGroups[g]
		group.Columns = slices.DeleteFunc(group.Columns, func(format.ColumnChunk) bool { i++; return drop(i) })
	}
	i := -1
	w.columns = slices.DeleteFunc(slices.Clone(w.columns), func(outColumn) bool { i++; return drop(i) })
}

// schema names the columns in the footer.
func (w *fileWriter) schema() {
	add := func(e format.SchemaElement) { w.meta.Schema = append(w.meta.Schema, e) }
	add(format.SchemaElement{Name: "event", NumChildren: thrift.New(int32(len(w.columns)))})
	optional := thrift.New(format.Optional)
	text := func(name string, r format.FieldRepetitionType) {
		add(format.SchemaElement{
			Name: name, Type: thrift.New(format.ByteArray), RepetitionType: thrift.New(r),
			ConvertedType: thrift.New(deprecated.UTF8), LogicalType: format.LogicalType{Value: &format.StringType{}},
		})
	}
	for _, c := range w.columns {
		e := format.SchemaElement{Name: c.name, RepetitionType: optional}
		switch c.shape {
		case shapeString:
			text(c.name, format.Optional)
			continue
		case shapeList:
			e.NumChildren = thrift.New(int32(1))
			e.ConvertedType, e.LogicalType = thrift.New(deprecated.List), format.LogicalType{Value: &format.ListType{}}
			add(e)
			add(format.SchemaElement{Name: "list", RepetitionType: thrift.New(format.Repeated), NumChildren: thrift.New(int32(1))})
			text("element", format.Required)
			continue
		case shapeJSON:
			e.ConvertedType, e.LogicalType = thrift.New(deprecated.Json), format.LogicalType{Value: &format.JsonType{}}
		case shapeUint:
			e.ConvertedType, e.LogicalType = thrift.New(deprecated.Uint64), format.LogicalType{Value: &format.IntType{BitWidth: 64}}
		}
		e.Type = thrift.New(physical(c.shape))
		add(e)
	}
	for range w.columns {
		w.meta.ColumnOrders = append(w.meta.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
}

// finish writes the footer with the manifest and its checksum.
func (w *fileWriter) finish(m *manifest) error {
	if !w.bare {
		m.Filters = &w.index
	}
	w.dropUnused()
	w.schema()
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	w.meta.KeyValueMetadata = []format.KeyValue{{Key: keyManifest, Value: string(text)}, {Key: keyCheck, Value: noCheck}}
	var protocol thrift.CompactProtocol
	footer, err := thrift.Marshal(&protocol, &w.meta)
	if err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	at, ok := checkAt(footer)
	if !ok {
		return errFooter
	}
	copy(footer[at:], checksum(footer))
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	if err := w.write(append(footer, magic...)); err != nil {
		return err
	}
	return w.out.Flush()
}

func checksum(footer []byte) string {
	return fmt.Sprintf("%08x", crc32.Checksum(footer, crc32.MakeTable(crc32.Castagnoli)))
}
