package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// errFooter is a segment whose footer is torn, altered or not ours.
var errFooter = errors.New("the footer is damaged")

// maxFooter bounds what is read of a file that may be hostile or torn.
const maxFooter = 256 << 20

// checkAt finds where the checksum's 8 characters stand: behind its key and
// the value's Thrift header (field 2, string, 8 bytes). The last place counts,
// since a manifest's text could hold the key too.
func checkAt(footer []byte) (int, bool) {
	mark := append([]byte(keyCheck), 0x18, byte(len(noCheck)))
	i := bytes.LastIndex(footer, mark)
	if i < 0 || i+len(mark)+len(noCheck) > len(footer) {
		return 0, false
	}
	return i + len(mark), true
}

// readFooter reads and verifies the footer of an open segment.
func readFooter(f io.ReaderAt, size int64) (*format.FileMetaData, *manifest, error) {
	var tail [8]byte
	if size < int64(len(magic)+len(tail)) {
		return nil, nil, fmt.Errorf("%w: the file has only %d bytes", errFooter, size)
	}
	if _, err := f.ReadAt(tail[:], size-8); err != nil {
		return nil, nil, fmt.Errorf("store: %w", err)
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if string(tail[4:]) != magic || n > maxFooter || n+12 > size {
		return nil, nil, fmt.Errorf("%w: the file does not end as a Parquet file does", errFooter)
	}
	footer := make([]byte, n)
	if _, err := f.ReadAt(footer, size-8-n); err != nil {
		return nil, nil, fmt.Errorf("store: %w", err)
	}
	at, ok := checkAt(footer)
	if !ok {
		return nil, nil, fmt.Errorf("%w: it has no checksum", errFooter)
	}
	want := string(footer[at : at+len(noCheck)])
	copy(footer[at:], noCheck)
	if checksum(footer) != want {
		return nil, nil, fmt.Errorf("%w: its checksum does not fit", errFooter)
	}
	return parseFooter(footer)
}

func parseFooter(footer []byte) (*format.FileMetaData, *manifest, error) {
	var meta format.FileMetaData
	var protocol thrift.CompactProtocol
	if err := thrift.Unmarshal(&protocol, footer, &meta); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errFooter, err)
	}
	for _, kv := range meta.KeyValueMetadata {
		if kv.Key != keyManifest {
			continue
		}
		m := &manifest{}
		if err := json.Unmarshal([]byte(kv.Value), m); err != nil {
			return nil, nil, fmt.Errorf("%w: manifest: %w", errFooter, err)
		}
		if m.Format > formatVersion {
			return nil, nil, fmt.Errorf("the segment has format %d, this program knows up to %d; use a newer program", m.Format, formatVersion)
		}
		if m.Events != meta.NumRows {
			return nil, nil, fmt.Errorf("%w: %d rows, but the manifest says %d events", errFooter, meta.NumRows, m.Events)
		}
		return &meta, m, nil
	}
	return nil, nil, fmt.Errorf("%w: it has no manifest", errFooter)
}

// schemaColumns lists a segment's columns in file order, empty.
func schemaColumns(meta *format.FileMetaData) []*column {
	var columns []*column
	for i := 1; i < len(meta.Schema); i++ {
		e := &meta.Schema[i]
		c := &column{name: e.Name}
		switch {
		case !e.Type.Valid:
			c.shape = shapeList
			i += 2
		case e.Type.V == format.Double:
			c.shape = shapeFloat
		case e.Type.V == format.Boolean:
			c.shape = shapeBool
		case e.Type.V == format.Int64:
			c.shape = shapeInt
			if e.LogicalType.Value != nil {
				c.shape = shapeUint
			}
		case e.Name == colRest:
			c.shape = shapeJSON
		}
		columns = append(columns, c)
	}
	return columns
}

// openSegment opens a segment's file and reads its footer.
func openSegment(path string) (*os.File, *format.FileMetaData, *manifest, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("store: %w", err)
	}
	info, err := f.Stat()
	if err == nil {
		var meta *format.FileMetaData
		var m *manifest
		if meta, m, err = readFooter(f, info.Size()); err == nil {
			return f, meta, m, nil
		}
	}
	f.Close()
	return nil, nil, nil, fmt.Errorf("%s: %w", path, err)
}
