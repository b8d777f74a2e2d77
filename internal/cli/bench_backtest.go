package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"mimamori/internal/bench"
)

// benchBacktest is rules over a day of stored events.
func (p *program) benchBacktest() *cobra.Command {
	var js bool
	cfg := bench.Config{Log: p.log, Now: p.now}
	c := &cobra.Command{
		Use: "backtest", Args: cobra.NoArgs, Short: "Run usual rules over a day of stored events: raw bytes of logs for each second of CPU",
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if cfg.Dir, err = os.MkdirTemp("", "mimamori-bench-"); err != nil {
				return fmt.Errorf("bench: %w", err)
			}
			r, err := bench.Backtest(c.Context(), cfg)
			if err := errors.Join(err, os.RemoveAll(cfg.Dir)); err != nil {
				return err
			}
			if js {
				return p.print(r)
			}
			fmt.Fprintf(p.Out, "backtest: %d events, %d MB as they came, %d segments, peak %d MiB\n", r.Events, r.RawBytes/1e6, r.Segments, r.MaxRSSBytes>>20)
			for _, x := range r.Runs {
				fmt.Fprintf(p.Out, "  %-22s %3d rules %8d alerts %7.2f CPU s %8.0f MB a CPU second\n", x.Name, x.Rules, x.Alerts, x.CPUSeconds, x.MBPerCPU)
			}
			return nil
		},
	}
	c.Flags().IntVar(&cfg.Events, "events", 1_000_000, "lines to make")
	c.Flags().BoolVar(&js, "json", false, "print one JSON object")
	return c
}
