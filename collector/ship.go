package collector

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"mimamori/internal/bus"
)

const (
	shipTimeout = 30 * time.Second // for one frame; then it is sent again
	settleEvery = time.Second
	settleBytes = 8 << 20 // shipped since the last clean-up
)

// Publisher takes a frame for a subject and returns, with its sequence, once it
// is durable. An error means that the frame must be sent again.
type Publisher interface {
	Publish(ctx context.Context, subject string, data []byte) (seq uint64, err error)
}

// shipper sends frames to the prefecture in the order of the spool, each until
// it is acknowledged.
type shipper struct {
	cfg    Config
	log    *slog.Logger
	now    func() time.Time
	spool  *spool
	health *health
	dial   func(context.Context) (Publisher, error)
	clean  chan struct{} // asks for a clean-up now

	mu      sync.Mutex
	newest  map[string]uint64 // shipped and not yet settled, by source
	settled uint64
	bytes   int
}

// run ships until ctx ends.
func (s *shipper) run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { s.tidy(ctx) })
	defer wg.Wait()
	to := s.connect(ctx)
	pause := backoff{least: 100 * time.Millisecond, most: 5 * time.Second}
	for to != nil && ctx.Err() == nil {
		err := s.spool.read(ctx, s.health.shipped.Load()+1, func(m bus.Msg) error {
			s.ship(ctx, to, m)
			pause.reset()
			return ctx.Err()
		})
		if err != nil && ctx.Err() == nil {
			s.failed("the spool cannot be read", err)
		}
		pause.wait(ctx)
	}
}

// connect asks for the line until there is one; nil when ctx ends.
func (s *shipper) connect(ctx context.Context) Publisher {
	pause := backoff{least: 200 * time.Millisecond, most: 30 * time.Second}
	for ctx.Err() == nil {
		to, err := s.dial(ctx)
		if err == nil {
			return to
		}
		s.failed("there is no line to the prefecture", err)
		pause.wait(ctx)
	}
	return nil
}

func (s *shipper) failed(what string, err error) {
	s.health.fail(err, s.now())
	s.log.Warn(what, "err", err)
}

// ship sends one frame until it is acknowledged or ctx ends.
func (s *shipper) ship(ctx context.Context, to Publisher, m bus.Msg) {
	source := strings.TrimPrefix(m.Subject, spoolSubject)
	f, err := entryFrame(m.Data)
	if err != nil {
		s.failed("a message of the spool is damaged; its records will be missed", err)
		s.done(source, m)
		return
	}
	subject := bus.FrameSubject(s.cfg.Municipality, s.cfg.Collector, source)
	pause := backoff{least: 200 * time.Millisecond, most: 15 * time.Second}
	for n := 0; ctx.Err() == nil; n++ {
		try, cancel := context.WithTimeout(ctx, shipTimeout)
		_, err := to.Publish(try, subject, f)
		cancel()
		if err == nil {
			if n > 0 {
				s.log.Info("the prefecture takes frames again", "tries", n+1)
			}
			s.done(source, m)
			return
		}
		if ctx.Err() != nil {
			return
		}
		if s.health.fail(err, s.now()); n == 0 {
			s.log.Warn("the prefecture does not take a frame; it is sent again until it does", "source", source, "err", err)
		}
		pause.wait(ctx)
	}
}

func (s *shipper) done(source string, m bus.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest[source] = m.Seq
	s.health.shipped.Store(m.Seq)
	if s.bytes += len(m.Data); s.bytes >= min(settleBytes, int(s.cfg.Spool.MaxBytes/8)) {
		s.bytes = 0
		s.wake()
	}
}

// wake asks for a clean-up; it does not block.
func (s *shipper) wake() {
	select {
	case s.clean <- struct{}{}:
	default:
	}
}

// tidy cleans up every second and when it is asked to, until ctx ends.
func (s *shipper) tidy(ctx context.Context) {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	told := false
	for {
		select {
		case <-tick.C:
		case <-s.clean:
		case <-ctx.Done():
			return
		}
		err := s.settle(ctx)
		if err == nil || ctx.Err() != nil {
			told = false
			continue
		}
		if s.health.fail(err, s.now()); !told {
			told = true
			s.log.Warn("shipped frames could not be removed from the spool", "err", err)
		}
		s.spool.heal(ctx)
	}
}

// settle notes and removes what has been shipped, if anything was.
func (s *shipper) settle(ctx context.Context) error {
	s.mu.Lock()
	shipped, newest := s.health.shipped.Load(), s.newest
	if shipped == s.settled {
		s.mu.Unlock()
		return nil
	}
	s.newest = map[string]uint64{}
	s.mu.Unlock()
	err := s.spool.settle(ctx, shipped, newest)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.settled = shipped
		return nil
	}
	for source, seq := range newest { // next time
		s.newest[source] = max(s.newest[source], seq)
	}
	return err
}
