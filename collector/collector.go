package collector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"mimamori/frame"
	"mimamori/internal/bus"
)

// stopTime is how long a stopping collector waits for room in its spool.
const stopTime = 10 * time.Second

// Options are what the process around a collector provides; zero fields have
// defaults.
type Options struct {
	Log *slog.Logger     // default: none
	Now func() time.Time // default: time.Now
	Key *bus.Key         // default: the key in the configured file, made when missing

	// Prefecture opens the line; it is asked again until it succeeds. Default:
	// a connection to the configured URLs.
	Prefecture func(context.Context) (Publisher, error)
}

// Collector takes lines and ships frames. Make it with New.
type Collector struct {
	cfg    Config
	opts   Options
	health health

	started bool
	ready   chan struct{}
	sources []*running
}

// running is one source with its input.
type running struct {
	input  input
	source *source
	addr   net.Addr
}

// New checks the configuration and makes a collector; Run starts it. A key that
// does not exist is made and saved.
func New(cfg Config, opts Options) (*Collector, error) {
	cfg = cfg.withDefaults()
	p := cfg.problem()
	if p == nil && opts.Prefecture == nil {
		p = cfg.Prefecture.problem()
	}
	if p != nil {
		return nil, fmt.Errorf("collector: %s; %s", p.msg, p.hint)
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Key == nil {
		key, err := bus.LoadOrMakeKey(cfg.Key)
		if err != nil {
			return nil, fmt.Errorf("collector: %w", err)
		}
		opts.Key = key
	}
	c := &Collector{cfg: cfg, opts: opts, ready: make(chan struct{})}
	if opts.Prefecture == nil {
		secure, err := clientTLS(cfg.Prefecture)
		if err != nil {
			return nil, err
		}
		c.opts.Prefecture = func(ctx context.Context) (Publisher, error) { return c.dial(ctx, secure) }
	}
	for _, in := range cfg.Inputs {
		r, err := c.prepare(in)
		if err != nil {
			return nil, err
		}
		c.sources = append(c.sources, r)
	}
	return c, nil
}

func (c *Collector) prepare(in Input) (*running, error) {
	log, count := c.opts.Log.With("source", in.Source), &counters{}
	env := &inputEnv{cfg: in, log: log, now: c.opts.Now, count: count}
	input, err := newInput(env)
	if err != nil {
		return nil, err
	}
	return &running{input: input, source: &source{
		head: frame.Header{Collector: c.cfg.Collector, Municipality: c.cfg.Municipality, Zone: in.Zone, Source: in.Source},
		log:  log, out: env.out, count: count, health: &c.health, now: c.opts.Now, seal: c.cfg.Seal,
	}}, nil
}

// clientTLS makes the TLS configuration of the line, nil for none.
func clientTLS(p Prefecture) (*tls.Config, error) {
	if len(p.URLs) == 0 || !strings.HasPrefix(p.URLs[0], "tls://") {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: p.ServerName}
	var err error
	if p.CA != "" {
		if cfg.RootCAs, err = certPool(p.CA); err != nil {
			return nil, fmt.Errorf("prefecture: %w", err)
		}
	}
	if p.Cert != "" {
		pair, err := tls.LoadX509KeyPair(p.Cert, p.Key)
		if err != nil {
			return nil, fmt.Errorf("prefecture: certificate: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

func (c *Collector) dial(ctx context.Context, secure *tls.Config) (Publisher, error) {
	conn, err := bus.Dial(ctx, bus.DialConfig{
		URLs: c.cfg.Prefecture.URLs, Key: c.opts.Key, TLS: secure, Name: "collector " + c.cfg.Collector, Log: c.opts.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("prefecture: %w", err)
	}
	context.AfterFunc(ctx, conn.Close)
	return conn, nil
}

// PublicKey is the key that the prefecture must know, as NATS spells it.
func (c *Collector) PublicKey() string { return c.opts.Key.Public() }

// Ready is closed when the inputs listen.
func (c *Collector) Ready() <-chan struct{} { return c.ready }

// Addr is where a source listens, once Ready; nil for files and unknown names.
func (c *Collector) Addr(source string) net.Addr {
	for _, r := range c.sources {
		if r.source.head.Source == source {
			return r.addr
		}
	}
	return nil
}

// Stats tells what has been done so far. It may be called at any time.
func (c *Collector) Stats() Stats {
	var s Stats
	c.health.into(&s)
	for _, r := range c.sources {
		s.Sources = append(s.Sources, r.source.count.stats(r.source.head.Source))
	}
	return s
}

var errTwice = errors.New("collector: Run was called before")

// Run collects and ships until ctx ends. Then it takes what has already
// arrived, puts it into the spool, and returns nil; what is not yet shipped
// stays there for the next run. An error means that it could not start.
func (c *Collector) Run(ctx context.Context) error {
	if c.started {
		return errTwice
	}
	c.started = true
	sp, err := newSpool(ctx, c.cfg, c.opts.Log)
	if err != nil {
		return fmt.Errorf("collector: %w", err)
	}
	defer sp.close()
	ship := &shipper{
		cfg: c.cfg, log: c.opts.Log, now: c.opts.Now, spool: sp, health: &c.health, dial: c.opts.Prefecture,
		clean: make(chan struct{}, 1), newest: map[string]uint64{},
	}
	shipped, spooled, err := sp.progress(ctx)
	if err != nil {
		return fmt.Errorf("collector: %w", err)
	}
	c.health.shipped.Store(shipped)
	c.health.spooled.Store(spooled)
	ship.settled = shipped
	if err := c.open(ctx, sp, ship.wake); err != nil {
		return err
	}
	c.opts.Log.Info("collecting", "collector", c.cfg.Collector, "municipality", c.cfg.Municipality, "public_key", c.PublicKey(), "waiting_frames", spooled-shipped)
	close(c.ready)
	c.work(ctx, ship)
	return nil
}

// open resumes the sources and opens their inputs, or none.
func (c *Collector) open(ctx context.Context, sp *spool, wake func()) error {
	for i, r := range c.sources {
		r.source.spool, r.source.wake = sp, wake
		from, err := r.source.resume(ctx, c.opts.Key.Private())
		if err == nil {
			r.addr, err = r.input.open(ctx, from)
		}
		if err != nil {
			ended, cancel := context.WithCancel(ctx)
			cancel()
			for _, opened := range c.sources[:i] {
				opened.input.run(ended)
			}
			return fmt.Errorf("collector: %w", err)
		}
	}
	return nil
}

// work runs everything until ctx ends, and ends it in order: inputs, sealers,
// shipper.
func (c *Collector) work(ctx context.Context, ship *shipper) {
	hard, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	late := context.AfterFunc(ctx, func() { time.AfterFunc(stopTime, stop) })
	defer late()
	shipping, endShipping := context.WithCancel(hard)
	var sealers, shippers sync.WaitGroup
	for _, r := range c.sources {
		sealers.Go(func() {
			var wg sync.WaitGroup
			wg.Go(func() {
				r.input.run(ctx)
				close(r.source.out.in)
			})
			r.source.run(hard)
			wg.Wait()
		})
	}
	shippers.Go(func() { ship.run(shipping) })
	sealers.Wait()
	endShipping()
	shippers.Wait()
	if err := ship.settle(hard); err != nil {
		c.opts.Log.Warn("what was shipped could not be noted; it will be sent twice", "err", err)
	}
}
