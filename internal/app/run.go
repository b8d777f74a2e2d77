package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/oklog/run"
)

// Run works until ctx ends or a part fails, then stops all parts, waits for
// them and closes everything. It returns nil when ctx ended.
func (a *App) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var g run.Group
	g.Add(func() error { <-ctx.Done(); return nil }, func(error) { cancel() })
	g.Add(func() error { return a.pipeline.Run(ctx) }, func(error) { cancel() })
	g.Add(func() error { return a.runArchive(ctx) }, func(error) { cancel() })
	g.Add(func() error { return a.enricher.Run(ctx) }, func(error) { cancel() })
	g.Add(func() error { return a.followRules(ctx) }, func(error) { cancel() })
	g.Add(func() error { return a.inbox.Run(ctx) }, func(error) { cancel() })
	g.Add(func() error { return a.reparseOnRequest(ctx) }, func(error) { cancel() })
	g.Add(func() error { return a.giveTurns(ctx) }, func(error) { cancel() })
	g.Add(func() error { return a.erase(ctx) }, func(error) { cancel() })
	g.Add(func() error { return a.housekeep(ctx) }, func(error) { cancel() })
	g.Add(func() error { return a.watch(ctx) }, func(error) { cancel() })
	g.Add(func() error { return a.listen(ctx) }, func(error) { cancel() })
	g.Add(func() error { return a.serveMetrics(ctx) }, func(error) { cancel() })
	g.Add(func() error { return a.followFleet(ctx) }, func(error) { cancel() })
	a.runSinks(ctx, &g, cancel)
	server := &http.Server{Handler: a.console, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	g.Add(func() error {
		if err := server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("console: %w", err)
		}
		return nil
	}, func(error) {
		short, done := context.WithTimeout(context.Background(), 2*time.Second)
		defer done()
		if server.Shutdown(short) != nil {
			_ = server.Close() // whoever still waits is cut off
		}
	})
	return errors.Join(g.Run(), a.Close())
}

// While collectors send what an outage held up, mostFresh segments may wait to be
// merged, and then it is done beside the work: a third of the time at first, and
// the more wait the more of it. Beyond farTooFresh, where it is done all the time,
// as little is sent as may be until it has caught up.
const (
	mostFresh   = 1000
	farTooFresh = 2 * mostFresh
)

// lags tells whether merging needs all the time there is.
func (a *App) lags() bool { return a.merging.Load() && a.store.Fresh() > farTooFresh }

// rest lets what comes go first while collectors send what an outage held up.
func (a *App) rest(ctx context.Context, worked time.Duration) {
	if a.turns != nil && !a.turns.idle() {
		room := float64(farTooFresh-a.store.Fresh()) / (farTooFresh - mostFresh)
		_ = wait(ctx, time.Duration(2*min(room, 1)*float64(worked))) // the merge looks at ctx itself
	}
}

// housekeep merges small segments and removes old ones.
func (a *App) housekeep(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	var retained time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if a.turns.idle() || a.store.Fresh() > mostFresh {
			a.merging.Store(true)
			if err := a.store.Compact(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("merging segments", "err", err)
			}
			a.merging.Store(false)
		}
		if now := a.now(); now.Sub(retained) > time.Hour {
			retained = now
			keep, err := a.retained(ctx)
			n := int64(0)
			if err == nil {
				n, err = a.store.Retain(ctx, keep.since)
			}
			if err != nil && ctx.Err() == nil {
				a.log.Error("removing old events", "err", err)
			}
			if n > 0 {
				a.log.Info("removed events beyond their retention", "events", n)
			}
		}
	}
}
