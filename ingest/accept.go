package ingest

import (
	"context"
	"fmt"

	"mimamori/event"
	"mimamori/frame"
)

// accept takes one frame on: account, chain, rules, group.
func (p *Pipeline) accept(ctx context.Context, j *frameJob) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.group.oldest.IsZero() {
		p.group.oldest = p.cfg.Now()
	}
	p.position = j.msg.Seq
	if j.probe {
		return
	}
	if j.err != nil {
		p.reject(j)
		return
	}
	f := j.frame
	key, span := f.Key(), frame.Range{First: f.First, Last: f.Last()}
	entry := p.ledger.Entry(key, f.Municipality, f.Zone)
	if f.Kind == frame.Gap {
		p.batches.put(j.batch)
		p.gap(j, entry, span)
		return
	}
	if !p.ledger.Add(entry, span, j.counts) {
		p.batches.put(j.batch)
		return
	}
	p.keep(j)
	p.chain(f)
	p.count(j, j.parts)
	p.gauges.count(f, p.cfg.Now(), len(j.batch.Events))
	p.truth(j)
	if p.tell(ctx, func(emit func(event.Alert)) { p.cfg.Detector.Evaluate(j.batch, emit) }) {
		p.gauges.alerted(p.cfg.Now(), f.To)
	}
	p.group.events += len(j.batch.Events)
	if p.stored.Has(key, span) {
		p.group.release = append(p.group.release, j.batch)
		return
	}
	p.group.batches = append(p.group.batches, j.batch)
	p.group.ranges = append(p.group.ranges, Stored{
		Collector: f.Collector, Source: f.Source, Municipality: f.Municipality, Epoch: f.Epoch, First: f.First, Last: f.Last(), Counts: j.counts,
	})
}

// keep hands the frame to the archive with the next commit.
func (p *Pipeline) keep(j *frameJob) {
	if p.cfg.Archive != nil {
		p.group.frames = append(p.group.frames, Arrival{j.frame, j.msg.Time, j.public})
	}
}

// tell keeps the alerts that detect finds; false when there are none.
func (p *Pipeline) tell(ctx context.Context, detect func(emit func(event.Alert))) bool {
	var alerts []event.Alert
	detect(func(a event.Alert) { alerts = append(alerts, a) })
	if len(alerts) == 0 {
		return false
	}
	if _, err := p.cfg.Alerts.Insert(ctx, alerts); err != nil {
		p.group.alerts = append(p.group.alerts, alerts...) // the committer insists
		if p.group.oldest.IsZero() {
			p.group.oldest = p.cfg.Now()
		}
	}
	return true
}

// gap enters what a collector gave up: what has not arrived of it is lost. It
// counts for the day of its first record.
func (p *Pipeline) gap(j *frameJob, entry *frame.Entry, span frame.Range) {
	f := j.frame
	_, reason := f.Gap()
	lost := p.ledger.Fill(entry, span)
	if len(lost) == 0 {
		return
	}
	p.keep(j)
	day := newPart(f.From, p.days.zone)
	for _, part := range lost {
		n := part.Last - part.First + 1
		day.drop(reason, n)
		p.cfg.Log.Warn("records were given up by their collector", "collector", f.Collector, "source", f.Source, "first", part.First, "last", part.Last, "reason", reason)
		if !p.stored.Has(f.Key(), part) {
			p.group.ranges = append(p.group.ranges, Stored{
				Collector: f.Collector, Source: f.Source, Municipality: f.Municipality, Epoch: f.Epoch, First: part.First, Last: part.Last,
				Counts: frame.Counts{Dropped: n},
			})
		}
	}
	p.count(j, []part{day})
	if len(lost) == 1 && lost[0] == span {
		p.chain(f)
	}
}

// count enters what became of a frame's records into the account by day.
func (p *Pipeline) count(j *frameJob, parts []part) {
	if err := p.days.add(j.msg.Seq, j.frame, parts, p.cfg.Now()); err != nil {
		p.cfg.Log.Error("the account by day", "err", err)
	}
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

// chain checks that the frame and its neighbours name each other. A break is
// counted and shown; the frame itself is signed, so its events are taken.
func (p *Pipeline) chain(f *frame.Frame) {
	key := f.Key()
	c := p.chains[key]
	if c == nil {
		c = &frame.Chain{Key: key}
		p.chains[key] = c
	}
	for range c.Add(f) {
		p.broken++
		reason := fmt.Sprintf("chain broken: frame %s/%s seq %d-%d and its neighbour do not name each other", f.Collector, f.Source, f.First, f.Last())
		p.gauges.reject(Rejection{Time: p.cfg.Now(), Sequence: p.position, Collector: f.Collector, Bytes: len(f.Bytes), Reason: reason})
		p.cfg.Log.Warn(reason)
	}
}

// changedDays takes the accounts by day that the next commit writes.
func (p *Pipeline) changedDays() map[string][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	out, err := p.days.changed(p.position)
	if err != nil {
		p.cfg.Log.Error("the account by day can't be kept", "err", err)
	}
	return out
}
