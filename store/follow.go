package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"mimamori/event"
)

// takeMost is how many events a sink is given at once.
const takeMost = 2000

// A sink that fails is tried again after retryFirst, then after twice as long,
// up to retryLast.
const (
	retryFirst = 200 * time.Millisecond
	retryLast  = time.Minute
)

// Sink takes events into another engine.
type Sink interface {
	// Take is done when the engine has all the events for good, or has refused
	// some for good, which the sink tells in a way of its own. An error confirms
	// nothing: the same events come again, and so may events that it has had.
	// The batch is read only, and void when it returns.
	Take(ctx context.Context, b *event.Batch) error
}

// Replacer is a Sink that writes over what it has. Where SinkOptions.Replace is
// set, events that Rewrite may have changed since the sink had them come by
// Replace, all others by Take; of a Sink that is none, all come by Take.
type Replacer interface {
	Sink
	// Replace is Take of events that the engine may have as they were.
	Replace(ctx context.Context, b *event.Batch) error
}

// Follow gives a sink, which Options.Sinks declares, all events that it has not
// had, each at least once and at most 2,000 at a time: first those segments that
// arrived first, then what is committed, as it comes. It goes by the frames that
// a segment accounts for. It returns nil when ctx ends, and ErrClosed.
//
// A sink that fails is tried again for as long as it takes; what waits for it
// waits in the segments, and nothing else waits with it.
func (s *Store) Follow(ctx context.Context, name string, to Sink) error {
	f, ctx, err := s.beginFollow(ctx, name)
	if err != nil {
		return err
	}
	defer s.busy.Done()
	defer s.endFollow(f)
	for {
		g, all, grown := s.nextFor(f)
		if g == nil {
			select {
			case <-grown:
				continue
			case <-ctx.Done():
				return s.whyEnded()
			}
		}
		err := s.give(ctx, f, g, all, to)
		s.release([]*segment{g})
		if ctx.Err() != nil {
			return s.whyEnded()
		}
		if err != nil {
			s.log.Error("how far a sink has come can't be kept; it goes on, and is given more again after a restart", "sink", f.Name, "error", err)
		}
	}
}

func (s *Store) beginFollow(ctx context.Context, name string) (*follower, context.Context, error) {
	if err := s.change(); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.follower(name)
	if f == nil || f.stop != nil {
		s.busy.Done()
		return nil, nil, fmt.Errorf("store: sink %q: the store was not opened for it, or it is being served", name)
	}
	ctx, f.stop = context.WithCancel(ctx)
	if s.closed {
		f.stop()
	}
	return f, ctx, nil
}

func (s *Store) endFollow(f *follower) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.stop()
	f.stop = nil
}

// stopFollowing ends every Follow. The caller holds s.mu.
func (s *Store) stopFollowing() {
	for _, f := range s.followers {
		if f.stop != nil {
			f.stop()
		}
	}
}

func (s *Store) whyEnded() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	return nil
}

// nextFor takes the segment that arrived first of those of which the sink lacks
// something, for the caller to release. Without one, grown is closed when there
// may be.
func (s *Store) nextFor(f *follower) (next *segment, all bool, grown <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learnAnew(f)
	had := make(map[*segment]bool, len(s.segments))
	for _, g := range s.segments {
		if f.had[g] {
			had[g] = true
			continue
		}
		_, some, every := f.missing(g.manifest)
		if !some {
			had[g] = true
		} else if next == nil || g.arrival(next) < 0 {
			next, all = g, every
		}
	}
	if f.had = had; next != nil {
		next.refs.Add(1)
	}
	return next, all, s.grown
}

// learnAnew looks for events that changed since the sink had them.
func (s *Store) learnAnew(f *follower) {
	last := f.Rewritten
	for _, g := range s.segments {
		a := g.manifest.Anew
		if a == nil || a.At <= f.Rewritten {
			continue
		}
		if last = max(last, a.At); f.Replace {
			f.again(g.manifest)
		}
	}
	f.Rewritten = last
}

// give gives the sink what it lacks of a segment. Its error is that the position
// can't be kept, or that ctx ended.
func (s *Store) give(ctx context.Context, f *follower, g *segment, all bool, to Sink) error {
	rows, err := s.lacking(ctx, f, g, all)
	if err == nil && len(rows) > 0 {
		err = s.walk(ctx, g, rows, func(b *event.Batch, _ []int) error {
			for part := range slices.Chunk(b.Events, takeMost) {
				if err := s.hand(ctx, f, g, part, to); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if ended := ctx.Err(); err != nil && ended != nil { // what it was given to the end is noted even then
		return fmt.Errorf("store: %w", ended)
	}
	if g.erased.Load() { // it is given what is left, by the segment in its place
		return nil
	}
	s.mu.Lock()
	f.had[g] = true
	if err == nil {
		f.add(g.manifest.Frames)
	} else {
		f.stats.Damaged = append(f.stats.Damaged, g.path)
	}
	s.mu.Unlock()
	if err != nil {
		s.log.Error("a segment can't be read for a sink, which does not get the rest of it", "sink", f.Name, "file", g.path, "error", err)
		return nil
	}
	return s.savePosition(f)
}

// lacking lists the rows of a segment that the sink has not had.
func (s *Store) lacking(ctx context.Context, f *follower, g *segment, all bool) ([]int, error) {
	rows := make([]int, 0, g.manifest.Events)
	if all {
		for row := range int(g.manifest.Events) {
			rows = append(rows, row)
		}
		return rows, nil
	}
	r, err := newChunkReader()
	if err != nil {
		return nil, err
	}
	defer r.close()
	file, meta, _, err := openSegment(g.path)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer file.Close()
	base := 0
	for _, x := range rowGroups(file, meta, r, s.enc.ids) {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		rows = f.pick(s, x, base, rows)
		if base += x.n; x.err != nil {
			return nil, fmt.Errorf("store: %s: %w", g.path, x.err)
		}
	}
	return rows, nil
}

// pick appends the rows of a row group that the sink has not had.
func (f *follower) pick(s *Store, x *rowGroup, base int, rows []int) []int {
	x.ref(0) // reads what identities are made of
	x.vector(x.ids.collector)
	s.mu.Lock()
	defer s.mu.Unlock()
	for row := range x.n {
		if ref := x.ref(int32(row)); x.err == nil && !f.has[streamOf(ref)].has(ref.Seq) {
			rows = append(rows, base+row)
		}
	}
	return rows
}

// errTaken ends the giving of a segment that Erase took events out of.
var errTaken = errors.New("events were erased meanwhile")

// hand gives the sink events of a segment: what it may have as it was by Replace.
func (s *Store) hand(ctx context.Context, f *follower, g *segment, events []event.Event, to Sink) error {
	over, ok := to.(Replacer)
	if !ok {
		return s.insist(ctx, f, g, to.Take, events)
	}
	s.mu.Lock()
	fresh, stale := f.part(events)
	s.mu.Unlock()
	if err := s.insist(ctx, f, g, to.Take, fresh); err != nil {
		return err
	}
	return s.insist(ctx, f, g, over.Replace, stale)
}

// insist gives the sink events until it has them. Its error is that ctx ended, or
// that they may be what was erased since they were read.
func (s *Store) insist(ctx context.Context, f *follower, g *segment, take func(context.Context, *event.Batch) error, events []event.Event) error {
	for wait := s.retry; len(events) > 0; wait = min(2*wait, retryLast) {
		if g.erased.Load() {
			return errTaken
		}
		err := take(ctx, &event.Batch{Events: events})
		s.mu.Lock()
		switch {
		case err == nil:
			f.stats.Err, f.stats.Since = "", time.Time{}
			f.stats.Given += int64(len(events))
		case f.stats.Err == "":
			f.stats.Since = s.now()
			fallthrough
		default:
			f.stats.Err = err.Error()
		}
		s.mu.Unlock()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("store: %w", ctx.Err())
		}
		s.log.Warn("a sink does not take events; they are tried again", "sink", f.Name, "error", err, "in", wait)
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("store: %w", ctx.Err())
	case <-t.C:
		return nil
	}
}
