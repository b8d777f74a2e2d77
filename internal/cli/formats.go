package cli

import (
	"bufio"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"mimamori/event"
	"mimamori/ingest/enrich"
	"mimamori/ingest/format"
	"mimamori/internal/app"
)

func (p *program) formats() *cobra.Command {
	return group("formats", "Log formats: parse and explain lines; write, check and measure formats",
		p.formatsParse(), p.formatsTest(), p.formatsList(), p.formatsExplain(), p.formatsLint(), p.formatsBench(),
		p.formatsCoverage(), p.formatsNew(), p.formatsSchema(), p.formatsReparse())
}

func (p *program) formatsParse() *cobra.Command {
	var s source
	var dirs []string
	var with enrichment
	c := &cobra.Command{
		Use: "parse", Args: cobra.NoArgs, Short: "Read log lines from standard input, print one ECS JSON object for each",
		RunE: func(*cobra.Command, []string) error {
			parser, err := s.parser(dirs, p.now)
			if err != nil {
				return err
			}
			session, err := with.open(p.log)
			if err != nil {
				return err
			}
			out := bufio.NewWriterSize(p.Out, 1<<20)
			x, batch := new(event.Builder), new(event.Batch)
			var js []byte
			err = s.each(p.In, func(n int, line string) error {
				received := p.now()
				parser.Parse(format.Input{Line: line, Received: received}, x)
				session.Event(x, enrich.Origin{Municipality: with.municipality, Zone: with.zone, Received: received.UnixNano()})
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
	with.flags(c)
	c.Flags().StringSliceVar(&dirs, "formats", nil, "folders of formats beside the built-in ones")
	return c
}

// enrichment is whose tables events are enriched by, as the flags describe it.
type enrichment struct{ config, municipality, zone string }

func (e *enrichment) flags(c *cobra.Command) {
	c.Flags().StringVar(&e.config, "config", "", "the prefecture's configuration, whose zones, assets, places and indicators events are enriched by")
	c.Flags().StringVar(&e.municipality, "municipality", "", "code of the municipality that the lines come from")
	c.Flags().StringVar(&e.zone, "zone", "", "zone of the collector that the lines come from")
}

// open reads the tables. Without a configuration there is what needs none:
// domains, URLs, user agents, directions.
func (e *enrichment) open(log *slog.Logger) (*enrich.Session, error) {
	if e.municipality != "" {
		if err := event.CheckCode(e.municipality); err != nil {
			return nil, fmt.Errorf("--municipality: %w", err)
		}
	}
	if e.zone != "" && !event.ValidZone(e.zone) {
		return nil, fmt.Errorf("--zone: %q is none of mynumber, lgwan, internet", e.zone)
	}
	cfg := app.DefaultConfig()
	if e.config != "" {
		var err error
		if cfg, err = app.LoadConfig(e.config); err != nil {
			return nil, err
		}
	}
	enricher, err := app.OpenEnricher(&cfg, log)
	if err != nil {
		return nil, err
	}
	return enricher.Session(), nil
}

// parser opens the formats for lines from this source.
func (s *source) parser(dirs []string, now func() time.Time) (*format.Parser, error) {
	set, err := app.LoadFormats(dirs)
	if err != nil {
		return nil, err
	}
	opts, err := s.options(set, now)
	if err != nil {
		return nil, err
	}
	return set.Parser(opts), nil
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
