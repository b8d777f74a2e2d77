package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mimamori/event"
	"mimamori/store"
	"mimamori/store/export"
)

// reckon asks for figures.
func (p *program) reckon(ctx context.Context, s events, q event.Query, o *question) (*event.Table, error) {
	a := event.Aggregate{By: o.by, Limit: o.limit}
	for _, text := range o.measures {
		m, err := event.ParseMeasure(text)
		if err != nil {
			return nil, fmt.Errorf("--measure: %w", err)
		}
		a.Measures = append(a.Measures, m)
	}
	return s.Aggregate(ctx, q, a)
}

// showTable prints rows for people, or as CSV or JSON.
func (p *program) showTable(t *event.Table, o *question, err error) error {
	if err != nil {
		return err
	}
	switch {
	case o.js:
		err = p.print(tableJSON(t))
	case o.format == "csv":
		if o.bom {
			fmt.Fprint(p.Out, "\ufeff")
		}
		err = export.Table(p.Out, t)
	case o.format != "":
		return fmt.Errorf("--format %s: rows of figures are written as csv", o.format)
	default:
		err = p.printTable(t)
	}
	if t.Estimated {
		fmt.Fprintln(p.Err, "多くの値があるため、種類の数と百分位数は推定です / too many values: distinct counts and percentiles are estimates")
	}
	if t.Cut {
		err = errors.Join(err, fmt.Errorf("there are more than %d rows; --limit takes more", len(t.Rows)))
	}
	return err
}

func (p *program) printTable(t *event.Table) error {
	out := tabwriter.NewWriter(p.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, strings.Join(t.Columns, "\t"))
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			if v != nil {
				cells[i] = strings.Map(printable, v.Text())
			}
		}
		fmt.Fprintln(out, strings.Join(cells, "\t"))
	}
	return out.Flush()
}

// printable keeps a hostile event from steering the terminal.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
		return ' '
	}
	return r
}

// tableJSON is an answer for programs: columns, rows, cut.
func tableJSON(t *event.Table) any {
	rows := make([][]any, len(t.Rows))
	for i, row := range t.Rows {
		for _, v := range row {
			rows[i] = append(rows[i], plainValue(v))
		}
	}
	return struct {
		Columns []string `json:"columns"`
		Rows    [][]any  `json:"rows"`
		Cut     bool     `json:"cut"`
	}{t.Columns, rows, t.Cut}
}

func plainValue(v *event.Value) any {
	switch {
	case v == nil:
		return nil
	case v.Kind() == event.Long:
		return v.Int()
	case v.Kind() == event.Double:
		return v.Float()
	case v.Kind() == event.Boolean:
		return v.Bool()
	}
	return v.Text()
}

// export writes all matching events to standard output.
func (p *program) export(ctx context.Context, s events, q event.Query, o *question) error {
	opts := export.Options{Format: o.format, BOM: o.bom}
	for name := range strings.SplitSeq(o.fields, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		f, err := event.FieldOf(name)
		if err != nil {
			return fmt.Errorf("--fields: %w", err)
		}
		opts.Fields = append(opts.Fields, f)
	}
	out := bufio.NewWriter(p.Out)
	w, err := export.New(out, opts)
	if err != nil {
		return fmt.Errorf("--format: %w", err)
	}
	n := 0
	err = s.Each(ctx, q, func(b *event.Batch) error {
		n += len(b.Events)
		return w.Take(b)
	})
	if err == nil {
		err = errors.Join(w.Close(), out.Flush())
	}
	fmt.Fprintf(p.Err, "%d events\n", n)
	return err
}

// sqlBox is this program as the process in which analysts' statements run.
func sqlBox() []string {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{self, "sql-box"}
}

// sqlBoxCommand is that process; the store starts it.
func (p *program) sqlBoxCommand() *cobra.Command {
	return &cobra.Command{
		Use: "sql-box", Args: cobra.NoArgs, Hidden: true, Short: "Answer one statement of the store that started this",
		RunE: func(*cobra.Command, []string) error { return store.ServeSQL(p.In, p.Out) },
	}
}
