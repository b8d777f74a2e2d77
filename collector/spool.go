package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"

	"mimamori/internal/bus"
)

const (
	spoolStream   = "SPOOL"
	spoolSubject  = "spool."
	shippedStream = "SHIPPED"
	shippedName   = "shipped"
)

// spool is the collector's own durable queue. The newest message of a source
// stays when it has been shipped: it says where the source goes on.
type spool struct {
	server  *bus.Server
	frames  *bus.Stream
	shipped *bus.Stream // how far shipping came, one message
}

// openSpool starts the embedded server, which does not listen.
func openSpool(ctx context.Context, cfg Config, log *slog.Logger) (*spool, error) {
	dir := filepath.Join(cfg.Data, "spool")
	server, err := bus.StartServer(bus.ServerConfig{Dir: dir, Log: log})
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	s := &spool{server: server}
	conn, err := server.Connect(ctx)
	if err == nil {
		s.frames, err = conn.Stream(ctx, bus.StreamConfig{Name: spoolStream, Subjects: []string{spoolSubject + ">"}, MaxBytes: int64(cfg.Spool.MaxBytes)})
	}
	if err == nil {
		s.shipped, err = conn.Stream(ctx, bus.StreamConfig{Name: shippedStream, Subjects: []string{shippedName}})
	}
	if err != nil {
		server.Close()
		return nil, fmt.Errorf("spool in %s: %w", dir, err)
	}
	return s, nil
}

func (s *spool) close() { s.server.Close() }

// last returns the newest message of a source, nil when there is none.
func (s *spool) last(ctx context.Context, source string) ([]byte, error) {
	m, err := s.frames.Last(ctx, spoolSubject+source)
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
	state, err := s.frames.State(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("spool: %w", err)
	}
	m, err := s.shipped.Last(ctx, shippedName)
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
	for source, seq := range newest {
		if err := s.frames.Purge(ctx, spoolSubject+source, seq); err != nil {
			return fmt.Errorf("spool: %w", err)
		}
	}
	seq, err := s.shipped.Publish(ctx, shippedName, strconv.AppendUint(nil, shipped, 10), nil)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if err := s.shipped.Purge(ctx, shippedName, seq); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}
