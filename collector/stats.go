package collector

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Stats is what a collector has done since it was made.
type Stats struct {
	Sources   []SourceStats
	Spooled   uint64      // sequence of the newest frame in the spool
	Shipped   uint64      // sequence up to which the prefecture has acknowledged
	Queue     uint64      // frames that wait for the prefecture
	SpoolSize uint64      // bytes on disk, a newest frame of each source that was shipped among them
	QueueSize uint64      // bytes of what waits, by estimate
	Oldest    time.Time   // when the oldest line that waits came; zero where none waits
	Backlog   int         // ranges that outages left behind
	Relay     *RelayStats // nil where this collector is no exit for others
	SpoolFull bool        // inputs wait, and UDP drops, until there is room
	LastError string      // the last failure to spool or ship, "" while none is known
	ErrorAt   time.Time
}

// SourceStats is what became of one source. Lines, Bytes, Dropped and Truncated
// count what is on disk in the spool.
type SourceStats struct {
	Source      string
	Lines       uint64            // records, those of dropped lines not among them
	Bytes       uint64            // of their lines
	Dropped     uint64            // lines lost before they came here, each with its record
	Drops       map[string]uint64 // Dropped by reason: no room, kernel, other
	Unwritten   uint64            // lines lost whose records wait for room
	GivenUp     uint64            // lines removed from the spool before they were shipped, for want of room or as too old
	Truncated   uint64            // lines of which only the beginning is kept
	Frames      uint64
	BadFraming  uint64    // octet counts that made no sense; streams, bodies and events that are not what they should be
	Slow        uint64    // connections closed because a message did not end in time
	Unanswered  uint64    // lines on disk whose sender could not be told: it sends them again
	Refused     uint64    // connections beyond the limit, or that failed in TLS; requests refused for good
	PutOff      uint64    // requests that the sender must send again (503): nothing of them is lost
	Connections int64     // open now
	Files       int64     // followed now
	LastLine    time.Time // when the newest line in the spool came
	Kind        string    // of its input: syslog-udp, file, …
	Zone        string
	Epoch       uint64 // of its sequence
	Last        uint64 // newest sequence in the spool
	Trouble     string // newest warning or error about it, "" when there is none
	TroubleAt   time.Time

	Masked map[string]uint64 // spans replaced by pseudonyms, by kind; nil for none
}

// counters are the live numbers behind SourceStats.
type counters struct {
	lines, bytes, truncated, frames, badFraming, refused, putOff, unwritten, slow, unanswered, givenUp atomic.Uint64

	connections, files, lastLine atomic.Int64

	mu    sync.Mutex
	drops map[string]uint64 // by reason

	masked sync.Map // kind → *atomic.Uint64

	epoch, last atomic.Uint64
	trouble     trouble
}

// drop counts lines that were dropped.
func (c *counters) drop(by map[string]uint64) {
	if len(by) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops == nil {
		c.drops = map[string]uint64{}
	}
	for why, n := range by {
		c.drops[why] += n
	}
}

// Lines of records that stand for dropped ones.
const (
	droppedNoRoom   = "mimamori: dropped: no room in the collector's spool"
	droppedByKernel = "mimamori: dropped: by the kernel, its buffer for UDP was full"
)

// dropReason is the short name of the reason that a dropped record's line gives.
func dropReason(line string) string {
	switch line {
	case droppedNoRoom:
		return "no room"
	case droppedByKernel:
		return "kernel"
	}
	return "other"
}

func (c *counters) stats(source string) SourceStats {
	s := SourceStats{
		Source: source, Lines: c.lines.Load(), Bytes: c.bytes.Load(), Truncated: c.truncated.Load(),
		Frames: c.frames.Load(), BadFraming: c.badFraming.Load(), Refused: c.refused.Load(), PutOff: c.putOff.Load(), Unwritten: c.unwritten.Load(),
		Connections: c.connections.Load(), Files: c.files.Load(), Slow: c.slow.Load(), Unanswered: c.unanswered.Load(), GivenUp: c.givenUp.Load(),
	}
	c.mu.Lock()
	s.Drops = maps.Clone(c.drops)
	c.mu.Unlock()
	for _, n := range s.Drops {
		s.Dropped += n
	}
	if at := c.lastLine.Load(); at != 0 {
		s.LastLine = time.UnixMicro(at)
	}
	c.masked.Range(func(kind, n any) bool {
		if s.Masked == nil {
			s.Masked = map[string]uint64{}
		}
		s.Masked[kind.(string)] = n.(*atomic.Uint64).Load()
		return true
	})
	return s
}

// health is the state of spool and line.
type health struct {
	spooled, shipped atomic.Uint64
	full             atomic.Int64 // sources that wait for room

	waiting, size, kept, backlog atomic.Uint64 // frames and bytes that wait, bytes on disk, ranges
	oldest                       atomic.Int64  // Unix microseconds; 0 for none

	mu  sync.Mutex
	err string
	at  time.Time
}

func (h *health) fail(err error, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err, h.at = err.Error(), at
}

func (h *health) into(s *Stats) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.LastError, s.ErrorAt = h.err, h.at
	s.Shipped, s.Spooled, s.SpoolFull = h.shipped.Load(), h.spooled.Load(), h.full.Load() > 0
	s.Queue, s.QueueSize, s.SpoolSize, s.Backlog = h.waiting.Load(), h.size.Load(), h.kept.Load(), int(h.backlog.Load())
	if s.Spooled > s.Shipped {
		s.Queue = max(s.Queue, 1)
	}
	if at := h.oldest.Load(); at != 0 && s.Queue > 0 {
		s.Oldest = time.UnixMicro(at)
	}
}

// came notes a new frame in the spool.
func (h *health) came(seq uint64, s *spool) {
	for old := h.spooled.Load(); old < seq && !h.spooled.CompareAndSwap(old, seq); {
		old = h.spooled.Load()
	}
	h.queue(s)
}

// queue takes the account of what waits.
func (h *health) queue(s *spool) {
	n, ranges := s.lanes.queue(h.spooled.Load())
	bytes, frames := s.bytes.Load(), s.frames.Load()
	h.waiting.Store(n)
	h.backlog.Store(uint64(ranges))
	h.kept.Store(bytes)
	h.size.Store(bytes * min(n, frames) / max(frames, 1))
	h.shipped.Store(s.lanes.low() - 1)
}
