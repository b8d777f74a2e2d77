package store

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"

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
	out    *bufio.Writer
	at     int64
	chunks *chunkWriter
	meta   format.FileMetaData
	index  filterIndex
	bare   bool // no filters: what was just committed is little, and soon merged
}

func newFileWriter(out io.Writer, chunks *chunkWriter) *fileWriter {
	w := &fileWriter{out: bufio.NewWriterSize(out, 256<<10), chunks: chunks, index: filterIndex{Version: tokenVersion, Rows: sliceRows}}
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
	if w.at == 0 {
		if err := w.write([]byte(magic)); err != nil {
			return err
		}
		w.schema(columns)
	}
	g := format.RowGroup{NumRows: int64(rows), FileOffset: w.at, Ordinal: int16(len(w.meta.RowGroups))}
	filters := w.chunks.filters
	filters.begin(rows, w.bare)
	for _, c := range columns {
		c.pad(rows)
		meta, err := w.chunks.encode(c)
		if err != nil {
			return err
		}
		filters.column(c)
		if meta.DictionaryPageOffset > 0 {
			meta.DictionaryPageOffset += w.at - 1
		}
		meta.DataPageOffset += w.at - 1
		g.TotalByteSize += meta.TotalUncompressedSize
		g.TotalCompressedSize += meta.TotalCompressedSize
		g.Columns = append(g.Columns, format.ColumnChunk{MetaData: meta})
		if err := w.write(w.chunks.out); err != nil {
			return err
		}
	}
	if !w.bare {
		index := filters.finish()
		index.At = w.at
		w.index.Groups = append(w.index.Groups, index)
		if err := w.write(filters.out); err != nil {
			return err
		}
	}
	w.meta.NumRows += int64(rows)
	w.meta.RowGroups = append(w.meta.RowGroups, g)
	return nil
}

// schema names the columns in the footer.
func (w *fileWriter) schema(columns []*column) {
	add := func(e format.SchemaElement) { w.meta.Schema = append(w.meta.Schema, e) }
	add(format.SchemaElement{Name: "event", NumChildren: thrift.New(int32(len(columns)))})
	optional := thrift.New(format.Optional)
	text := func(name string, r format.FieldRepetitionType) {
		add(format.SchemaElement{
			Name: name, Type: thrift.New(format.ByteArray), RepetitionType: thrift.New(r),
			ConvertedType: thrift.New(deprecated.UTF8), LogicalType: format.LogicalType{Value: &format.StringType{}},
		})
	}
	for _, c := range columns {
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
	for range columns {
		w.meta.ColumnOrders = append(w.meta.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
}

// finish writes the footer with the manifest and its checksum.
func (w *fileWriter) finish(m *manifest) error {
	if !w.bare {
		m.Filters = &w.index
	}
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
