package collector

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"mimamori/internal/bus"
)

const (
	shipTimeout = 30 * time.Second       // for what is under way on a fast line; then it is sent again
	slowLine    = 4 << 10                // bytes a second that a line carries at least
	noteEvery   = 200 * time.Millisecond // how often the way shipping came is written down
	settleEvery = time.Second            // how often shipped frames are removed
	staleAfter  = 5 * time.Second        // a frame older than this is no live one
)

// Bounds of what is under way in the live lane. Time lost to a long line costs
// little then, and what waits in the buffers of a thin line stays small.
const (
	windowFrames = 8
	windowBytes  = 512 << 10
)

// Publisher takes a frame for a subject and returns, with its sequence, once it
// is durable. An error means that the frame must be sent again.
type Publisher interface {
	Publish(ctx context.Context, subject string, data []byte) (seq uint64, err error)
}

// starter is a Publisher that can have several frames under way.
type starter interface {
	Start(ctx context.Context, subject string, data []byte) (bus.Flight, error)
}

// oneByOne makes a starter of any Publisher: Start waits for the end.
type oneByOne struct {
	mu sync.Mutex
	to Publisher
}

func (o *oneByOne) Start(ctx context.Context, subject string, data []byte) (bus.Flight, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, limit(len(data)))
	defer cancel()
	_, err := o.to.Publish(ctx, subject, data)
	return bus.Landed(err), nil
}

// limit is how long the acknowledgement of so many bytes may take.
func limit(bytes int) time.Duration {
	return shipTimeout + time.Duration(bytes)*time.Second/slowLine
}

// shipper sends frames to the prefecture, each until it is acknowledged, in two
// lanes: what comes now, and what an outage left behind.
type shipper struct {
	cfg    Config
	log    *slog.Logger
	now    func() time.Time
	spool  *spool
	health *health
	dial   func(context.Context) (Publisher, error)
	clean  chan struct{} // asks for a clean-up now
	old    func(ctx context.Context)

	to       starter
	mu       sync.Mutex
	troubled bool // the newest try failed
}

// run ships until ctx ends.
func (s *shipper) run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { s.tidy(ctx) })
	defer wg.Wait()
	to := s.connect(ctx)
	if to == nil {
		return
	}
	var ok bool
	if s.to, ok = to.(starter); !ok {
		s.to = &oneByOne{to: to}
	}
	wg.Go(func() { s.drain(ctx) })
	s.live(ctx)
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

// trouble tells once that frames do not get through, and once that they do
// again.
func (s *shipper) trouble(err error) {
	s.mu.Lock()
	told := s.troubled
	s.troubled = err != nil
	s.mu.Unlock()
	if err != nil {
		s.health.fail(err, s.now())
	}
	switch {
	case err != nil && !told:
		s.log.Warn("the prefecture does not take a frame; it is sent again until it does", "err", err)
	case err == nil && told:
		s.log.Info("the prefecture takes frames again")
	}
}

// retry waits after a failure: a moment where there is no line, so that live
// frames go as soon as it is back, and longer where the prefecture refuses.
func retry(ctx context.Context, pause *backoff, err error) {
	pause.most = 15 * time.Second
	if errors.Is(err, bus.ErrOffline) {
		pause.most = 500 * time.Millisecond
	}
	pause.wait(ctx)
}

// flight is a frame under way.
type flight struct {
	bus.Flight
	seq    uint64
	source string
	bytes  int
}

var errNoAnswer = errors.New("the prefecture has not acknowledged a frame in time")

// live ships what comes now, several frames at once and in order, until ctx ends.
func (s *shipper) live(ctx context.Context) {
	var air []flight
	read := ahead{size: aheadBytes}
	pause := backoff{least: 200 * time.Millisecond}
	next := s.spool.lanes.live()
	for ctx.Err() == nil {
		more, err := s.launch(ctx, &air, &read, &next)
		if err == nil {
			err = s.land(ctx, &air, more)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			air, next = air[:0], s.spool.lanes.live() // all are sent again
			s.trouble(err)
			retry(ctx, &pause, err)
		default:
			pause.reset()
		}
	}
}

// launch fills the window; all says that it took all there is. What is old, or
// no longer in memory, it leaves to the other lane.
func (s *shipper) launch(ctx context.Context, air *[]flight, read *ahead, next *uint64) (all bool, err error) {
	bytes := 0
	for _, f := range *air {
		bytes += f.bytes
	}
	for len(*air) < windowFrames && bytes < windowBytes {
		newest := s.health.spooled.Load()
		if *next > newest {
			if len(*air) == 0 {
				s.spool.lanes.sent(*next - 1)
			}
			return true, nil
		}
		m, gone := s.spool.fresh(*next)
		if gone && *next <= s.spool.before { // a restart keeps the order of what it found
			if m, err = s.spool.next(ctx, read, *next, newest); err != nil {
				return false, err
			}
			gone = m == nil
		}
		if m != nil && m.seq < newest {
			f := m.head()
			gone = f != nil && s.now().Sub(time.UnixMicro(f.To)) > staleAfter
		}
		switch {
		case gone && len(*air) > 0:
			return false, nil // first what is under way
		case gone:
			s.spool.leave(newest)
			*next = newest + 1
			tell(s.spool.gaps)
			continue
		case m == nil:
			return true, nil
		}
		x, err := s.start(ctx, m)
		if err != nil {
			return false, err
		}
		*air, *next = append(*air, x), m.seq+1
		bytes += x.bytes
	}
	return false, nil
}

// start sends a frame on its way. One that is damaged counts as shipped: the
// prefecture's account will name what is missing.
func (s *shipper) start(ctx context.Context, m *spooled) (flight, error) {
	x := flight{seq: m.seq, source: m.source, bytes: len(m.frame)}
	if m.head() == nil {
		s.failed("a message of the spool is damaged; its records will be missed", errEntry)
		x.Flight = bus.Landed(nil)
		return x, nil
	}
	var err error
	x.Flight, err = s.to.Start(ctx, bus.FrameSubject(s.cfg.Municipality, s.cfg.Collector, m.source), m.frame)
	return x, err
}

// land waits for the first frame of the window, or, when all that there is is
// under way, for something new.
func (s *shipper) land(ctx context.Context, air *[]flight, all bool) error {
	var news chan struct{}
	if all {
		news = s.spool.live
	}
	if len(*air) == 0 {
		t := time.NewTimer(time.Second)
		defer t.Stop()
		select {
		case <-news:
		case <-t.C:
		case <-ctx.Done():
		}
		return nil
	}
	x := (*air)[0]
	bytes := 0
	for _, f := range *air {
		bytes += f.bytes
	}
	_, landed, err := await(ctx, x, limit(bytes), news)
	if err != nil || !landed {
		return err
	}
	*air = append((*air)[:0], (*air)[1:]...)
	s.spool.lanes.sent(x.seq)
	s.landed(x)
	return nil
}

// await waits for a flight's end, or for news. seq is where the frame is in the
// prefecture's stream, 0 where nobody tells.
func await(ctx context.Context, x flight, limit time.Duration, news <-chan struct{}) (seq uint64, landed bool, err error) {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case ack := <-x.Stored:
		if ack != nil {
			seq = ack.Sequence
		}
		return seq, true, nil
	case err := <-x.Failed:
		return 0, false, err
	case <-t.C:
		return 0, false, errNoAnswer
	case <-news:
		return 0, false, nil
	case <-ctx.Done():
		return 0, false, ctx.Err()
	}
}

func (s *shipper) landed(x flight) {
	s.trouble(nil)
	s.spool.done(x.seq, x.bytes)
	s.health.queue(s.spool)
}

// wake asks for a clean-up; it does not block.
func (s *shipper) wake() { tell(s.clean) }
