package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"mimamori/event"
	"mimamori/frame"
	"mimamori/internal/bus"
)

// Pipeline is the way of frames to stored events and alerts.
type Pipeline struct {
	cfg        Config
	quarantine *quarantine

	// The fields below belong to the goroutine of Run, except that status
	// readers see them under mu.
	mu       sync.Mutex
	position uint64
	ledger   *frame.Ledger // what was seen: evaluated by the rules and stored, or about to be
	stored   *frame.Ledger // what the store held at the start
	heads    map[frame.Key]head
	rejected uint64
	broken   uint64
	gauges   gauges

	group *group
}

// group is what one commit makes durable.
type group struct {
	batches []*event.Batch
	release []*event.Batch // evaluated again after a crash, stored before
	ranges  []Stored
	alerts  []event.Alert // not yet inserted
	events  int
	oldest  time.Time
	check   *checkpoint
}

// New opens the pipeline where it stopped. Trouble with the checkpoint is
// logged and healed from the store's own account.
func New(cfg Config) (*Pipeline, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	if cfg.Interval == 0 {
		cfg.Interval = time.Second
	}
	if cfg.Workers == 0 {
		cfg.Workers = 2
	}
	q, err := openQuarantine(filepath.Join(cfg.Dir, "quarantine"))
	if err != nil {
		return nil, err
	}
	p := &Pipeline{cfg: cfg, quarantine: q, ledger: frame.NewLedger(), stored: frame.NewLedger(), heads: map[frame.Key]head{}, group: &group{}}
	for _, s := range cfg.Store.Stored() {
		p.stored.Add(p.stored.Entry(s.key(), s.Municipality, ""), s.span(), s.counts())
	}
	check, err := loadCheckpoint(p.path())
	if err != nil {
		cfg.Log.Error("checkpoint", "err", err)
	}
	if check == nil {
		return p, p.fresh()
	}
	p.position, p.rejected, p.broken = check.Position, check.Rejected, check.Broken
	for _, e := range check.Ledger {
		p.ledger.Restore(e)
	}
	for _, h := range check.Heads {
		p.heads[h.Key] = h
	}
	if err := cfg.Detector.Restore(check.Rules); err != nil {
		cfg.Log.Error("the state of the rules begins anew", "err", err)
	}
	return p, nil
}

// fresh starts without a checkpoint: what the store holds counts as seen.
func (p *Pipeline) fresh() error {
	for _, e := range p.stored.Entries() {
		p.ledger.Restore(e)
	}
	return nil
}

func (s *Stored) key() frame.Key {
	return frame.Key{Collector: s.Collector, Source: s.Source, Epoch: s.Epoch}
}
func (s *Stored) span() frame.Range { return frame.Range{First: s.First, Last: s.Last} }
func (s *Stored) counts() frame.Counts {
	return frame.Counts{Stored: s.Stored, Quarantined: s.Quarantined, Dropped: s.Dropped}
}

func (p *Pipeline) path() string { return filepath.Join(p.cfg.Dir, checkpointFile) }

// Run takes frames until ctx ends, then commits what it has taken and returns
// nil. It returns an error only when it can't work at all.
func (p *Pipeline) Run(ctx context.Context) error {
	if err := p.checkPosition(ctx); err != nil {
		return err
	}
	order, work := make(chan *frameJob, 4*p.cfg.Workers), make(chan *frameJob, 4*p.cfg.Workers)
	commits := make(chan *group)
	var readers, workers, committer sync.WaitGroup
	for range p.cfg.Workers {
		w, err := newWorker(&p.cfg)
		if err != nil {
			return err
		}
		workers.Go(func() {
			defer w.unpacker.Close()
			for j := range work {
				w.do(j)
			}
		})
	}
	readers.Go(func() { p.read(ctx, order, work) })
	committer.Go(func() { p.commitAll(ctx, commits) })
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
		p.position = 0
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
	flush := func() {
		if p.group.oldest.IsZero() { // nothing was accepted since the last one
			return
		}
		g := p.group
		g.check = p.checkpoint()
		p.group = &group{}
		commits <- g
	}
	for {
		select {
		case <-ctx.Done():
			flush()
			return
		case j, ok := <-order:
			if !ok {
				flush()
				return
			}
			<-j.done
			p.accept(ctx, j)
			if p.group.events >= maxPending {
				flush()
			}
		case <-tick.C:
			if !p.group.oldest.IsZero() && p.cfg.Now().Sub(p.group.oldest) >= p.cfg.Interval {
				flush()
			}
		}
	}
}

// accept takes one frame on: account, chain, rules, group.
func (p *Pipeline) accept(ctx context.Context, j *frameJob) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.group.oldest.IsZero() {
		p.group.oldest = p.cfg.Now()
	}
	p.position = j.msg.Seq
	if j.err != nil {
		p.reject(j)
		return
	}
	f := j.frame
	key, span := f.Key(), frame.Range{First: f.First, Last: f.Last()}
	entry := p.ledger.Entry(key, f.Municipality, f.Zone)
	if !p.ledger.Add(entry, span, j.counts) {
		batches.Put(resetBatch(j.batch))
		return
	}
	p.chain(f)
	p.gauges.count(f, p.cfg.Now(), len(j.batch.Events))
	var alerts []event.Alert
	p.cfg.Detector.Evaluate(j.batch, func(a event.Alert) { alerts = append(alerts, a) })
	if len(alerts) > 0 {
		if _, err := p.cfg.Alerts.Insert(ctx, alerts); err != nil {
			p.group.alerts = append(p.group.alerts, alerts...) // the committer insists
		}
		p.gauges.alerted(p.cfg.Now(), f.To)
	}
	p.group.events += len(j.batch.Events)
	if p.stored.Has(key, span) {
		p.group.release = append(p.group.release, j.batch)
		return
	}
	p.group.batches = append(p.group.batches, j.batch)
	p.group.ranges = append(p.group.ranges, Stored{
		Collector: f.Collector, Source: f.Source, Municipality: f.Municipality, Epoch: f.Epoch, First: f.First, Last: f.Last(),
		Stored: j.counts.Stored, Quarantined: j.counts.Quarantined, Dropped: j.counts.Dropped,
	})
}

// reject keeps a frame that can't be trusted aside.
func (p *Pipeline) reject(j *frameJob) {
	p.rejected++
	r := Rejection{Time: p.cfg.Now(), Subject: j.msg.Subject, Sequence: j.msg.Seq, Bytes: len(j.msg.Data), Reason: j.err.Error()}
	if j.frame != nil {
		r.Collector = j.frame.Collector
	}
	p.gauges.reject(r)
	p.cfg.Log.Warn("frame refused and kept in quarantine", "stream_sequence", r.Sequence, "subject", r.Subject, "reason", r.Reason)
	if err := p.quarantine.add(r, j.msg.Data); err != nil {
		p.cfg.Log.Error("a refused frame could not be kept", "err", err)
	}
}

// chain checks that the frame names the one before it. A break is counted and
// shown; the frame itself is signed, so its events are taken.
func (p *Pipeline) chain(f *frame.Frame) {
	key := f.Key()
	h, known := p.heads[key]
	if known && f.First == h.Last+1 && f.Prev != h.Hash || f.First == 1 && f.Prev != (frame.Hash{}) {
		p.broken++
		reason := fmt.Sprintf("chain broken: frame %s/%s seq %d does not name the frame before it", f.Collector, f.Source, f.First)
		p.gauges.reject(Rejection{Time: p.cfg.Now(), Sequence: p.position, Collector: f.Collector, Bytes: len(f.Bytes), Reason: reason})
		p.cfg.Log.Warn(reason)
	}
	if !known || f.Last() > h.Last {
		p.heads[key] = head{key, f.Last(), f.Hash()}
	}
}

// checkpoint copies what must be remembered at this moment.
func (p *Pipeline) checkpoint() *checkpoint {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &checkpoint{Position: p.position, Rejected: p.rejected, Broken: p.broken}
	for _, e := range p.ledger.Entries() {
		c.Ledger = append(c.Ledger, e.Clone())
	}
	for _, h := range p.heads {
		c.Heads = append(c.Heads, h)
	}
	rules, err := p.cfg.Detector.Snapshot()
	if err != nil {
		p.cfg.Log.Error("the state of the rules can't be kept", "err", err)
	}
	c.Rules = rules
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

// commit writes alerts, events and checkpoint, in this order, then lets the
// frames go.
func (p *Pipeline) commit(ctx context.Context, g *group) error {
	if len(g.alerts) > 0 {
		if _, err := p.cfg.Alerts.Insert(ctx, g.alerts); err != nil {
			return fmt.Errorf("ingest: alerts: %w", err)
		}
		g.alerts = nil
	}
	if len(g.ranges) > 0 {
		if err := p.cfg.Store.Write(ctx, g.batches, g.ranges); err != nil {
			return fmt.Errorf("ingest: events: %w", err)
		}
		g.ranges = nil
	}
	if err := g.check.save(p.path()); err != nil {
		return err
	}
	for _, b := range append(g.batches, g.release...) {
		batches.Put(resetBatch(b))
	}
	g.batches, g.release = nil, nil
	p.mu.Lock()
	p.gauges.committed, p.gauges.committedAt = g.check.Position, p.cfg.Now()
	p.mu.Unlock()
	if g.check.Position > p.cfg.Keep {
		if err := p.cfg.Stream.Purge(ctx, "", g.check.Position-p.cfg.Keep+1); err != nil && !errors.Is(err, context.Canceled) {
			p.cfg.Log.Warn("frames that are done with could not be removed yet", "err", err)
		}
	}
	return nil
}

func resetBatch(b *event.Batch) *event.Batch {
	b.Reset()
	return b
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
