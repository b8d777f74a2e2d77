package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"mimamori/collector/mask"
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

	Link *Link // of Prefecture, for the relay; default: one of its own
}

// Collector takes lines and ships frames. Make it with New.
type Collector struct {
	cfg    Config
	opts   Options
	health health

	carrier *carrier // nil where there is a line
	started bool
	ready   chan struct{}
	sources []*running
	account account
	relay   *relay // nil where this collector is no exit for others
}

// running is one source with its input.
type running struct {
	input  input
	source *source
	addr   net.Addr
	kind   string // of the input
}

// New checks the configuration and makes a collector; Run starts it. A key that
// does not exist is made and saved.
func New(cfg Config, opts Options) (*Collector, error) {
	cfg = cfg.withDefaults()
	p := cfg.problem()
	if p == nil && opts.Prefecture == nil {
		p = cfg.line()
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
	c := &Collector{cfg: cfg, opts: opts, ready: make(chan struct{}), account: account{began: opts.Now()}}
	if err := c.way(); err != nil {
		return nil, err
	}
	masker, err := newMasker(cfg.Mask, opts.Now())
	if err != nil {
		return nil, err
	}
	for _, in := range cfg.Inputs {
		r, err := c.prepare(in, masker)
		if err != nil {
			return nil, err
		}
		c.sources = append(c.sources, r)
	}
	return c, nil
}

// way prepares how frames leave: as files, over the line that was given, or
// over one of its own; and the relay, which shares the link.
func (c *Collector) way() error {
	if c.cfg.Carry.Dir != "" && c.opts.Prefecture == nil {
		c.carrier = newCarrier(c.cfg, c.opts)
		c.opts.Prefecture = func(context.Context) (Publisher, error) { return c.carrier, nil }
		return nil
	}
	to := c.opts.Link
	if to == nil && (c.opts.Prefecture == nil || c.cfg.Relay.Listen != "") {
		var err error
		if to, err = NewLink(c.cfg); err != nil {
			return err
		}
	}
	if c.cfg.Relay.Listen != "" {
		c.relay = newRelay(&c.cfg.Relay, to, c.opts.Log)
	}
	if c.opts.Prefecture == nil {
		c.opts.Prefecture = func(ctx context.Context) (Publisher, error) {
			conn, err := to.Dial(ctx, c.opts.Key, c.opts.Log)
			if err != nil {
				return nil, err
			}
			context.AfterFunc(ctx, conn.Close)
			return conn, nil
		}
	}
	return nil
}

func (c *Collector) prepare(in Input, m *mask.Masker) (*running, error) {
	count := &counters{}
	log := slog.New(count.trouble.watch(c.opts.Log.Handler(), c.opts.Now)).With("source", in.Source)
	env := &inputEnv{cfg: in, log: log, now: c.opts.Now, count: count}
	input, err := newInput(env)
	if err != nil {
		return nil, err
	}
	return &running{input: input, kind: env.kind, source: &source{
		head: frame.Header{Collector: c.cfg.Collector, Municipality: c.cfg.Municipality, Zone: in.Zone, Source: in.Source},
		log:  log, out: env.out, count: count, health: &c.health, now: c.opts.Now, seal: c.cfg.Seal, gives: c.cfg.Spool.gives(&in), data: c.cfg.Data,
		reader: newReader(in, m),
	}}, nil
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

// RelayAddr is where other collectors find this exit, once Ready; nil for none.
func (c *Collector) RelayAddr() net.Addr {
	if c.relay == nil {
		return nil
	}
	return c.relay.ln.Addr()
}

// Stats tells what has been done so far. It may be called at any time.
func (c *Collector) Stats() Stats {
	var s Stats
	c.health.into(&s)
	for _, r := range c.sources {
		s.Sources = append(s.Sources, r.stats())
	}
	if c.relay != nil {
		s.Relay = c.relay.stats()
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
	sp, err := newSpool(ctx, c.cfg, c.opts.Key.Private(), c.opts.Log)
	if err != nil {
		return fmt.Errorf("collector: %w", err)
	}
	defer sp.close()
	ship := &shipper{
		cfg: c.cfg, log: c.opts.Log, now: c.opts.Now, spool: sp, health: &c.health, dial: c.opts.Prefecture,
		clean: make(chan struct{}, 1), old: c.giveUpOld,
	}
	spooled, err := sp.resume(ctx)
	if err != nil {
		return fmt.Errorf("collector: %w", err)
	}
	c.health.came(spooled, sp)
	if err := c.open(ctx, sp, ship.wake); err != nil {
		return err
	}
	if c.relay != nil {
		if err := c.relay.open(ctx); err != nil {
			c.abandon(ctx, c.sources)
			return fmt.Errorf("collector: %w", err)
		}
	}
	c.opts.Log.Info("collecting", "collector", c.cfg.Collector, "municipality", c.cfg.Municipality, "public_key", c.PublicKey(), "waiting_frames", c.health.waiting.Load())
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
			c.abandon(ctx, c.sources[:i])
			return fmt.Errorf("collector: %w", err)
		}
	}
	return nil
}

// abandon closes inputs that were opened.
func (c *Collector) abandon(ctx context.Context, opened []*running) {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	for _, r := range opened {
		r.input.run(ended)
		_ = r.source.memory.close() // nothing was written
	}
}

// giveUpOld gives up what is older than the spool may keep.
func (c *Collector) giveUpOld(ctx context.Context) {
	if c.cfg.Spool.MaxAge == 0 {
		return
	}
	for _, r := range c.sources {
		r.source.giveUpOld(ctx)
	}
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
	if c.carrier != nil {
		shippers.Go(func() { c.carrier.run(shipping) })
		defer c.carrier.close()
	}
	if c.relay != nil {
		shippers.Go(func() { c.relay.run(ctx) })
	}
	sealers.Wait()
	endShipping()
	shippers.Wait()
	if err := ship.spool.settle(hard); err != nil {
		c.opts.Log.Warn("what was shipped could not be noted; it will be sent twice", "err", err)
	}
}
