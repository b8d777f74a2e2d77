package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"mimamori/event"
	"mimamori/frame"
	"mimamori/internal/whole"
)

// group is what one commit makes durable.
type group struct {
	batches []*event.Batch
	release []*event.Batch // evaluated again after a crash, stored before
	frames  []Arrival      // not yet archived
	ranges  []Stored
	alerts  []event.Alert // not yet inserted
	over    []settled     // alerts that are over
	events  int
	oldest  time.Time
	days    map[string][]byte // accounts by day that changed, by path
	upTo    uint64            // the last frame in it

	forgotten []*forgetting // done with its checkpoint
	check     *checkpoint   // nil: the one before stands, and frames since then run again after a crash
}

// checkpointShare bounds the time that checkpoints take: rules that know much
// are written down more seldom.
const checkpointShare = 20

// checkpoint copies what must be remembered at this moment; nil when the last
// one was too dear to be made again so soon.
func (p *Pipeline) checkpoint(now time.Time) *checkpoint {
	if now.Before(p.nextCheck) && now.After(p.nextCheck.Add(-maxUnchecked)) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func(began time.Time) {
		took := p.cfg.Now().Sub(began)
		p.nextCheck = now.Add(min(took*checkpointShare, maxUnchecked))
	}(p.cfg.Now())
	c := &checkpoint{Position: p.position, Rejected: p.rejected, Broken: p.broken, Stream: p.days.stream}
	for _, e := range p.ledger.Entries() {
		c.Ledger = append(c.Ledger, e.Clone())
	}
	for _, chain := range p.chains {
		c.Chains = append(c.Chains, &frame.Chain{Key: chain.Key, Runs: slices.Clone(chain.Runs)})
	}
	rules, err := p.cfg.Memory.Snapshot()
	if err != nil {
		p.cfg.Log.Error("the state of the rules can't be kept", "err", err)
	}
	c.Rules = rules
	c.Clocks, c.Drift = p.times.clocks.Snapshot(), p.drift.Snapshot()
	return c
}

// commitAll makes groups durable, one after the other. One that fails is tried
// again until it succeeds; when ctx ends before that, it and all behind it are
// given up, to be read again from the stream next time.
func (p *Pipeline) commitAll(ctx context.Context, commits <-chan *group) {
	var err error
	for g := range commits {
		if err != nil {
			continue
		}
		for wait := 200 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
			err = p.commit(context.WithoutCancel(ctx), g)
			p.setError("storing events", err)
			if err == nil || ctx.Err() != nil {
				break
			}
			p.cfg.Log.Error("storing events failed; trying again", "err", err, "in", wait)
			pause(ctx, wait)
		}
	}
}

// commit writes alerts, frames, events and checkpoint, in this order; then the
// frames may go: what is in the store is in the archive.
func (p *Pipeline) commit(ctx context.Context, g *group) error {
	if len(g.alerts) > 0 {
		if _, err := p.cfg.Alerts.Insert(ctx, g.alerts); err != nil {
			return fmt.Errorf("ingest: alerts: %w", err)
		}
		g.alerts = nil
	}
	for ; len(g.over) > 0; g.over = g.over[1:] {
		if err := p.cfg.Alerts.Settle(ctx, g.over[0].id, g.over[0].note); err != nil {
			return fmt.Errorf("ingest: alerts: %w", err)
		}
	}
	if len(g.frames) > 0 {
		if err := p.cfg.Archive.Append(ctx, g.frames); err != nil {
			return fmt.Errorf("ingest: archive: %w", err)
		}
		g.frames = nil
	}
	if len(g.ranges) > 0 {
		if err := p.cfg.Store.Write(ctx, g.batches, g.ranges); err != nil {
			return fmt.Errorf("ingest: events: %w", err)
		}
		g.ranges = nil
	}
	for path, account := range g.days { // before the checkpoint: they know what they have counted
		if err := whole.Bytes(path, account); err != nil {
			return fmt.Errorf("ingest: day: %w", err)
		}
		delete(g.days, path)
	}
	if g.check != nil {
		if err := g.check.save(p.path()); err != nil {
			return err
		}
	}
	for _, b := range append(g.batches, g.release...) {
		p.batches.put(b)
	}
	g.batches, g.release = nil, nil
	for _, f := range g.forgotten {
		close(f.done)
	}
	g.forgotten = nil
	p.mu.Lock()
	p.gauges.committed, p.gauges.committedAt = g.upTo, p.cfg.Now()
	p.mu.Unlock()
	if g.check != nil && g.check.Position > p.cfg.Keep {
		p.through.Store(g.check.Position - p.cfg.Keep)
	}
	return nil
}

// purgeEvery is how often the stream lets frames go: it rewrites some of its file
// each time, and what is stored need not wait for that.
const purgeEvery = time.Second

// purge lets the frames go that are done with, until the committer has ended.
func (p *Pipeline) purge(ctx context.Context, ended <-chan struct{}) {
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	gone := uint64(0)
	for last := false; !last; {
		select {
		case <-tick.C:
		case <-ended:
			last = true
		}
		to := p.through.Load()
		if to == gone {
			continue
		}
		if err := p.cfg.Stream.Purge(ctx, "", to+1); err == nil {
			gone = to
		} else if !errors.Is(err, context.Canceled) {
			p.cfg.Log.Warn("frames that are done with could not be removed yet", "err", err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
