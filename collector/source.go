package collector

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"mimamori/frame"
)

// source numbers the records of one input and seals them into frames. One
// goroutine owns it.
type source struct {
	head   frame.Header
	log    *slog.Logger
	spool  *spool
	out    *outlet
	count  *counters
	health *health
	now    func() time.Time
	wake   func() // asks the shipper to make room
	seal   Seal

	writer *frame.Writer
	marks  marks
	due    *time.Timer
	buf    []byte

	// of the frame that is being filled
	lines, bytes, dropped, truncated uint64
}

// resume reads the source's newest message and goes on behind it. It returns
// the state for the input.
func (s *source) resume(ctx context.Context, key ed25519.PrivateKey) (state, error) {
	s.marks = marks{}
	s.head.Epoch = uint64(s.now().Unix())
	entry, err := s.spool.last(ctx, s.head.Source)
	if err != nil {
		return state{}, err
	}
	var from state
	if entry != nil {
		from = s.resumeAt(entry)
	}
	if s.writer, err = frame.NewWriter(s.head, key); err != nil {
		return state{}, fmt.Errorf("source %s: %w", s.head.Source, err)
	}
	return from, nil
}

// resumeAt takes numbering and state from a message. Where that is damaged or
// of a collector with another name, the numbering begins anew.
func (s *source) resumeAt(entry []byte) state {
	from, err := entryState(entry)
	if err != nil {
		s.log.Error("the input's position cannot be read; it begins anew", "err", err)
	}
	b, err := entryFrame(entry)
	var f *frame.Frame
	if err == nil {
		f, err = frame.Parse(b)
	}
	switch {
	case err != nil:
		s.log.Error("the newest frame of the spool cannot be read; numbering begins anew", "err", err)
	case f.Collector == s.head.Collector:
		s.head.Epoch, s.head.First, s.head.Prev = f.Epoch, f.Last()+1, f.Hash()
	}
	return from
}

// run seals until the input has ended. hard ends waiting for room: what comes
// after it is counted and lost, but an input that can will send it again.
func (s *source) run(hard context.Context) {
	s.due = time.NewTimer(time.Hour)
	defer s.due.Stop()
	s.due.Stop()
	for {
		select {
		case b, more := <-s.out.in:
			if !more {
				s.flush(hard)
				return
			}
			s.take(hard, b)
		case <-s.due.C:
			s.flush(hard)
		}
	}
}

// take copies a batch into the frame, which is sealed before when the batch
// does not fit and after when it is full.
func (s *source) take(hard context.Context, b *batch) {
	if s.writer.Count()+len(b.recs) > frame.MaxRecords || s.writer.Full(b.size+64*len(b.recs)) {
		s.flush(hard)
	}
	if s.writer.Count() == 0 {
		s.due.Reset(s.seal.Interval)
	}
	for i := range b.recs {
		r := &b.recs[i]
		s.writer.Add(r)
		switch {
		case r.Flags&frame.Dropped != 0:
			s.dropped++
			continue
		case r.Flags&frame.Truncated != 0:
			s.truncated++
		}
		s.lines++
		s.bytes += uint64(len(r.Line))
	}
	s.marks.take(b.marks)
	s.out.giveBack(b)
	if s.writer.Size() >= int(s.seal.Bytes) {
		s.flush(hard)
	}
}

// flush seals the frame and puts it into the spool.
func (s *source) flush(hard context.Context) {
	s.due.Stop()
	f, err := s.writer.Seal(frame.Live)
	if err != nil { // a batch is far below the bounds of a frame
		panic(err)
	}
	if f == nil {
		return
	}
	if s.buf, err = appendEntry(s.buf[:0], s.marks.state(), f.Bytes); err != nil {
		panic(err) // numbers and strings always have a JSON form
	}
	if seq := s.store(hard, s.buf); seq > 0 {
		for old := s.health.spooled.Load(); old < seq && !s.health.spooled.CompareAndSwap(old, seq); {
			old = s.health.spooled.Load()
		}
		s.count.frames.Add(1)
		s.count.lines.Add(s.lines)
		s.count.bytes.Add(s.bytes)
		s.count.dropped.Add(s.dropped)
		s.count.truncated.Add(s.truncated)
		s.count.lastLine.Store(f.To)
	} else {
		s.log.Error("lines could not be kept when the collector ended", "lines", s.lines, "first", f.First, "last", f.Last())
	}
	s.lines, s.bytes, s.dropped, s.truncated = 0, 0, 0, 0
}

// store repeats until the message is on disk and returns its sequence there, 0
// when hard has ended.
func (s *source) store(hard context.Context, entry []byte) uint64 {
	pause := backoff{least: 20 * time.Millisecond, most: time.Second}
	waiting := false
	defer func() {
		if waiting {
			s.health.full.Add(-1)
		}
	}()
	for {
		seq, err := s.spool.put(hard, s.head.Source, entry)
		if err == nil {
			if waiting {
				s.log.Info("there is room in the spool again")
			}
			return seq
		}
		s.health.fail(err, s.now())
		if !waiting {
			waiting = true
			s.health.full.Add(1)
			s.log.Error("the spool takes no frame; the input waits", "err", err)
		}
		s.wake()
		if errors.Is(err, errSpoolClosed) {
			s.spool.heal(hard)
		}
		if !pause.wait(hard) {
			return 0
		}
	}
}
