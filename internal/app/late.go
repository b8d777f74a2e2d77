package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"mimamori/internal/bus"
)

const (
	lateAhead = 12 // frames that may wait for ingest when late ones are let in
	lateEvery = 20 * time.Millisecond
	lateSome  = 4 // frames that are let in at once

	lateStored = 1500 * time.Millisecond // what is let in shall be stored within
	lateLeast  = 2
	lateMost   = 64 // times lateSome frames that may be let in and not yet stored
)

// door lets so many in that ingest stores them in time: a few more while it
// does, and fewer when it does not.
type door struct {
	window int
	in     []admitted // not yet stored
}

// admitted is a late frame that was let in.
type admitted struct {
	seq uint64 // among the frames
	at  time.Time
}

// admitLate lets the frames that an outage held up into the stream of frames,
// as many as ingest has time for, so that what comes now is taken within
// moments. A crash lets some in twice, which the ledger refuses.
func (a *App) admitLate(ctx context.Context) error {
	tick := time.NewTicker(lateEvery)
	defer tick.Stop()
	told := false
	d := &door{window: lateLeast}
	for {
		err := a.admitSome(ctx, d)
		if err != nil && ctx.Err() == nil && !told {
			a.log.Warn("late frames wait", "err", err)
		}
		told = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// admitSome lets frames in until there are none, or ingest has enough.
func (a *App) admitSome(ctx context.Context, d *door) error {
	state, err := a.frames.State(ctx)
	if err != nil {
		return err
	}
	for last := state.Last; a.mayAdmit(last, d); {
		done := uint64(0)
		for range lateSome {
			var m *bus.Msg
			if m, err = a.late.Next(ctx, bus.LateSubjects, done+1); err != nil {
				break
			}
			if last, err = a.frames.Publish(ctx, bus.FrameSubjectOf(m.Subject), m.Data, nil); err != nil {
				break
			}
			done = m.Seq
		}
		if done > 0 {
			d.in = append(d.in, admitted{last, time.Now()})
			if perr := a.late.Purge(ctx, "", done+1); perr != nil {
				return perr
			}
		}
		if errors.Is(err, bus.ErrNoMessage) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mayAdmit tells whether ingest keeps up: it has taken almost all there is, and
// what was let in is stored in time. The one bounds the wait of live frames
// before they are parsed, the other after.
func (a *App) mayAdmit(last uint64, d *door) bool {
	taken, stored := a.pipeline.Progress()
	d.stored(stored, time.Now())
	return last < taken+lateAhead && len(d.in) < d.window
}

// stored notes how far ingest came.
func (d *door) stored(seq uint64, now time.Time) {
	slow, n := false, 0
	for n < len(d.in) && d.in[n].seq <= seq {
		slow = slow || now.Sub(d.in[n].at) > lateStored
		n++
	}
	if n == 0 {
		return
	}
	full := len(d.in) >= d.window
	d.in = slices.Delete(d.in, 0, n)
	switch {
	case slow:
		d.window = max(lateLeast, d.window*2/3)
	case full:
		d.window = min(lateMost, d.window+2)
	}
}
