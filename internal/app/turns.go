package app

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"mimamori/internal/care"
)

const (
	turnBytes  = 96 << 10 // of frames that a collector may send at once
	turnsEvery = 20 * time.Millisecond
	turnsAhead = 12 // frames that may wait for ingest, or be on their way, while turns are given
	turnLeast  = 4  // turns whose frames may be under way or not yet stored: an outage must end even where ingest is always late
	turnMost   = 64
	turnStored = 1200 * time.Millisecond // what was sent in a turn shall be stored within
	turnCounts = time.Second             // a turn that is used for longer is on a thin line, which brings little at a time
	turnLost   = 10 * time.Minute        // a collector that was given a turn and never came back
	askLasts   = 10 * time.Second        // then the collector asks again
)

// turns lets collectors send what an outage held up, so many at a time that
// ingest stores it soon: what comes now is then taken within moments. Twice as
// many at first, then a few more while ingest keeps up, fewer when it does not.
// Collectors are served in the order in which they ask, and have one wish each.
type turns struct {
	now  func() time.Time
	news chan struct{}

	mu     sync.Mutex
	asks   []wish
	given  []turn // not yet known to be stored
	window int
	learnt bool // how many are too many
}

// wish is a collector that waits for its turn.
type wish struct {
	collector string // the subject that only it may publish to
	at        time.Time
	answer    func([]byte)
}

// turn is one that was given.
type turn struct {
	collector string
	at        time.Time // given, or else used
	last      uint64    // of its frames in the stream, 0 while they are under way
}

func newTurns(now func() time.Time) *turns {
	return &turns{now: now, news: make(chan struct{}, 1), window: turnLeast}
}

// ask takes a collector's wish; it is the handler of care.Ask.
func (t *turns) ask(collector string, data []byte, answer func([]byte)) {
	var a care.Ask
	if json.Unmarshal(data, &a) != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if i := slices.IndexFunc(t.given, func(g turn) bool { return g.collector == collector && g.last == 0 }); i >= 0 {
		if a.Last == 0 {
			t.given = slices.Delete(t.given, i, i+1)
		} else {
			t.given[i].last, t.given[i].at = a.Last, now
		}
	}
	w := wish{collector, now, answer}
	if i := slices.IndexFunc(t.asks, func(w wish) bool { return w.collector == collector }); i >= 0 {
		t.asks[i] = w // its place stays
	} else {
		t.asks = append(t.asks, w)
	}
	select {
	case t.news <- struct{}{}:
	default:
	}
}

// idle tells whether nobody waits and nothing is under way.
func (t *turns) idle() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.asks)+len(t.given) == 0
}

// give answers those who wait, while there is room. newest is the newest frame in
// the stream, taken and stored how far ingest came; few says that no more turns
// than must be are to be given.
func (t *turns) give(newest, taken, stored uint64, few bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.settle(newest, stored, now)
	window := t.window
	if few {
		window = turnLeast
	}
	for len(t.asks) > 0 {
		if busy, coming := t.counts(now); newest+coming >= taken+turnsAhead || busy >= window {
			return
		}
		w := t.asks[0]
		t.asks = slices.Delete(t.asks, 0, 1)
		if now.Sub(w.at) > askLasts {
			continue
		}
		b, err := json.Marshal(care.Turn{Bytes: turnBytes})
		if err != nil {
			return
		}
		w.answer(b)
		t.given = append(t.given, turn{collector: w.collector, at: now})
	}
}

// counts are how many turns count against the window, and how many of them have
// frames on their way, a frame of each at least.
func (t *turns) counts(now time.Time) (busy int, coming uint64) {
	for _, g := range t.given {
		switch {
		case g.last > 0:
			busy++
		case g.coming(now):
			busy++
			coming++
		}
	}
	return busy, coming
}

// coming tells whether the turn's frames may all arrive in the next moment.
func (g turn) coming(now time.Time) bool { return g.last == 0 && now.Sub(g.at) < turnCounts }

// settle forgets the turns whose frames are stored, and learns from the time
// that took.
func (t *turns) settle(newest, stored uint64, now time.Time) {
	busy, _ := t.counts(now)
	full, slow, done := busy >= t.window, false, 0
	t.given = slices.DeleteFunc(t.given, func(g turn) bool {
		if g.last == 0 {
			return now.Sub(g.at) > turnLost
		}
		if min(g.last, newest) > stored { // nobody sent more than there is
			return false
		}
		slow = slow || now.Sub(g.at) > turnStored
		done++
		return true
	})
	switch {
	case slow:
		t.window, t.learnt = max(turnLeast, t.window*2/3), true
	case full && done > 0 && !t.learnt:
		t.window = min(turnMost, t.window*2)
	case full && done > 0:
		t.window = min(turnMost, t.window+2)
	}
}

// giveTurns serves the collectors that ask until ctx ends.
func (a *App) giveTurns(ctx context.Context) error {
	tick := time.NewTicker(turnsEvery)
	defer tick.Stop()
	told := false
	for {
		if a.turns.idle() {
			select {
			case <-ctx.Done():
				return nil
			case <-a.turns.news:
			}
		}
		state, err := a.frames.State(ctx)
		if err != nil {
			if ctx.Err() == nil && !told {
				a.log.Warn("late frames wait", "err", err)
			}
		} else {
			taken, stored := a.pipeline.Progress()
			a.turns.give(state.Last, taken, stored, a.lags())
		}
		told = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
