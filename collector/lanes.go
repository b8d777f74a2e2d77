package collector

import (
	"slices"
	"sync"
)

// maxSpans bounds the backlog's ranges. Beyond it two neighbours become one:
// what lies between them is sent again, which does no harm.
const maxSpans = 64

// span is a range of the spool's sequences, both ends included.
type span struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// lanes knows which messages of the spool wait for the prefecture. Two lanes
// carry them: the live lane everything from Live on; the backlog, oldest first,
// what the live lane left behind after an outage. Both may be used at once.
type lanes struct {
	mu sync.Mutex
	lanesState
}

// lanesState is what is kept over a restart.
type lanesState struct {
	Turn    uint64 `json:"turn"`              // how often it was written
	Live    uint64 `json:"live"`              // everything from here on waits
	Backlog []span `json:"backlog,omitempty"` // waits too: ascending, apart from each other, all below Live
}

// valid tells whether a state that was read makes sense for a spool whose
// newest message is last.
func (s lanesState) valid(last uint64) bool {
	next := uint64(1)
	for _, b := range s.Backlog {
		if b.From < next || b.To < b.From {
			return false
		}
		next = b.To + 1
	}
	return s.Live >= next && s.Live <= last+1
}

// leave moves everything up to newest from the live lane to the backlog.
func (l *lanes) leave(newest uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if newest < l.Live {
		return
	}
	if n := len(l.Backlog); n > 0 && l.Backlog[n-1].To+1 == l.Live {
		l.Backlog[n-1].To = newest
	} else {
		l.Backlog = append(l.Backlog, span{l.Live, newest})
	}
	l.Live = newest + 1
	if len(l.Backlog) > maxSpans {
		l.closeHole()
	}
}

// closeHole joins the two neighbours with the fewest messages between them.
func (l *lanes) closeHole() {
	least := 1
	for i := range l.Backlog[1:] {
		if l.hole(i+1) < l.hole(least) {
			least = i + 1
		}
	}
	l.Backlog[least-1].To = l.Backlog[least].To
	l.Backlog = slices.Delete(l.Backlog, least, least+1)
}

func (l *lanes) hole(i int) uint64 { return l.Backlog[i].From - l.Backlog[i-1].To }

// sent notes that the live lane is through with everything up to seq.
func (l *lanes) sent(seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Live = max(l.Live, seq+1)
}

// drained notes that the backlog is through with everything up to seq.
func (l *lanes) drained(seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.Backlog) > 0 && l.Backlog[0].From <= seq {
		if l.Backlog[0].To > seq {
			l.Backlog[0].From = seq + 1
			return
		}
		l.Backlog = slices.Delete(l.Backlog, 0, 1)
	}
}

// first is the oldest range of the backlog.
func (l *lanes) first() (span, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.Backlog) == 0 {
		return span{}, false
	}
	return l.Backlog[0], true
}

// waits tells whether a message still waits.
func (l *lanes) waits(seq uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return seq >= l.Live || slices.ContainsFunc(l.Backlog, func(b span) bool { return b.From <= seq && seq <= b.To })
}

// low is the oldest sequence that waits: all below it are done with.
func (l *lanes) low() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.Backlog) > 0 {
		return l.Backlog[0].From
	}
	return l.Live
}

// queue is how many sequences up to newest wait, and in how many ranges of the
// backlog.
func (l *lanes) queue(newest uint64) (n uint64, ranges int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.Backlog {
		n += b.To - b.From + 1
	}
	if newest >= l.Live {
		n += newest - l.Live + 1
	}
	return n, len(l.Backlog)
}

// state is a copy of what must be kept.
func (l *lanes) state() lanesState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return lanesState{Live: l.Live, Backlog: slices.Clone(l.Backlog)}
}

// live is the first sequence of the live lane.
func (l *lanes) live() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Live
}
