package agent

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"mimamori/collector"
	"mimamori/internal/bus"
	"mimamori/internal/care"
)

// Agent runs a collector. Make it with New.
type Agent struct {
	opts    Options
	dir     string // of the configuration file: paths in orders are relative to it
	local   collector.Config
	key     *bus.Key
	orders  ed25519.PublicKey // nil when the collector is not managed
	started time.Time

	mu      sync.Mutex
	state   state
	running uint64               // version that runs and is confirmed; 0 for the local file
	current *collector.Collector // nil while none runs
	trouble string               // why the confirmed configuration does not run
	answer  Answered             // the newest
}

// Answered is when the prefecture answered a heartbeat.
type Answered struct {
	Sent, Got time.Time // by this machine's clock
	Now       time.Time // by the prefecture's, in between
}

// offset is how far this machine's clock is ahead of the prefecture's, to half
// the time of the way; 0 before the first answer.
func (a Answered) offset() time.Duration {
	if a.Now.IsZero() || a.Got.Before(a.Sent) {
		return 0
	}
	return a.Sent.Add(a.Got.Sub(a.Sent) / 2).Sub(a.Now)
}

// New reads the local configuration and what is known of orders.
func New(opts Options) (*Agent, error) {
	opts = opts.withDefaults()
	path, err := filepath.Abs(opts.Config) // orders are laid over it, wherever the program was started
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	local, err := collector.Load(path)
	if err != nil {
		return nil, err
	}
	a := &Agent{opts: opts, dir: filepath.Dir(path), local: local, started: opts.Now()}
	if a.key, err = bus.LoadOrMakeKey(local.Key); err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	if !local.Managed {
		return a, nil
	}
	if a.orders, err = bus.ParsePublic(local.OrderKey); err != nil {
		return nil, fmt.Errorf("order_key: %w", err)
	}
	a.state, err = loadState(local.Data, opts.Log)
	return a, err
}

// Collector is the collector that runs now, nil while there is none.
func (a *Agent) Collector() *collector.Collector {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.current
}

// PublicKey is the collector's key as NATS spells it.
func (a *Agent) PublicKey() string { return a.key.Public() }

// Stats is what the running collector has done; the zero value while none runs.
func (a *Agent) Stats() collector.Stats {
	if c := a.Collector(); c != nil {
		return c.Stats()
	}
	return collector.Stats{}
}

// Run collects until ctx ends, then returns nil. An error means that it could
// not start; a managed collector that cannot start waits for a better order.
func (a *Agent) Run(ctx context.Context) error {
	p := a.first()
	for ctx.Err() == nil {
		next, err := a.live(ctx, p)
		if err != nil {
			return err
		}
		p = next
	}
	if !p.trial {
		return nil
	}
	a.mu.Lock() // ended in order: the trial may begin again
	defer a.mu.Unlock()
	a.state.Paused = true
	return a.state.save(a.local.Data)
}

// plan is a configuration to run.
type plan struct {
	cfg     collector.Config
	version uint64 // 0 for the local file
	sealed  []byte
	trial   bool
	err     error // why it cannot run
}

// first decides what to run at the start: the order whose trial was ended in
// order, else the confirmed one. A trial that the process did not survive is
// given up.
func (a *Agent) first() plan {
	a.mu.Lock()
	defer a.mu.Unlock()
	trying := a.state.Trying
	if trying == nil {
		return a.confirmed()
	}
	p, err := a.read(trying)
	switch {
	case !a.state.Paused:
		a.giveUp(p.version, "the program died while the order was tried")
	case err != nil:
		a.giveUp(p.version, err.Error())
	default:
		a.state.Paused = false
		if err := a.state.save(a.local.Data); err == nil {
			return p
		}
		a.giveUp(p.version, "the trial cannot be written down; is the disk full?")
	}
	return a.confirmed()
}

// giveUp notes that the order on trial is not taken. The caller holds mu.
func (a *Agent) giveUp(version uint64, why string) {
	a.opts.Log.Error("an order is given up; back to the one before", "version", version, "why", why)
	a.state.Trying, a.state.Paused = nil, false
	a.refuse(version, why)
}

// refuse notes why the newest order refused was. What cannot be written is kept
// in memory: a full disk shall not end the program. The caller holds mu.
func (a *Agent) refuse(version uint64, why string) {
	if version >= a.state.Tried {
		a.state.Tried, a.state.Trouble = version, why
	}
	if err := a.state.save(a.local.Data); err != nil {
		a.opts.Log.Error("what became of an order cannot be written down", "err", err)
	}
}

// confirmed is what ran well last: an order, or the local file. The caller holds mu.
func (a *Agent) confirmed() plan {
	if a.state.Confirmed == nil {
		return plan{cfg: a.local}
	}
	p, err := a.read(a.state.Confirmed)
	if err != nil { // by a younger program, perhaps
		return plan{cfg: a.local, version: p.version, sealed: a.state.Confirmed, err: err}
	}
	p.trial = false
	return p
}

// read opens an order for this collector, whatever its age.
func (a *Agent) read(sealed []byte) (plan, error) {
	o, err := care.Open(sealed, a.orders)
	if err != nil {
		return plan{}, err
	}
	if o.Collector != a.local.Collector || o.Municipality != a.local.Municipality {
		return plan{}, fmt.Errorf("%w: %s %s", ErrForeign, o.Municipality, o.Collector)
	}
	p := plan{version: o.Version, sealed: sealed, trial: true}
	if p.cfg, err = a.local.Under(fmt.Sprintf("order %d", o.Version), []byte(o.Text), a.dir); err == nil {
		err = p.cfg.Check()
	}
	return p, err
}

// consider takes an order for trial, or says why not. What is genuine is never
// taken again, whatever becomes of it.
func (a *Agent) consider(sealed []byte) (plan, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p, err := a.read(sealed)
	if p.version == 0 {
		return p, err
	}
	if p.version <= a.state.High {
		return p, fmt.Errorf("%w: version %d, taken up to %d", ErrOld, p.version, a.state.High)
	}
	before := a.state
	a.state.High = p.version
	if err != nil {
		a.refuse(p.version, err.Error())
		return p, err
	}
	a.state.Trying, a.state.Paused = sealed, false
	if err := a.state.save(a.local.Data); err != nil {
		a.state = before // it comes again with a heartbeat, and there may be room then
		return p, err
	}
	return p, nil
}

// confirm makes the order on trial the one that runs from now on.
func (a *Agent) confirm(p plan) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state.Confirmed, a.state.Trying, a.running = p.sealed, nil, p.version
	if a.state.Tried < p.version {
		a.state.Tried, a.state.Trouble = 0, ""
	}
	return a.state.save(a.local.Data)
}

// rollBack gives an order on trial up and returns what to run instead.
func (a *Agent) rollBack(p plan, why string) plan {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.giveUp(p.version, why)
	return a.confirmed()
}

// Heartbeat is what the collector says of itself at this moment. It may be
// called at any time.
func (a *Agent) Heartbeat() care.Heartbeat {
	h := care.Heartbeat{Sources: []care.Source{}}
	if c := a.Collector(); c != nil {
		h = c.Heartbeat()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	h.Collector, h.Municipality, h.Version, h.Platform = a.local.Collector, a.local.Municipality, care.Version(), runtime.GOOS+"/"+runtime.GOARCH
	h.Started, h.Sent, h.Config, h.Tried = a.started, a.opts.Now(), a.running, a.state.Tried
	h.Offset = a.answer.offset().Seconds()
	for _, trouble := range []string{a.state.Trouble, a.trouble} {
		if trouble != "" { // more to the point than what the collector says
			h.Trouble = trouble
		}
	}
	return h
}
