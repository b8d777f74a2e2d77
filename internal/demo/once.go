package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"mimamori/event"
	"mimamori/internal/measure"
	"mimamori/soc"
)

// Result is what one run did. The names are part of the command line.
type Result struct {
	Sent        uint64  `json:"sent"`
	Received    uint64  `json:"received"`
	Stored      uint64  `json:"stored"`
	Quarantined uint64  `json:"quarantined"`
	Alerts      int64   `json:"alerts"`
	Lost        uint64  `json:"lost"`
	Duplicates  uint64  `json:"duplicates"`
	Seconds     float64 `json:"seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	MaxRSSBytes int64   `json:"max_rss_bytes"`
}

// Once sends cfg.Events lines as fast as they are taken, waits until all are
// stored, and reports. CPU and memory are the whole process's, generator
// included. Events of an earlier run in the same folder do not count.
func Once(ctx context.Context, cfg Config) (Result, error) {
	cfg.Listen = "127.0.0.1:0"
	d, err := open(ctx, cfg)
	if err != nil {
		return Result{}, err
	}
	var r Result
	err = d.run(ctx, func(ctx context.Context) error {
		var err error
		r, err = d.once(ctx)
		return err
	})
	r.CPUSeconds, r.MaxRSSBytes = measure.CPU().Seconds(), measure.MaxRSS()
	return r, err
}

func (d *demo) once(ctx context.Context) (Result, error) {
	before, err := d.tally(ctx)
	if err != nil {
		return Result{}, err
	}
	start := time.Now()
	if err := d.sendAll(ctx); err != nil {
		return Result{}, err
	}
	want := before.Stored + uint64(d.cfg.Events)
	if err := d.await(ctx, want); err != nil {
		return Result{}, err
	}
	after, err := d.tally(ctx)
	if err != nil {
		return Result{}, err
	}
	r := Result{
		Sent: uint64(d.cfg.Events), Received: after.Received - before.Received, Stored: after.Stored - before.Stored,
		Quarantined: after.Quarantined - before.Quarantined, Alerts: after.Alerts - before.Alerts, Seconds: time.Since(start).Seconds(),
	}
	if r.Received < r.Sent {
		r.Lost = r.Sent - r.Received
	}
	r.Lost += after.Lost
	r.Duplicates = after.Duplicates
	if r.Lost > 0 || r.Duplicates > 0 || r.Stored != r.Sent {
		return r, fmt.Errorf("not every line arrived once: %+v", r)
	}
	return r, nil
}

// sendAll lets every town send its share.
func (d *demo) sendAll(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make([]error, len(d.towns))
	for i, t := range d.towns {
		share := d.cfg.Events / len(d.towns)
		if i < d.cfg.Events%len(d.towns) {
			share++
		}
		wg.Go(func() { errs[i] = t.burst(ctx, share, uint64(i)) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (t *town) burst(ctx context.Context, lines int, seed uint64) (err error) {
	s, err := t.dial(ctx, seed, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.shut()) }()
	s.maker.Incidents = 5000
	for n := range lines {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.send(); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	return s.flush()
}

// await waits until so many events are stored; a minute without progress is an error.
func (d *demo) await(ctx context.Context, want uint64) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last, moved := uint64(0), time.Now()
	for {
		stored := uint64(d.app.Store().Stats().Events)
		if stored >= want {
			return nil
		}
		if stored != last {
			last, moved = stored, time.Now()
		}
		if time.Since(moved) > time.Minute {
			return fmt.Errorf("%d of %d events are stored, and none came for a minute; %s", stored, want, d.app.Status().Err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// tally counts by the ledger, the store and the alerts database; what the
// ledger and the store disagree on are duplicates.
func (d *demo) tally(ctx context.Context) (Result, error) {
	var r Result
	for _, e := range d.app.Status().Entries {
		r.Received += e.Received()
		r.Quarantined += e.Quarantined
		r.Lost += e.Lost() + e.Dropped
	}
	n, err := d.app.Store().Count(ctx, event.Query{})
	if err != nil {
		return r, err
	}
	r.Stored = uint64(n)
	twice, err := d.app.Store().Duplicates(ctx)
	if err != nil {
		return r, err
	}
	r.Duplicates = uint64(twice)
	page, err := d.app.SOC().Alerts(ctx, soc.AlertFilter{Limit: 1})
	if err != nil {
		return r, err
	}
	r.Alerts = int64(page.Total)
	return r, nil
}
