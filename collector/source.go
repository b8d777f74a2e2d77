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

// ackInterval is how long a frame stays open for more when a sender waits for
// the acknowledgement of what is in it.
const ackInterval = 5 * time.Millisecond

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
	reader reader
	gives  bool   // gives up its oldest frames when the spool is full
	data   string // folder of the second copy
	memory *twin[remembered]
	synced time.Time // memory was

	writer *frame.Writer
	marks  marks
	acks   []func(bool) // of the batches in the frame
	due    *time.Timer
	buf    []byte

	// of the frame that is being filled
	lines, bytes, truncated uint64
	dropped                 map[string]uint64 // by reason
}

// resume goes on behind the newest frame, which the spool or, where that is
// damaged, the second copy knows. It returns the state for the input.
func (s *source) resume(ctx context.Context, key ed25519.PrivateKey) (state, error) {
	entry, err := s.spool.last(ctx, s.head.Source)
	if err != nil {
		return state{}, err
	}
	mem, known, err := openMemory(s.data, s.head.Source)
	if err != nil {
		return state{}, err
	}
	s.memory = mem
	r := resumeFrom(s.head.Collector, entry, known)
	if s.head.Epoch = r.epoch; r.epoch == 0 {
		s.head.Epoch = uint64(s.now().Unix())
		if known != nil { // whatever the clock says
			s.head.Epoch = max(s.head.Epoch, known.Epoch+1)
		}
	}
	s.head.First, s.head.Prev = r.last+1, r.prev
	s.marks = newMarks(r.state)
	if r.damage {
		s.log.Error("the spool is damaged on disk; the source goes on behind what is known, and what is lost is told to the prefecture", "epoch", s.head.Epoch, "next", s.head.First)
	}
	if r.gap != nil {
		h := s.head
		h.Epoch, h.First, h.Count, h.Prev = r.gap.Epoch, r.gap.First, r.gap.Count, r.gap.Prev
		h.From = s.now().UnixMicro()
		h.To = h.From
		if err := s.spool.loss(ctx, frame.SealLoss(h, r.prev, reasonDamage, key)); err != nil {
			return state{}, err
		}
	}
	s.count.epoch.Store(s.head.Epoch)
	s.count.last.Store(s.head.First - 1)
	if s.writer, err = frame.NewWriter(s.head, key); err != nil {
		return state{}, fmt.Errorf("source %s: %w", s.head.Source, err)
	}
	return r.state, nil
}

// rememberEvery is how often the second copy is synced to disk: more seldom
// than it is written, since only a power cut that also damages the spool needs it.
const rememberEvery = time.Second

// remember writes the second copy of numbering and state. Without it a damaged
// spool would cost more, so trouble with it is told; the frame is safe.
func (s *source) remember(f *frame.Frame, st state) {
	now := s.now()
	sync := now.Sub(s.synced) >= rememberEvery || now.Before(s.synced)
	if sync {
		s.synced = now
	}
	err := s.memory.write(&remembered{s.head.Collector, f.Epoch, f.Last(), f.Hash(), st}, sync)
	if err != nil {
		s.health.fail(err, s.now())
		s.log.Error("the second copy of the numbering could not be written", "err", err)
	}
}

// run seals until the input has ended. hard ends waiting for room: what comes
// after it is counted and lost, but an input that can will send it again.
func (s *source) run(hard context.Context) {
	s.due = time.NewTimer(time.Hour)
	defer s.due.Stop()
	defer func() { _ = s.memory.close() }() // the spool is what counts
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
	first := len(s.acks) == 0 && b.stored != nil
	if b.stored != nil {
		s.acks = append(s.acks, b.stored)
	}
	for i := range b.recs {
		r := &b.recs[i]
		s.reader.prepare(r)
		s.writer.Add(r)
		switch {
		case r.Flags&frame.Dropped != 0:
			if s.dropped == nil {
				s.dropped = map[string]uint64{}
			}
			s.dropped[dropReason(r.Line)]++
			continue
		case r.Flags&frame.Truncated != 0:
			s.truncated++
		}
		s.lines++
		s.bytes += uint64(len(r.Line))
	}
	s.marks.take(b.marks)
	s.out.giveBack(b)
	switch {
	case s.writer.Size() >= int(s.seal.Bytes):
		s.flush(hard)
	case first: // its sender waits for us
		s.due.Reset(min(ackInterval, s.seal.Interval))
	}
}

// flush seals the frame and puts it into the spool.
func (s *source) flush(hard context.Context) {
	s.due.Stop()
	f, err := s.writer.Seal()
	if err != nil { // a batch is far below the bounds of a frame
		panic(err)
	}
	if f == nil {
		s.answer(true) // batches without a record
		return
	}
	st := s.marks.state()
	if s.buf, err = appendEntry(s.buf[:0], st, f.Bytes); err != nil {
		panic(err) // numbers and strings always have a JSON form
	}
	seq := s.store(hard, s.buf, f.Bytes)
	s.answer(seq > 0)
	if seq > 0 {
		s.remember(f, st)
		s.health.came(seq, s.spool)
		tell(s.spool.live)
		s.count.frames.Add(1)
		s.count.lines.Add(s.lines)
		s.count.bytes.Add(s.bytes)
		s.count.drop(s.dropped)
		s.count.truncated.Add(s.truncated)
		s.reader.settle(s.count)
		s.count.lastLine.Store(f.To)
		s.count.last.Store(f.Last())
	} else {
		s.log.Error("lines could not be kept when the collector ended", "lines", s.lines, "first", f.First, "last", f.Last())
	}
	s.lines, s.bytes, s.truncated = 0, 0, 0
	clear(s.dropped)
	clear(s.reader.masked)
}

// answer tells the inputs what became of their batches.
func (s *source) answer(ok bool) {
	for i, ack := range s.acks {
		ack(ok)
		s.acks[i] = nil
	}
	s.acks = s.acks[:0]
}

// store repeats until the message is on disk and returns its sequence there, 0
// when hard has ended.
func (s *source) store(hard context.Context, entry, sealed []byte) uint64 {
	pause := backoff{least: 20 * time.Millisecond, most: time.Second}
	waiting := false
	defer func() {
		if waiting {
			s.health.full.Add(-1)
		}
	}()
	for {
		seq, err := s.spool.put(hard, s.head.Source, entry, sealed)
		if err == nil {
			if waiting {
				s.log.Info("there is room in the spool again")
			}
			return seq
		}
		if s.gives && !errors.Is(err, errSpoolClosed) && s.makeRoom(hard, len(entry)) {
			continue
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

// makeRoom removes what was shipped and, where that is nothing, gives up the
// source's oldest frames. False means that there is nothing to give up.
func (s *source) makeRoom(hard context.Context, need int) bool {
	before := s.spool.bytes.Load()
	if err := s.spool.remove(hard, 0); err == nil && s.spool.bytes.Load() < before {
		return true
	}
	g, err := s.spool.giveUp(hard, s.head.Source, reasonFull, func(_ *frame.Frame, bytes int) bool {
		return bytes < max(int(s.spool.cfg.Spool.MaxBytes)/giveUpShare, 2*need)
	})
	s.gaveUp(g, err, reasonFull)
	return err == nil && g.bytes > 0
}

// gaveUp counts and tells what was given up.
func (s *source) gaveUp(g given, err error, reason string) {
	if err != nil {
		s.health.fail(err, s.now())
		s.log.Error("frames could not be given up", "err", err)
		return
	}
	if g.lines > 0 {
		s.count.givenUp.Add(g.lines)
		s.log.Warn("lines were given up before they were shipped; the prefecture is told", "lines", g.lines, "frames", g.frames, "reason", reason)
	}
}

// giveUpOld gives up what is older than the spool may keep.
func (s *source) giveUpOld(ctx context.Context) {
	for {
		g, err := s.spool.giveUpOld(ctx, s.head.Source, s.now())
		if ctx.Err() != nil {
			return
		}
		if s.gaveUp(g, err, reasonOld); err != nil || !g.more {
			return
		}
	}
}
