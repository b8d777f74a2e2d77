package collector

import (
	"context"
	"fmt"
	"math"
	"time"

	"mimamori/frame"
	"mimamori/internal/bus"
)

// Why frames are given up; the prefecture's account shows it.
const (
	reasonFull   = "the collector's spool was full"
	reasonOld    = "older than the collector's spool may keep (spool.max_age)"
	reasonDamage = "the collector's spool was damaged on disk"
)

// giveUpShare is how much of a full spool is given up at once, at least: the
// stream reads a source's blocks for it.
const giveUpShare = 64

// given is what was given up.
type given struct {
	frames int
	lines  uint64
	bytes  int
	more   bool // there is more to give up
}

// giveUp removes the oldest frames of a source as long as want says so, and
// leaves one gap frame in their place. The gap is on disk before the frames
// go, so that after a crash the prefecture gets the one, the other, or both,
// and never neither. The source's newest frame stays: it carries the state.
// What has been shipped already goes without a gap.
func (s *spool) giveUp(ctx context.Context, source, reason string, want func(f *frame.Frame, bytes int) bool) (given, error) {
	s.giving.Lock()
	defer s.giving.Unlock()
	var g given
	o, err := s.get()
	if err != nil {
		return g, err
	}
	run, before, err := s.oldest(ctx, o, source, want, &g)
	if err != nil || before == 0 {
		return g, err
	}
	if len(run) > 0 {
		if err := s.leaveGap(ctx, o, run[0], run[len(run)-1], reason); err != nil {
			return given{}, err
		}
	}
	s.given.Add(1)
	if err := o.frames.Purge(ctx, spoolSubject+source, before); err != nil {
		return given{}, fmt.Errorf("spool: %w", err)
	}
	return g, s.measure(ctx, o)
}

// oldest finds a run of frames, without a gap between them, that is to go; all
// messages of the source below before may be removed with them.
func (s *spool) oldest(ctx context.Context, o *openSpool, source string, want func(*frame.Frame, int) bool, g *given) (run []*frame.Frame, before uint64, err error) {
	s.mu.Lock()
	newest := s.newest[source]
	s.mu.Unlock()
	for {
		from := max(before, 1)
		m, at, err := readable(ctx, o.frames, from, newest, func(from uint64) (*bus.Msg, error) {
			return o.frames.Next(ctx, spoolSubject+source, from)
		})
		if at > from { // what was damaged is missed by its numbers
			before = min(at, newest)
		}
		if unreadable(err) || err == nil && m.Seq >= newest {
			return run, before, nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("spool: %w", err)
		}
		b, err := entryFrame(m.Data)
		var f *frame.Frame
		if err == nil {
			f, err = frame.Parse(b)
		}
		switch {
		case err != nil || !s.lanes.waits(m.Seq): // unreadable, so it is missed anyway; or shipped
			if len(run) > 0 {
				g.more = true
				return run, before, nil
			}
		case !want(f, g.bytes):
			return run, before, nil
		case len(run) > 0 && !follows(run[len(run)-1], f):
			g.more = true
			return run, before, nil
		default:
			run = append(run[:min(len(run), 1)], f) // the first and the newest
			g.frames, g.lines = g.frames+1, g.lines+uint64(f.Count)
		}
		g.bytes += len(m.Data)
		before = m.Seq + 1
	}
}

func follows(a, b *frame.Frame) bool { return a.Key() == b.Key() && a.Last()+1 == b.First }

// leaveGap puts a gap for the frames from first to last on disk. It grows the
// one before it where they touch.
func (s *spool) leaveGap(ctx context.Context, o *openSpool, first, last *frame.Frame, reason string) error {
	defer s.moreGaps()
	subject := gapSubject + first.Source
	var grown uint64
	m, err := o.gaps.Last(ctx, subject)
	if err == nil {
		old, perr := frame.Parse(m.Data)
		if perr == nil && old.Key() == first.Key() && old.First <= first.First && last.Last() <= old.Last() {
			return nil // a crash came between
		}
		if perr == nil && old.Kind == frame.Gap && follows(old, first) {
			if _, why := old.Gap(); why == reason {
				first, grown = old, m.Seq
			}
		}
	} else if !unreadable(err) {
		return fmt.Errorf("spool: %w", err)
	}
	gap, err := frame.SealGap(first, last, reason, s.key)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if _, err := o.gaps.Publish(ctx, subject, gap.Bytes, nil); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if grown == 0 {
		return nil
	}
	return o.gaps.Delete(ctx, grown)
}

// loss puts a gap on disk for frames that the disk has lost.
func (s *spool) loss(ctx context.Context, gap *frame.Frame) error {
	defer s.moreGaps()
	o, err := s.get()
	if err != nil {
		return err
	}
	if _, err := o.gaps.Publish(ctx, gapSubject+gap.Source, gap.Bytes, nil); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

// moreGaps says that there may be a new gap.
func (s *spool) moreGaps() {
	s.gapsPut.Add(1)
	tell(s.gaps)
}

// giveUpOld gives up what is older than the spool may keep.
func (s *spool) giveUpOld(ctx context.Context, source string, now time.Time) (given, error) {
	limit := now.Add(-s.cfg.Spool.MaxAge).UnixMicro()
	return s.giveUp(ctx, source, reasonOld, func(f *frame.Frame, _ int) bool { return f.To < limit })
}

// nextGap returns the oldest gap that waits, nil when there is none.
func (s *spool) nextGap(ctx context.Context) (*bus.Msg, error) {
	o, err := s.get()
	if err != nil {
		return nil, err
	}
	put := s.gapsPut.Load() + 1
	if o.none == put {
		return nil, nil //nolint:nilnil // none waits
	}
	m, at, err := readable(ctx, o.gaps, o.gap, math.MaxUint64, func(from uint64) (*bus.Msg, error) { // what a damaged one tells is missed by the numbers
		return o.gaps.Next(ctx, gapSubject+">", from)
	})
	switch {
	case unreadable(err):
		o.gap, o.none = at, put
		return nil, nil //nolint:nilnil // so
	case err != nil:
		return nil, fmt.Errorf("spool: %w", err)
	}
	o.gap = at
	return m, nil
}

// gapShipped removes a gap that has arrived.
func (s *spool) gapShipped(ctx context.Context, seq uint64) error {
	o, err := s.get()
	if err != nil {
		return err
	}
	return o.gaps.Delete(ctx, seq)
}
