// Package export writes events for other programs: CSV for spreadsheets, NDJSON
// for scripts, Parquet for analysis. It writes as it is given events and holds no
// more than a row group of Parquet (10,000 events).
//
// A cell of CSV that a spreadsheet would take for a formula (it begins with
// = + - @, a tab or a carriage return, or a full-width = + - @) gets an apostrophe
// in front; numbers do not. Dates are Japan's time in RFC 3339.
//
// Under pressure it blocks: it writes no faster than its reader reads, and ends
// with the writer's error.
package export

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
)

// Options say what is written.
type Options struct {
	Format string        // csv, ndjson or parquet
	Fields []event.Field // the columns; NDJSON without is whole events, the others have Columns then
	BOM    bool          // begin CSV with a byte order mark, by which Excel sees that it is UTF-8
}

// Writer writes events. Close completes what was written; without it a file is cut.
type Writer interface {
	Take(*event.Batch) error
	Close() error
}

// Columns are what people want of an event when they do not say.
func Columns() []event.Field {
	var out []event.Field
	for _, name := range []string{
		"@timestamp", "municipality", "zone", "event.dataset", "event.action", "event.outcome", "user.name", "host.name", "source.ip",
		"source.port", "destination.ip", "destination.port", "url.full", "process.name", "file.path", "message", "event.original",
	} {
		out = append(out, event.MustLookup(name))
	}
	return out
}

// New begins to write. Its error names what is wrong with the options.
func New(w io.Writer, o Options) (Writer, error) {
	fields := o.Fields
	if len(fields) == 0 {
		fields = Columns()
	}
	switch o.Format {
	case "csv":
		return newCSV(w, fields, o.BOM)
	case "ndjson":
		return &ndjson{out: bufio.NewWriter(w), fields: o.Fields}, nil
	case "parquet":
		return newParquet(w, fields), nil
	}
	return nil, fmt.Errorf("no format %q; there are csv, ndjson and parquet", o.Format)
}

type csvWriter struct {
	out    *csv.Writer
	fields []event.Field
	row    []string
}

func newCSV(w io.Writer, fields []event.Field, bom bool) (*csvWriter, error) {
	if bom {
		if _, err := io.WriteString(w, "\ufeff"); err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
	}
	c := &csvWriter{out: csv.NewWriter(w), fields: fields}
	for _, f := range fields {
		c.row = append(c.row, harmless(f.Name()))
	}
	return c, c.write()
}

func (c *csvWriter) write() error {
	if err := c.out.Write(c.row); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func (c *csvWriter) Take(b *event.Batch) error {
	for i := range b.Events {
		c.row = c.row[:0]
		for _, f := range c.fields {
			v, ok := b.Events[i].Get(f)
			c.row = append(c.row, cell(v, ok))
		}
		if err := c.write(); err != nil {
			return err
		}
	}
	return nil
}

func (c *csvWriter) Close() error {
	c.out.Flush()
	if err := c.out.Error(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// cell writes a value for a spreadsheet.
func cell(v event.Value, ok bool) string {
	switch {
	case !ok:
		return ""
	case v.Kind() == event.Date:
		return time.Unix(0, v.Int()).In(calendar.JST()).Format(time.RFC3339Nano)
	case v.Kind() == event.Long || v.Kind() == event.Double || v.Kind() == event.Boolean:
		return v.Text()
	}
	return harmless(v.Text())
}

// harmless marks text that a spreadsheet would calculate.
func harmless(s string) string {
	for _, sign := range []string{"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(s, sign) {
			return "'" + s
		}
	}
	return s
}

// Table writes the rows of an answer as CSV, as harmless as events are.
func Table(w io.Writer, t *event.Table) error {
	c := &csvWriter{out: csv.NewWriter(w)}
	for _, name := range t.Columns {
		c.row = append(c.row, harmless(name))
	}
	if err := c.write(); err != nil {
		return err
	}
	for _, row := range t.Rows {
		c.row = c.row[:0]
		for _, v := range row {
			if v == nil {
				v = new(event.Value)
			}
			c.row = append(c.row, cell(*v, true))
		}
		if err := c.write(); err != nil {
			return err
		}
	}
	return c.Close()
}
