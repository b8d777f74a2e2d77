package collector

import (
	"context"
	"strings"
	"time"

	"mimamori/frame"
	"mimamori/internal/bus"
)

// drain ships gaps and the backlog, one frame at a time, so that it never
// holds a live frame up by more than one, and no faster than its rate allows.
func (s *shipper) drain(ctx context.Context) {
	pace := bus.NewBucket(float64(s.cfg.Prefecture.BacklogRate))
	pause := backoff{least: 200 * time.Millisecond}
	subject := bus.LateSubject
	for ctx.Err() == nil {
		moved, err := s.drainOne(ctx, pace, subject)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && bus.IsNowhere(err): // an older prefecture
			subject = bus.FrameSubject
			continue
		case err != nil && bus.IsFull(err): // it has no time for what is late
			pause.most = 5 * time.Second
			pause.wait(ctx)
			continue
		case err != nil:
			s.trouble(err)
			retry(ctx, &pause, err)
			continue
		case moved:
			pause.reset()
			continue
		}
		t := time.NewTimer(time.Second)
		select {
		case <-s.spool.gaps:
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// subjectOf names where a source's frames go.
type subjectOf = func(municipality, collector, source string) string

// drainOne ships the oldest gap or, where there is none, the oldest frame of
// the backlog.
func (s *shipper) drainOne(ctx context.Context, pace *bus.Bucket, subject subjectOf) (moved bool, err error) {
	gap, err := s.spool.nextGap(ctx)
	if err != nil {
		return false, err
	}
	if gap != nil {
		x, err := s.start(ctx, &bus.Msg{Subject: spoolSubject + strings.TrimPrefix(gap.Subject, gapSubject), Seq: gap.Seq}, gap.Data, bus.FrameSubject)
		if err == nil {
			err = s.finish(ctx, x)
		}
		if err == nil {
			err = s.spool.gapShipped(ctx, gap.Seq)
		}
		return true, err
	}
	b, ok := s.spool.lanes.first()
	if !ok {
		return false, nil
	}
	m, err := s.spool.next(ctx, b.From, b.To)
	if err != nil {
		return false, err
	}
	if m == nil || m.Seq > b.To {
		s.spool.lanes.drained(b.To)
		s.health.queue(s.spool)
		return true, nil
	}
	_, bytes := open(m)
	if !pace.Wait(ctx, len(bytes)) {
		return false, nil
	}
	x, err := s.start(ctx, m, bytes, subject)
	if err == nil {
		err = s.finish(ctx, x)
	}
	if err == nil {
		s.spool.lanes.drained(x.seq)
		s.landed(x)
	}
	return true, err
}

func (s *shipper) finish(ctx context.Context, x flight) error {
	_, err := await(ctx, x, limit(x.bytes+windowBytes), nil)
	return err
}

// tidy notes how far shipping came, and removes what was shipped or is too
// old, until ctx ends.
func (s *shipper) tidy(ctx context.Context) {
	note, tick := time.NewTicker(noteEvery), time.NewTicker(settleEvery)
	defer note.Stop()
	defer tick.Stop()
	told := false
	for {
		work := s.spool.settle
		select {
		case <-note.C:
			work = s.spool.note
		case <-tick.C:
			s.oldest(ctx)
			s.old(ctx)
		case <-s.clean:
		case <-ctx.Done():
			return
		}
		err := work(ctx)
		if err == nil || ctx.Err() != nil {
			told = false
			continue
		}
		if s.health.fail(err, s.now()); !told {
			told = true
			s.log.Warn("shipped frames could not be removed from the spool", "err", err)
		}
		s.spool.heal(ctx)
	}
}

// oldest finds when the oldest line that waits was taken.
func (s *shipper) oldest(ctx context.Context) {
	s.health.queue(s.spool)
	var at int64
	if s.health.waiting.Load() > 0 {
		m, err := s.spool.next(ctx, s.spool.lanes.low(), s.health.spooled.Load())
		if err == nil && m != nil {
			if f, _ := open(m); f != nil && f.Kind == frame.Lines {
				at = f.From
			}
		}
	}
	s.health.oldest.Store(at)
}
