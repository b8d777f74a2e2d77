package cli

import (
	"bufio"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"mimamori/event"
	"mimamori/ingest/format"
	"mimamori/internal/app"
)

func (p *program) formats() *cobra.Command {
	return group("formats", "Log formats: parse lines, run the formats' own tests", p.formatsParse(), p.formatsTest(), p.formatsList())
}

func (p *program) formatsParse() *cobra.Command {
	var s source
	var dirs []string
	c := &cobra.Command{
		Use: "parse", Args: cobra.NoArgs, Short: "Read log lines from standard input, print one ECS JSON object for each",
		RunE: func(*cobra.Command, []string) error {
			parser, err := s.parser(dirs, p.now)
			if err != nil {
				return err
			}
			out := bufio.NewWriterSize(p.Out, 1<<20)
			x, batch := new(event.Builder), new(event.Batch)
			var js []byte
			err = s.each(p.In, func(n int, line string) error {
				parser.Parse(format.Input{Line: line, Received: p.now()}, x)
				js = append(batch.Append(x, event.Ref{Seq: uint64(n)}).AppendJSON(js[:0]), '\n')
				batch.Reset()
				_, err := out.Write(js)
				return err
			})
			if ferr := out.Flush(); err == nil {
				err = ferr
			}
			return err
		},
	}
	s.flags(c)
	c.Flags().StringSliceVar(&dirs, "formats", nil, "folders of formats beside the built-in ones")
	return c
}

// parser opens the formats for lines from this source.
func (s *source) parser(dirs []string, now func() time.Time) (*format.Parser, error) {
	set, err := app.LoadFormats(dirs)
	if err != nil {
		return nil, err
	}
	location, err := time.LoadLocation(s.zone)
	if err != nil {
		return nil, fmt.Errorf("--tz: %w", err)
	}
	if s.format != "auto" && !slices.Contains(set.Names(), s.format) {
		return nil, fmt.Errorf("--format: no format %q; there are: auto %v", s.format, set.Names())
	}
	return set.Parser(format.Options{Location: location, Now: now, Format: s.format}), nil
}

func (p *program) formatsTest() *cobra.Command {
	var dirs []string
	c := &cobra.Command{
		Use: "test", Args: cobra.NoArgs, Short: "Run the tests inside the format files",
		RunE: func(*cobra.Command, []string) error {
			set, err := app.LoadFormats(dirs)
			if err != nil {
				return err
			}
			failures := format.Test(set)
			for _, f := range failures {
				fmt.Fprintln(p.Out, f)
			}
			if len(failures) > 0 {
				return fmt.Errorf("%d tests failed", len(failures))
			}
			fmt.Fprintf(p.Out, "%d formats: all tests passed\n", len(set.Names()))
			return nil
		},
	}
	c.Flags().StringSliceVar(&dirs, "formats", nil, "folders of formats beside the built-in ones")
	return c
}

func (p *program) formatsList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "List the formats",
		RunE: func(*cobra.Command, []string) error {
			set, err := app.LoadFormats(nil)
			if err != nil {
				return err
			}
			for _, name := range set.Names() {
				fmt.Fprintln(p.Out, name)
			}
			return nil
		},
	}
}
