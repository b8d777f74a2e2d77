package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"mimamori/ingest/format"
	"mimamori/internal/app"
	"mimamori/internal/measure"
)

// maxBenchLines bounds the lines that are kept to be read again and again.
const maxBenchLines = 100_000

func (p *program) formatsBench() *cobra.Command {
	var s source
	var dirs []string
	var header string
	var js bool
	c := &cobra.Command{
		Use: "bench [--from FILE]", Args: cobra.NoArgs, Short: "Measure CPU per line in one thread: each format over its tests, or the lines of a file",
		RunE: func(c *cobra.Command, _ []string) error {
			set, err := app.LoadFormats(dirs)
			if err != nil {
				return err
			}
			if !c.Flags().Changed("from") {
				return p.showCosts(set.Costs(measure.CPU), js)
			}
			opts, err := s.options(set, p.now)
			if err != nil {
				return err
			}
			in, err := p.open(s.input)
			if err != nil {
				return err
			}
			defer in.Close()
			var lines []format.Input
			if err := s.each(in, func(_ int, line string) error {
				if len(lines) < maxBenchLines {
					lines = append(lines, format.Input{Line: line, Header: header, Received: p.now()})
				}
				return nil
			}); err != nil {
				return err
			}
			return p.showCosts([]format.Cost{set.Cost(lines, opts, measure.CPU)}, js)
		},
	}
	s.flags(c)
	c.Flags().StringVar(&s.input, "from", "", "file of log lines, - for standard input (default: the formats' own tests)")
	c.Flags().StringSliceVar(&dirs, "formats", nil, "folders of formats beside the built-in ones")
	c.Flags().StringVar(&header, "header", "", "header line of the file that the lines are rows of")
	c.Flags().BoolVar(&js, "json", false, "print one JSON object a format")
	return c
}

func (p *program) showCosts(costs []format.Cost, js bool) error {
	out := bufio.NewWriter(p.Out)
	if !js {
		fmt.Fprintf(out, "%-32s %7s %8s %9s %9s %8s\n", "format", "lines", "B/line", "µs/line", "finding", "MB/s")
	}
	for _, c := range costs {
		if js {
			if err := writeJSON(out, c); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(out, "%-32s %7d %8.0f %9.2f %9.2f %8.0f\n", c.Format, c.Lines, c.Bytes, c.Micros, c.RecogniseMicros, c.MBPerSecond)
	}
	return out.Flush()
}

// writeJSON writes v as one JSON object on a line.
func writeJSON(w io.Writer, v any) error {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}
