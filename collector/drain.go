package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"mimamori/frame"
	"mimamori/internal/bus"
	"mimamori/internal/care"
)

// turn is what the prefecture lets the backlog lane send.
type turn struct {
	bytes int    // that may still go
	last  uint64 // where the last frame is in the prefecture's stream
	read  ahead
}

const (
	turnWait = 5 * time.Second // then it asks again
	freeTurn = 128 << 10       // bytes at a time where nobody gives turns
)

// drain ships gaps and the backlog, one frame at a time, so that it never
// holds a live frame up by more than one, when the prefecture has time for it,
// and no faster than its rate allows.
func (s *shipper) drain(ctx context.Context) {
	pace := bus.NewBucket(float64(s.cfg.Prefecture.BacklogRate))
	pause := backoff{least: 200 * time.Millisecond}
	mine := turn{read: ahead{size: aheadBytes}}
	for ctx.Err() == nil {
		moved, err := s.drainOne(ctx, pace, &mine)
		switch {
		case ctx.Err() != nil:
			return
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

// drainOne ships the oldest gap or, where there is none, the oldest frame of
// the backlog.
func (s *shipper) drainOne(ctx context.Context, pace *bus.Bucket, mine *turn) (moved bool, err error) {
	gap, err := s.spool.nextGap(ctx)
	if err != nil {
		return false, err
	}
	if gap != nil {
		m := &spooled{gap.Seq, strings.TrimPrefix(gap.Subject, gapSubject), gap.Data}
		if _, _, err = s.ship(ctx, m); err == nil {
			err = s.spool.gapShipped(ctx, gap.Seq)
		}
		return true, err
	}
	b, ok := s.spool.lanes.first()
	if !ok {
		return false, nil
	}
	if mine.bytes <= 0 {
		if err := s.ask(ctx, mine); err != nil || mine.bytes <= 0 {
			return true, err
		}
	}
	m, err := s.spool.next(ctx, &mine.read, b.From, b.To)
	if err != nil {
		return false, err
	}
	if m == nil || m.seq > b.To {
		s.spool.lanes.drained(b.To)
		s.health.queue(s.spool)
		return true, nil
	}
	if !pace.Wait(ctx, len(m.frame)) {
		return false, nil
	}
	x, last, err := s.ship(ctx, m)
	if err == nil {
		mine.bytes, mine.last = mine.bytes-x.bytes, last
		s.spool.lanes.drained(x.seq)
		s.landed(x)
	}
	return true, err
}

// ask waits a while for the prefecture to have time.
func (s *shipper) ask(ctx context.Context, mine *turn) error {
	to, ok := s.to.(interface {
		Request(ctx context.Context, subject string, data []byte) ([]byte, error)
	})
	if !ok {
		mine.bytes = freeTurn
		return nil
	}
	wish, err := json.Marshal(care.Ask{Last: mine.last})
	if err != nil {
		return fmt.Errorf("turn: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, turnWait)
	defer cancel()
	answer, err := to.Request(ctx, bus.TurnSubject(s.cfg.Municipality, s.cfg.Collector), wish)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil
	case errors.Is(err, bus.ErrNobody): // a bare server, or the prefecture's program starts just now
		mine.bytes = freeTurn
		return nil
	case err != nil:
		return err
	}
	given, err := care.ParseTurn(answer)
	if err == nil {
		mine.bytes, mine.last = given.Bytes, 0
	}
	return err
}

// ship sends a frame and waits until the prefecture has it, as which message.
func (s *shipper) ship(ctx context.Context, m *spooled) (flight, uint64, error) {
	x, err := s.start(ctx, m)
	if err != nil {
		return x, 0, err
	}
	last, _, err := await(ctx, x, limit(x.bytes+windowBytes), nil)
	return x, last, err
}

// tidy notes how far shipping came, and removes what was shipped or is too
// old, until ctx ends.
func (s *shipper) tidy(ctx context.Context) {
	note, tick := time.NewTicker(noteEvery), time.NewTicker(settleEvery)
	defer note.Stop()
	defer tick.Stop()
	told := false
	read := ahead{size: 1}
	for {
		work := s.spool.settle
		select {
		case <-note.C:
			work = s.spool.note
		case <-tick.C:
			s.oldest(ctx, &read)
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
func (s *shipper) oldest(ctx context.Context, read *ahead) {
	s.health.queue(s.spool)
	var at int64
	if s.health.waiting.Load() > 0 {
		m, err := s.spool.next(ctx, read, s.spool.lanes.low(), s.health.spooled.Load())
		if err == nil && m != nil {
			if f := m.head(); f != nil && f.Kind == frame.Lines {
				at = f.From
			}
		}
	}
	s.health.oldest.Store(at)
}
