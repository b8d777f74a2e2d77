package rules

import (
	"sync"

	"mimamori/event"
)

// Seen holds copies of some of the events that came lately, by which engines
// choose what their index asks of an event. Any number of engines may share one.
type Seen struct {
	mu     sync.Mutex
	filled *event.Batch // the last one that was filled; nil: none yet
	now    *event.Batch
	bytes  int // of text in now
	fills  int // batches filled, ever
	chosen int // of those, when an index was chosen last

	came int // events, of which every seenEvery-th is copied; the engine's own
	x    event.Builder
}

// A batch of copies is full by its events or its text.
const (
	seenEvery  = 61 // a prime: it falls in with no device's beat
	seenEvents = 1024
	seenBytes  = 8 << 20
)

// note copies one event of many.
func (s *Seen) note(ev *event.Event) {
	if s.came++; s.came%seenEvery != 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		s.now, s.bytes = &event.Batch{}, 0
	}
	for f, v := range ev.All {
		v = v.Clone()
		s.bytes += len(v.Str())
		s.x.Set(f, v)
	}
	s.now.Append(&s.x, event.Ref{})
	if len(s.now.Events) >= seenEvents || s.bytes >= seenBytes {
		s.filled, s.now = s.now, nil
		s.fills++
	}
}

// Ripe tells whether an index should be chosen anew: with the first batch, when
// there are twice as many, and at last every rarely.
func (s *Seen) Ripe() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fills-s.chosen >= max(1, min(s.chosen, rarely))
}

const rarely = 64 // batches: four million events

// take is the newest full batch, which nobody changes any more; nil: there is none.
func (s *Seen) take() *event.Batch {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chosen = s.fills
	return s.filled
}
