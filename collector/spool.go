package collector

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mimamori/frame"
	"mimamori/internal/bus"
)

const (
	spoolStream  = "SPOOL"
	spoolSubject = "spool."
	gapStream    = "GAPS"
	gapSubject   = "gap."
	gapBytes     = 32 << 20  // of gap frames: a reserve beyond spool.max_bytes
	shippedName  = "shipped" // files that say how far shipping came
)

const (
	healEvery  = 5 * time.Second // at most so often a failing spool is opened anew
	putTimeout = 5 * time.Second // a server that cannot write does not answer
)

// spool is the collector's own durable queue. The newest message of a source
// stays when it has been shipped: it says where the source goes on.
type spool struct {
	cfg   Config
	log   *slog.Logger
	key   ed25519.PrivateKey // signs gaps
	lanes lanes
	live  chan struct{} // something new for the live lane
	gaps  chan struct{} // something new for the other one

	bytes  atomic.Uint64 // of frames on disk, shipped ones that are kept among them
	frames atomic.Uint64

	mu     sync.Mutex
	now    *openSpool // nil while it cannot be opened
	healed time.Time
	newest map[string]uint64 // sequence of each source's newest message
	recent []spooled         // what was put last and not yet shipped, up to a bound
	room   int               // bytes of recent
	left   uint64            // what this run did not put, or let go from recent, is not above it
	holes  bool              // something may be in the stream and not in recent
	loose  uint64            // bytes that were shipped and may still be there
	cut    uint64            // nothing below is there
	before uint64            // newest message of the run before

	given    atomic.Uint64 // how often frames were given up
	gapsPut  atomic.Uint64
	settling sync.Mutex
	notes    *twin[lanesState]
	noted    lanesState // as written down
	giving   sync.Mutex
}

// openSpool is a running embedded server, which does not listen, and its
// streams. ctx ends when it is closed.
type openSpool struct {
	ctx    context.Context
	cancel context.CancelFunc
	server *bus.Server
	frames *bus.Stream
	gaps   *bus.Stream // one frame for each run of frames that were given up

	// The backlog lane's: the gaps that can be read begin at gap, and when gapsPut
	// was none, less one, there was none of them.
	gap, none uint64
}

func newSpool(ctx context.Context, cfg Config, key ed25519.PrivateKey, log *slog.Logger) (*spool, error) {
	s := &spool{
		cfg: cfg, log: log, key: key, live: make(chan struct{}, 1), gaps: make(chan struct{}, 1),
		newest: map[string]uint64{},
	}
	var err error
	if s.now, err = s.start(ctx); err != nil {
		return nil, err
	}
	var was *lanesState
	if s.notes, was, err = openTwin(filepath.Join(cfg.Data, shippedName), func(a, b *lanesState) bool { return a.Turn > b.Turn }); err != nil {
		s.now.close()
		return nil, fmt.Errorf("spool: %w", err)
	}
	if was != nil {
		s.noted = *was
	}
	return s, nil
}

func (s *spool) start(ctx context.Context) (*openSpool, error) {
	dir := filepath.Join(s.cfg.Data, "spool")
	server, err := bus.StartServer(bus.ServerConfig{Dir: dir, Log: s.log})
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	o := &openSpool{server: server}
	conn, err := server.Connect(ctx)
	for _, st := range []struct {
		stream **bus.Stream
		cfg    bus.StreamConfig
	}{
		{&o.frames, bus.StreamConfig{Name: spoolStream, Subjects: []string{spoolSubject + ">"}, SmallBlocks: true, Direct: true}},
		{&o.gaps, bus.StreamConfig{Name: gapStream, Subjects: []string{gapSubject + ">"}, MaxBytes: gapBytes, Direct: true}},
	} {
		if err == nil {
			*st.stream, err = conn.Stream(ctx, st.cfg)
		}
	}
	if err != nil {
		server.Close()
		return nil, fmt.Errorf("spool in %s: %w", dir, err)
	}
	o.ctx, o.cancel = context.WithCancel(ctx)
	return o, nil
}

func (o *openSpool) close() {
	o.cancel()
	o.server.Close()
}

var (
	errSpoolClosed = errors.New("the spool cannot be opened; is the disk full?")
	errSpoolFull   = errors.New("the spool is full (spool.max_bytes)")
)

// get returns the open spool.
func (s *spool) get() (*openSpool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		return nil, errSpoolClosed
	}
	return s.now, nil
}

func (s *spool) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != nil {
		s.now.close()
		s.now = nil
	}
	_ = s.notes.close() // what was written last counts
}

// heal opens the spool anew after a failure, such as a disk that was full: the
// server writes no more to a file that it once failed to write. It does nothing
// when that was done a moment ago.
func (s *spool) heal(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.healed) < healEvery || ctx.Err() != nil {
		return
	}
	s.healed = time.Now()
	if s.now != nil {
		s.now.close()
		s.now = nil
	}
	s.recent, s.room, s.holes = nil, 0, true // they may not be in the new one
	now, err := s.start(context.WithoutCancel(ctx))
	if err != nil {
		s.log.Error("the spool cannot be opened; the inputs wait", "err", err)
		return
	}
	s.log.Warn("the spool was opened anew")
	s.now = now
}

// put stores a message and returns its sequence once it is on disk. sealed is
// the frame in it, which stays as it is. The error is errSpoolFull when there is
// no room, but for a frame of each source at most; any other is worth a heal.
func (s *spool) put(ctx context.Context, source string, entry, sealed []byte) (uint64, error) {
	o, err := s.get()
	if err != nil {
		return 0, err
	}
	size := uint64(len(spoolSubject) + len(source) + len(entry) + bus.Overhead)
	if s.bytes.Load()+size > uint64(s.cfg.Spool.MaxBytes) {
		return 0, errSpoolFull
	}
	try, cancel := context.WithTimeout(ctx, putTimeout)
	seq, err := o.frames.Publish(try, spoolSubject+source, entry, nil)
	cancel()
	if err != nil {
		if seq, err = s.refused(ctx, o, source, entry, err); err != nil {
			s.mu.Lock()
			s.holes = true
			s.mu.Unlock()
			return 0, err
		}
	}
	s.bytes.Add(size)
	s.frames.Add(1)
	s.mu.Lock()
	s.newest[source] = seq
	i, _ := s.recently(seq) // sources come at the same time
	s.recent, s.room = slices.Insert(s.recent, i, spooled{seq, source, sealed}), s.room+len(sealed)
	s.forget(0)
	s.mu.Unlock()
	return seq, nil
}

// recentBytes bounds the frames that are kept in memory until they are shipped.
// What the stream reads back costs it a whole block, and many such blocks where
// it writes and reads side by side.
const recentBytes = 4 << 20

// recently finds the place of a message among the recent ones. The lock is held.
func (s *spool) recently(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(s.recent, seq, func(m spooled, seq uint64) int { return cmp.Compare(m.seq, seq) })
}

// forget lets recent frames go: those up to seq, and the oldest of too many.
// The lock is held.
func (s *spool) forget(seq uint64) {
	n := 0
	for n < len(s.recent) && (s.recent[n].seq <= seq || s.room > recentBytes) {
		s.room -= len(s.recent[n].frame)
		s.left = max(s.left, s.recent[n].seq)
		n++
	}
	s.recent = slices.Delete(s.recent, 0, n)
}

// spooled is a message of the spool.
type spooled struct {
	seq    uint64
	source string
	frame  []byte // sealed; nil where it is damaged
}

// head is what the frame says of itself, nil where it is damaged.
func (m *spooled) head() *frame.Frame {
	f, err := frame.Peek(m.frame) // the spool has its own checksums
	if err != nil {
		return nil
	}
	return f
}

// refused finds out why a message was not taken, or that it was.
func (s *spool) refused(ctx context.Context, o *openSpool, source string, entry []byte, err error) (uint64, error) {
	if errors.Is(err, bus.ErrFull) {
		return 0, fmt.Errorf("spool: it is not full, so the disk must be: %w", errors.Join(errSpoolClosed, err))
	}
	if m, lerr := o.frames.Last(ctx, spoolSubject+source); lerr == nil && bytes.Equal(m.Data, entry) {
		return m.Seq, nil // it had arrived all the same
	}
	return 0, fmt.Errorf("spool: %w", errors.Join(errSpoolClosed, err))
}

// fresh returns a message that is in memory still. Where there is none, gone
// tells that it has to be read back, and otherwise it comes in a moment: another
// source's is known already.
func (s *spool) fresh(seq uint64) (m *spooled, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.recently(seq); ok {
		m := s.recent[i]
		return &m, false
	}
	return nil, seq <= s.left || s.holes
}

// leave moves everything up to newest to the backlog.
func (s *spool) leave(newest uint64) {
	s.lanes.leave(newest)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(newest)
	s.left, s.holes = max(s.left, newest), false
}

// ahead is what a lane has read before it needs it: all there is from a
// sequence on.
type ahead struct {
	size  int // bytes that are read at once, one message at least
	from  uint64
	msgs  []spooled
	given uint64 // spool.given when it was read
}

// aheadBytes is how much a lane reads at once.
const aheadBytes = 1 << 20

// next returns the first message from a sequence on, nil where there is none up
// to the newest. It may read some more into a. A message that is damaged on
// disk is passed over.
func (s *spool) next(ctx context.Context, a *ahead, from, newest uint64) (*spooled, error) {
	if from > newest {
		return nil, nil //nolint:nilnil // nothing waits
	}
	if m := a.first(from, s.given.Load()); m != nil {
		return m, nil
	}
	o, err := s.get()
	if err != nil {
		return nil, err
	}
	a.given = s.given.Load()
	msgs, _, err := readable(ctx, o.frames, from, newest, func(from uint64) ([]bus.Msg, error) { return o.frames.NextSome(ctx, from, a.size) })
	if unreadable(err) {
		return nil, nil //nolint:nilnil // nothing waits
	}
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	for _, m := range msgs {
		b, _ := entryFrame(m.Data) // nil where it is damaged
		a.msgs = append(a.msgs, spooled{m.Seq, strings.TrimPrefix(m.Subject, spoolSubject), b})
	}
	return &a.msgs[0], nil
}

// readable gets what a stream has between two sequences, the first of it that
// is not damaged. The error is unreadable where there is none. From at on
// nothing is known.
func readable[T any](ctx context.Context, st *bus.Stream, from, to uint64, get func(from uint64) (T, error)) (got T, at uint64, err error) {
	if got, err = get(from); !unreadable(err) {
		return got, from, err
	}
	state, serr := st.State(ctx)
	if serr != nil {
		return got, from, serr
	}
	// The same one again: it may have come since.
	for from = max(from, state.First); from <= min(to, state.Last); from++ {
		if got, err = get(from); !unreadable(err) {
			break
		}
	}
	return got, from, err
}

// unreadable tells whether a message is not there, or not any more what it was.
func unreadable(err error) bool {
	return errors.Is(err, bus.ErrNoMessage) || errors.Is(err, bus.ErrDamaged)
}

// first returns the first message from a sequence on of those that were read
// ahead, nil where that is not known.
func (a *ahead) first(from, given uint64) *spooled {
	stale := from < a.from || a.given != given
	n := 0
	for n < len(a.msgs) && (stale || a.msgs[n].seq < from) {
		n++
	}
	a.from, a.msgs = from, slices.Delete(a.msgs, 0, n)
	if len(a.msgs) == 0 {
		return nil
	}
	return &a.msgs[0]
}

// last returns the newest message of a source, nil when there is none and empty
// when it is damaged.
func (s *spool) last(ctx context.Context, source string) ([]byte, error) {
	o, err := s.get()
	if err != nil {
		return nil, err
	}
	m, err := o.frames.Last(ctx, spoolSubject+source)
	if errors.Is(err, bus.ErrNoMessage) {
		return nil, nil
	}
	if errors.Is(err, bus.ErrDamaged) {
		return []byte{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	s.mu.Lock()
	s.newest[source] = m.Seq
	s.mu.Unlock()
	return m.Data, nil
}

// tell says that there is something new; it does not block.
func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
