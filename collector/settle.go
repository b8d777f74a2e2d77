package collector

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// resume reads how far shipping came and returns the newest sequence. A note
// that does not fit the spool is of another one: then all of it is sent again,
// which does no harm.
func (s *spool) resume(ctx context.Context) (newest uint64, err error) {
	o, err := s.get()
	if err != nil {
		return 0, err
	}
	state, err := o.frames.State(ctx)
	if err != nil {
		return 0, fmt.Errorf("spool: %w", err)
	}
	s.bytes.Store(state.Bytes)
	s.frames.Store(state.Messages)
	s.left, s.before = state.Last, state.Last
	for _, source := range knownSources(s.cfg.Data) { // also those that this configuration lacks: they may come back
		if _, err := s.last(ctx, source); err != nil {
			return 0, err
		}
	}
	if s.noted.valid(state.Last) {
		s.lanes.lanesState = s.noted
		s.lanes.Backlog = slices.Clone(s.noted.Backlog) // lanes change theirs
		return state.Last, nil
	}
	if s.noted.Live > 0 {
		s.log.Error("how far shipping came does not fit the spool; what it holds is sent again")
	}
	s.lanes.lanesState = lanesState{Live: max(state.First, 1)}
	return state.Last, s.note(ctx)
}

// done notes that a message was shipped.
func (s *spool) done(seq uint64, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loose += uint64(bytes)
	s.forget(seq)
}

// note writes down how far shipping came, so that little is sent twice after a
// crash. It costs no wait for the disk: after a power cut more is sent twice.
func (s *spool) note(context.Context) error {
	s.settling.Lock()
	defer s.settling.Unlock()
	now := s.lanes.state()
	if now.Live == s.noted.Live && slices.Equal(now.Backlog, s.noted.Backlog) {
		return nil
	}
	now.Turn = s.noted.Turn + 1
	if err := s.notes.write(&now, false); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	s.noted = now
	return nil
}

// mayLie bounds the shipped bytes that settle leaves.
const mayLie = 64 << 20

// settle notes how far shipping came and removes what is no longer needed.
func (s *spool) settle(ctx context.Context) error {
	return s.remove(ctx, min(uint64(s.cfg.Spool.MaxBytes)/16, mayLie))
}

// remove removes what lies below all that waits, but for each source's newest
// message. What lies before the oldest of these goes at once. For what lies
// between, the stream reads every block in which a source has a message, so up
// to lie bytes of it stay.
func (s *spool) remove(ctx context.Context, lie uint64) error {
	if err := s.note(ctx); err != nil {
		return err
	}
	o, err := s.get()
	if err != nil {
		return err
	}
	low := s.lanes.low()
	s.mu.Lock()
	loose, cut, newest := s.loose, s.cut, maps.Clone(s.newest)
	s.mu.Unlock()
	needed := low
	for _, seq := range newest {
		needed = min(needed, seq)
	}
	if needed <= cut && loose <= lie {
		return nil
	}
	err = o.frames.Purge(ctx, "", needed)
	all := needed == low
	if !all && loose > lie {
		all = true
		for source, seq := range newest {
			if err == nil {
				err = o.frames.Purge(ctx, spoolSubject+source, min(seq, low))
			}
		}
	}
	if err == nil {
		s.mu.Lock()
		s.cut = needed
		if all {
			s.loose -= loose
		}
		s.mu.Unlock()
	}
	if err == nil {
		err = s.measure(ctx, o)
	}
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

// measure asks how much the spool holds.
func (s *spool) measure(ctx context.Context, o *openSpool) error {
	state, err := o.frames.State(ctx)
	if err != nil {
		return err
	}
	s.bytes.Store(state.Bytes)
	s.frames.Store(state.Messages)
	return nil
}
