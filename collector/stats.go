package collector

import (
	"sync"
	"sync/atomic"
	"time"
)

// Stats is what a collector has done since it was made.
type Stats struct {
	Sources   []SourceStats
	Spooled   uint64 // sequence of the newest frame in the spool
	Shipped   uint64 // sequence up to which the prefecture has acknowledged
	Queue     uint64 // frames that wait for the prefecture
	SpoolFull bool   // inputs wait, and UDP drops, until there is room
	LastError string // the last failure to spool or ship, "" while none is known
	ErrorAt   time.Time
}

// SourceStats is what became of one source. Lines, Bytes, Dropped and Truncated
// count what is on disk in the spool.
type SourceStats struct {
	Source      string
	Lines       uint64 // records, those of dropped lines not among them
	Bytes       uint64 // of their lines
	Dropped     uint64 // lines lost for want of room, each with its record
	Unwritten   uint64 // lines lost whose records wait for room
	Truncated   uint64 // lines of which only the beginning is kept
	Frames      uint64
	BadFraming  uint64    // octet counts that made no sense
	Refused     uint64    // connections beyond the limit, or that failed in TLS
	Connections int64     // open now
	Files       int64     // followed now
	LastLine    time.Time // when the newest line in the spool came
}

// counters are the live numbers behind SourceStats.
type counters struct {
	lines, bytes, dropped, truncated, frames, badFraming, refused, unwritten atomic.Uint64

	connections, files, lastLine atomic.Int64
}

func (c *counters) stats(source string) SourceStats {
	s := SourceStats{
		Source: source, Lines: c.lines.Load(), Bytes: c.bytes.Load(), Dropped: c.dropped.Load(), Truncated: c.truncated.Load(),
		Frames: c.frames.Load(), BadFraming: c.badFraming.Load(), Refused: c.refused.Load(), Unwritten: c.unwritten.Load(),
		Connections: c.connections.Load(), Files: c.files.Load(),
	}
	if at := c.lastLine.Load(); at != 0 {
		s.LastLine = time.UnixMicro(at)
	}
	return s
}

// health is the state of spool and line.
type health struct {
	spooled, shipped atomic.Uint64
	full             atomic.Int64 // sources that wait for room

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
	if s.Spooled > s.Shipped {
		s.Queue = s.Spooled - s.Shipped
	}
}
