package main

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"mimamori/collector"
	"mimamori/collector/agent"
	"mimamori/collector/status"
	"mimamori/internal/care"
)

// gcPercent keeps the heap close to what is in use: little is allocated, so
// collecting it often costs next to nothing. GOGC in the environment overrides it.
const gcPercent = 25

func runCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "run", Short: "Collect until interrupted, or until the service manager stops it", Args: cobra.NoArgs}
	config := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if os.Getenv("GOGC") == "" {
			debug.SetGCPercent(gcPercent)
		}
		return serve(cmd.Context(), cmd.ErrOrStderr(), func(ctx context.Context, log *slog.Logger) error {
			return collect(ctx, *config, log)
		})
	}
	return cmd
}

// collect runs a collector under the care of the prefecture until interrupted;
// where there is no line, by itself.
func collect(ctx context.Context, config string, log *slog.Logger) error {
	cfg, err := collector.Load(config)
	if err != nil {
		return err
	}
	if cfg.Carry.Dir != "" {
		c, err := collector.New(cfg, collector.Options{Log: log})
		if err != nil {
			return err
		}
		return withPage(ctx, page(cfg, c.PublicKey(), c.Heartbeat, c.Stats, log), c.Run)
	}
	a, err := agent.New(agent.Options{Config: config, Log: log})
	if err != nil {
		return err
	}
	return withPage(ctx, page(cfg, a.PublicKey(), a.Heartbeat, a.Stats, log), a.Run)
}

// page is the status page of a collector that runs by a configuration.
func page(cfg collector.Config, key string, beat func() care.Heartbeat, stats func() collector.Stats, log *slog.Logger) *status.Page {
	return status.New(status.Config{
		Listen: cfg.Status.Listen, Contact: cfg.Status.Contact, To: cfg.Prefecture.URLs, Key: key,
		Beat: beat, Shipped: func() uint64 { return stats().Shipped }, Log: log, Now: time.Now,
	})
}

// withPage runs a collector with its status page beside. A page that cannot be
// shown does not hurt the collecting.
func withPage(ctx context.Context, p *status.Page, run func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { p.Run(ctx) })
	err := run(ctx)
	cancel()
	wg.Wait()
	return err
}
