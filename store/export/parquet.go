package export

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"

	"mimamori/event"
)

// groupRows is how many events a row group of an export has, and so how many
// are in memory.
const groupRows = 10_000

// parquetWriter writes a column a field: text as STRING, dates as TIMESTAMP in
// nanoseconds UTC, a list as a repeated STRING.
type parquetWriter struct {
	out    *parquet.GenericWriter[any]
	fields []event.Field // by name, as parquet-go orders columns
	row    parquet.Row
}

func newParquet(w io.Writer, fields []event.Field) *parquetWriter {
	group := parquet.Group{}
	for _, f := range fields {
		group[f.Name()] = node(f.Type())
	}
	p := &parquetWriter{fields: slices.Clone(fields)}
	slices.SortFunc(p.fields, func(a, b event.Field) int { return cmp.Compare(a.Name(), b.Name()) })
	p.fields = slices.Compact(p.fields)
	p.out = parquet.NewGenericWriter[any](w, parquet.NewSchema("events", group), parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(groupRows))
	return p
}

func node(t event.Type) parquet.Node {
	switch t {
	case event.Long:
		return parquet.Optional(parquet.Int(64))
	case event.Double:
		return parquet.Optional(parquet.Leaf(parquet.DoubleType))
	case event.Boolean:
		return parquet.Optional(parquet.Leaf(parquet.BooleanType))
	case event.Date:
		return parquet.Optional(parquet.Timestamp(parquet.Nanosecond))
	case event.List:
		return parquet.Repeated(parquet.String())
	}
	return parquet.Optional(parquet.String())
}

func (p *parquetWriter) Take(b *event.Batch) error {
	for i := range b.Events {
		p.row = p.row[:0]
		for column, f := range p.fields {
			v, ok := b.Events[i].Get(f)
			p.add(column, f.Type(), v, ok)
		}
		if _, err := p.out.WriteRows([]parquet.Row{p.row}); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	return nil
}

// add appends a value with its levels.
func (p *parquetWriter) add(column int, t event.Type, v event.Value, ok bool) {
	if t == event.List && ok {
		for i, s := range v.List() {
			p.row = append(p.row, parquet.ByteArrayValue([]byte(s)).Level(min(i, 1), 1, column))
		}
		ok = len(v.List()) > 0
		if ok {
			return
		}
	}
	if !ok {
		p.row = append(p.row, parquet.NullValue().Level(0, 0, column))
		return
	}
	p.row = append(p.row, parquetValue(t, v).Level(0, 1, column))
}

func parquetValue(t event.Type, v event.Value) parquet.Value {
	switch t {
	case event.Long, event.Date:
		return parquet.Int64Value(v.Int())
	case event.Double:
		return parquet.DoubleValue(v.Float())
	case event.Boolean:
		return parquet.BooleanValue(v.Bool())
	}
	return parquet.ByteArrayValue([]byte(v.Text()))
}

func (p *parquetWriter) Close() error {
	if err := p.out.Close(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}
