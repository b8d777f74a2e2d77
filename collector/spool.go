package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"mimamori/internal/bus"
)

const (
	spoolStream   = "SPOOL"
	spoolSubject  = "spool."
	shippedStream = "SHIPPED"
	shippedName   = "shipped"
)

const (
	healEvery  = 5 * time.Second // at most so often a failing spool is opened anew
	putTimeout = 5 * time.Second // a server that cannot write does not answer
)

// spool is the collector's own durable queue. The newest message of a source
// stays when it has been shipped: it says where the source goes on.
type spool struct {
	cfg Config
	log *slog.Logger

	mu     sync.Mutex
	now    *openSpool // nil while it cannot be opened
	healed time.Time
}

// openSpool is a running embedded server, which does not listen, and its
// streams. ctx ends when it is closed.
type openSpool struct {
	ctx     context.Context
	cancel  context.CancelFunc
	server  *bus.Server
	frames  *bus.Stream
	shipped *bus.Stream // how far shipping came, one message
}

func newSpool(ctx context.Context, cfg Config, log *slog.Logger) (*spool, error) {
	s := &spool{cfg: cfg, log: log}
	var err error
	if s.now, err = s.start(ctx); err != nil {
		return nil, err
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
	if err == nil {
		o.frames, err = conn.Stream(ctx, bus.StreamConfig{Name: spoolStream, Subjects: []string{spoolSubject + ">"}, MaxBytes: int64(s.cfg.Spool.MaxBytes)})
	}
	if err == nil {
		o.shipped, err = conn.Stream(ctx, bus.StreamConfig{Name: shippedStream, Subjects: []string{shippedName}})
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

var errSpoolClosed = errors.New("the spool cannot be opened; is the disk full?")

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
	now, err := s.start(context.WithoutCancel(ctx))
	if err != nil {
		s.log.Error("the spool cannot be opened; the inputs wait", "err", err)
		return
	}
	s.log.Warn("the spool was opened anew")
	s.now = now
}

// put stores a message and returns its sequence once it is on disk. The error
// is bus.ErrFull when there is no room; any other is worth a heal.
func (s *spool) put(ctx context.Context, source string, entry []byte) (uint64, error) {
	o, err := s.get()
	if err != nil {
		return 0, err
	}
	try, cancel := context.WithTimeout(ctx, putTimeout)
	seq, err := o.frames.Publish(try, spoolSubject+source, entry, nil)
	cancel()
	if err == nil {
		return seq, nil
	}
	if errors.Is(err, bus.ErrFull) {
		state, serr := o.frames.State(ctx)
		if serr == nil && state.Bytes+uint64(len(entry))+4096 > uint64(s.cfg.Spool.MaxBytes) {
			return 0, fmt.Errorf("spool: %w", err)
		}
		return 0, fmt.Errorf("spool: it is not full, so the disk must be: %w", errors.Join(errSpoolClosed, err))
	}
	if m, lerr := o.frames.Last(ctx, spoolSubject+source); lerr == nil && bytes.Equal(m.Data, entry) {
		return m.Seq, nil // it had arrived all the same
	}
	return 0, fmt.Errorf("spool: %w", errors.Join(errSpoolClosed, err))
}

// read calls fn with the messages from a sequence on until ctx ends, fn fails,
// or the spool is opened anew.
func (s *spool) read(ctx context.Context, from uint64, fn func(bus.Msg) error) error {
	o, err := s.get()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(o.ctx, cancel)()
	return o.frames.Read(ctx, from, fn)
}

// last returns the newest message of a source, nil when there is none.
func (s *spool) last(ctx context.Context, source string) ([]byte, error) {
	o, err := s.get()
	if err != nil {
		return nil, err
	}
	m, err := o.frames.Last(ctx, spoolSubject+source)
	if errors.Is(err, bus.ErrNoMessage) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	return m.Data, nil
}

// progress tells up to which sequence frames were shipped, and the newest one.
func (s *spool) progress(ctx context.Context) (shipped, newest uint64, err error) {
	o, err := s.get()
	if err != nil {
		return 0, 0, err
	}
	state, err := o.frames.State(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("spool: %w", err)
	}
	m, err := o.shipped.Last(ctx, shippedName)
	if errors.Is(err, bus.ErrNoMessage) {
		return 0, state.Last, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("spool: %w", err)
	}
	shipped, err = strconv.ParseUint(string(m.Data), 10, 64)
	if err != nil || shipped > state.Last {
		shipped = 0 // of another spool: everything is sent again, which does no harm
	}
	return shipped, state.Last, nil
}

// settle notes how far shipping came and removes what is no longer needed:
// of each source what is older than its newest shipped message.
func (s *spool) settle(ctx context.Context, shipped uint64, newest map[string]uint64) error {
	o, err := s.get()
	if err != nil {
		return err
	}
	for source, seq := range newest {
		if err := o.frames.Purge(ctx, spoolSubject+source, seq); err != nil {
			return fmt.Errorf("spool: %w", err)
		}
	}
	seq, err := o.shipped.Publish(ctx, shippedName, strconv.AppendUint(nil, shipped, 10), nil)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if err := o.shipped.Purge(ctx, shippedName, seq); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}
