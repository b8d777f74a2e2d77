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
	if !p.ledger.Add(entry, span, j.counts) {
		p.batches.put(j.batch)
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
