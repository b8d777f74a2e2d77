package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"mimamori/internal/bench"
	"mimamori/internal/demo"
)

func (p *program) bench() *cobra.Command {
	return group("bench", "Measure what an event costs at each step, in CPU time",
		p.benchStep("collect", "Collector: a file to the spool and over NATS", func(ctx context.Context, c bench.Config) (fmt.Stringer, error) { return bench.Collect(ctx, c) }),
		p.benchStep("ingest", "Verify, unpack, parse and enrich", func(_ context.Context, c bench.Config) (fmt.Stringer, error) { return bench.Ingest(c) }),
		p.benchRules(),
		p.benchStep("store", "Write the event store, compact it, and ask it while events go on coming", func(ctx context.Context, c bench.Config) (fmt.Stringer, error) { return bench.Store(ctx, c) }),
		p.benchBacktest(), p.benchPipeline(), p.benchOutage())
}

func (p *program) benchRules() *cobra.Command {
	return p.benchStep("rules", "Evaluate the rules", func(_ context.Context, c bench.Config) (fmt.Stringer, error) { return bench.Rules(c) })
}

type benchFunc func(context.Context, bench.Config) (fmt.Stringer, error)

func (p *program) benchStep(name, short string, run benchFunc) *cobra.Command {
	var s source
	var js bool
	cfg := bench.Config{Log: p.log, Now: p.now}
	c := &cobra.Command{
		Use: name, Args: cobra.NoArgs, Short: short,
		RunE: func(c *cobra.Command, _ []string) error {
			location, err := time.LoadLocation(s.zone)
			if err != nil {
				return fmt.Errorf("--tz: %w", err)
			}
			cfg.Zone, cfg.Format = location, s.format
			if s.input != "" {
				cfg.Lines = p.inputLines(&s)
				if !c.Flags().Changed("events") {
					cfg.Events = 0
				}
			}
			if cfg.Dir, err = os.MkdirTemp("", "mimamori-bench-"); err != nil {
				return fmt.Errorf("bench: %w", err)
			}
			r, err := run(c.Context(), cfg)
			if err := errors.Join(err, os.RemoveAll(cfg.Dir)); err != nil {
				return err
			}
			if js {
				return p.print(r)
			}
			fmt.Fprint(p.Out, r)
			return nil
		},
	}
	c.Flags().IntVar(&cfg.Events, "events", 200_000, "lines to make, or the most to read of the input")
	c.Flags().StringVar(&s.input, "input", "", "file of log lines instead of made ones")
	c.Flags().BoolVar(&js, "json", false, "print one JSON object")
	if name == "rules" {
		rulesFlag(c, &cfg.Rules)
	}
	s.flags(c)
	return c
}

// inputLines reads the log lines of a file.
func (p *program) inputLines(s *source) func(func(string) error) error {
	return func(add func(string) error) error {
		in, err := p.open(s.input)
		if err != nil {
			return err
		}
		defer in.Close()
		return s.each(in, func(_ int, line string) error { return add(line) })
	}
}

// benchPipeline is the whole way in one process: senders to stored events.
func (p *program) benchPipeline() *cobra.Command {
	var js bool
	cfg := demo.Config{Towns: 6, Once: true, Log: p.log, Now: p.now}
	c := &cobra.Command{
		Use: "pipeline", Args: cobra.NoArgs, Short: "The whole way: senders, collectors, bus, ingest, rules, store",
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := os.MkdirTemp("", "mimamori-bench-")
			if err != nil {
				return fmt.Errorf("bench: %w", err)
			}
			cfg.Data = dir
			d, err := demo.Once(c.Context(), cfg)
			if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
				return err
			}
			r := bench.Result{
				Step: "pipeline", Events: cfg.Events, MicrosPerItem: d.CPUSeconds * 1e6 / float64(max(cfg.Events, 1)),
				MaxRSSBytes: d.MaxRSSBytes, CPUSeconds: d.CPUSeconds, WallSeconds: d.Seconds, Matches: int(d.Alerts),
			}
			if js {
				return p.print(r)
			}
			fmt.Fprintf(p.Out, "pipeline: %d events, %.2f µs of CPU an event, peak %d MiB\n", r.Events, r.MicrosPerItem, r.MaxRSSBytes>>20)
			return nil
		},
	}
	c.Flags().IntVar(&cfg.Events, "events", 200_000, "lines to make")
	c.Flags().BoolVar(&js, "json", false, "print one JSON object")
	return c
}

// benchOutage is the return of collectors whose line was down for long.
func (p *program) benchOutage() *cobra.Command {
	var js bool
	cfg := bench.OutageConfig{Log: p.log, Now: p.now}
	c := &cobra.Command{
		Use: "outage", Args: cobra.NoArgs, Short: "The line returns after an outage: how long live lines take while the backlog drains",
		RunE: func(c *cobra.Command, _ []string) error {
			if cfg.Collectors < 1 || cfg.Rate < 10 || cfg.Hours <= 0 {
				return errors.New("--collectors: at least 1; --rate: at least 10; --hours: more than 0")
			}
			var err error
			if cfg.Dir, err = os.MkdirTemp("", "mimamori-bench-"); err != nil {
				return fmt.Errorf("bench: %w", err)
			}
			r, err := bench.Outage(c.Context(), cfg)
			if err := errors.Join(err, os.RemoveAll(cfg.Dir)); err != nil {
				return err
			}
			if js {
				return p.print(r)
			}
			fmt.Fprintf(p.Out, "outage: %d lines drained in %.0f s; live lines stored after %.2f s (p50), %.2f s (p95), %.2f s (max); lost %d, twice %d\n",
				r.Backlog, r.DrainSeconds, r.LiveP50, r.LiveP95, r.LiveMax, r.Lost, r.Duplicates)
			return nil
		},
	}
	c.Flags().IntVar(&cfg.Collectors, "collectors", 20, "collectors that come back at once")
	c.Flags().IntVar(&cfg.Rate, "rate", 200, "lines a second of each, in the outage and after it")
	c.Flags().Float64Var(&cfg.Hours, "hours", 24, "how long the line was down")
	c.Flags().BoolVar(&js, "json", false, "print one JSON object")
	return c
}
