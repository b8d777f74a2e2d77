package ingest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"mimamori/event"
	"mimamori/internal/bus"
)

// Run takes frames until ctx ends, then commits what it has taken and returns
// nil. It returns an error only when it can't work at all.
func (p *Pipeline) Run(ctx context.Context) error {
	if err := p.checkPosition(ctx); err != nil {
		if ctx.Err() != nil { // it ended before it began
			return nil
		}
		return err
	}
	parsers := make([]*worker, p.cfg.Workers)
	for i := range parsers {
		w, err := newWorker(&p.cfg, &p.batches)
		if err != nil {
			return err
		}
		defer w.unpacker.Close()
		parsers[i] = w
	}
	order, work := make(chan *frameJob, 4*p.cfg.Workers), make(chan *frameJob, 4*p.cfg.Workers)
	commits := make(chan *group)
	ended := make(chan struct{})
	var readers, workers, committer sync.WaitGroup
	for _, w := range parsers {
		workers.Go(func() {
			for j := range work {
				w.do(j)
			}
		})
	}
	readers.Go(func() { p.read(ctx, order, work) })
	committer.Go(func() {
		defer close(ended)
		p.commitAll(ctx, commits)
	})
	committer.Go(func() { p.purge(context.WithoutCancel(ctx), ended) })
	p.sequence(ctx, order, commits)
	for range order { // let the reader out; these frames are read again next time
	}
	readers.Wait()
	workers.Wait()
	committer.Wait()
	return nil
}

// checkPosition notices a stream that was replaced by a younger one.
func (p *Pipeline) checkPosition(ctx context.Context) error {
	state, err := p.cfg.Stream.State(ctx)
	if err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	if state.Last < p.position {
		p.cfg.Log.Warn("the stream of frames is younger than the checkpoint; reading it from its beginning", "stream_last", state.Last, "checkpoint", p.position)
		p.position, p.gauges.committed = 0, 0
		p.days.stream++
	}
	return nil
}

// read hands each frame to the workers and, in order, to the sequencer.
func (p *Pipeline) read(ctx context.Context, order, work chan<- *frameJob) {
	defer close(order)
	defer close(work)
	from := p.position + 1
	for ctx.Err() == nil {
		err := p.cfg.Stream.Read(ctx, from, func(m bus.Msg) error {
			m.Time = m.Time.Truncate(time.Microsecond) // as the archive keeps it: who reads it again there gets the same
			j := &frameJob{msg: m, done: make(chan struct{})}
			select {
			case order <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
			work <- j // never blocks for long: workers only end after the reader
			from = m.Seq + 1
			return nil
		})
		if err != nil && ctx.Err() == nil {
			p.setError("reading frames", err)
			pause(ctx, time.Second)
		}
	}
}

// sequence accepts frames in order and hands groups to the committer.
func (p *Pipeline) sequence(ctx context.Context, order <-chan *frameJob, commits chan<- *group) {
	defer close(commits)
	tick := time.NewTicker(p.cfg.Interval / 4)
	defer tick.Stop()
	flush := func(last bool) {
		now := p.cfg.Now()
		owed := p.unchecked && (last || !now.Before(p.nextCheck))
		asked := len(p.group.forgotten) > 0
		if p.group.oldest.IsZero() && !owed && !asked { // nothing was accepted since the last one
			return
		}
		if last || asked {
			p.nextCheck = time.Time{}
		}
		g := p.group
		g.check, g.days, g.upTo = p.checkpoint(now), p.changedDays(), p.position
		p.unchecked = g.check == nil
		p.group = &group{}
		commits <- g
	}
	arrived := p.cfg.Now()
	for {
		select {
		case <-ctx.Done():
			flush(true)
			return
		case j, ok := <-order:
			if !ok {
				flush(true)
				return
			}
			<-j.done
			p.accept(ctx, j)
			arrived = p.cfg.Now()
			if p.group.events >= maxPending {
				flush(false)
			}
		case f := <-p.forgets:
			p.forget(f)
			flush(false)
		case <-tick.C:
			if p.group.oldest.IsZero() || p.cfg.Now().Sub(p.group.oldest) >= p.cfg.Interval {
				flush(false)
			}
			if now := p.cfg.Now(); now.Sub(arrived) >= idle {
				p.tell(ctx, func(emit func(event.Alert)) { p.cfg.Detector.Advance(now.Add(-idle), emit) })
			}
		}
	}
}
