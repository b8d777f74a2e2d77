package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"mimamori/collector"
	"mimamori/internal/bus"
)

const (
	restartLeast = time.Second // before a collector that could not start is started again
	restartMost  = time.Minute
)

// life is one plan being run, with its own line.
type life struct {
	*Agent
	plan plan
	link *collector.Link
	conn *bus.Conn

	incoming chan []byte    // sealed orders
	answered chan time.Time // when the heartbeat that was answered had been sent
	ended    chan error     // nil while no collector runs
	stop     context.CancelFunc
	ready    <-chan struct{} // nil while no collector runs, or once it is
	steady   time.Time       // when the trial has lasted long enough; zero before the inputs are open
	pause    time.Duration
	again    *time.Timer
}

// live runs a plan until ctx ends, an order is to be tried, or the trial ends.
// It returns what to run next.
func (a *Agent) live(ctx context.Context, p plan) (plan, error) {
	link, conn, err := a.dial(ctx, &p)
	if err != nil && p.trial {
		return a.rollBack(p, err.Error()), nil
	}
	if err != nil {
		return p, err
	}
	defer conn.Close()
	l := &life{
		Agent: a, plan: p, link: link, conn: conn, incoming: make(chan []byte, 4), answered: make(chan time.Time, 1), again: time.NewTimer(time.Hour),
	}
	defer l.again.Stop()
	a.mu.Lock()
	if !p.trial {
		a.running = p.version
	}
	a.mu.Unlock()
	if a.orders != nil {
		if err := conn.Subscribe(bus.OrderSubject(a.local.Municipality, a.local.Collector), l.hear); err != nil {
			return p, err
		}
	}
	beating, stopBeating := context.WithCancel(ctx)
	var beats sync.WaitGroup
	beats.Go(func() { l.beats(beating) })
	defer beats.Wait()
	defer stopBeating()
	l.start(ctx)
	defer l.end()
	return l.watch(ctx)
}

// dial opens the plan's line. Where a confirmed order has none any more, since
// a file that it names is gone, the local file's line lets a better order come.
func (a *Agent) dial(ctx context.Context, p *plan) (*collector.Link, *bus.Conn, error) {
	link, conn, err := a.dialBy(ctx, p.cfg)
	if err == nil || p.trial || p.sealed == nil {
		return link, conn, err
	}
	p.err = err
	return a.dialBy(ctx, a.local)
}

func (a *Agent) dialBy(ctx context.Context, cfg collector.Config) (*collector.Link, *bus.Conn, error) {
	link, err := collector.NewLink(cfg)
	if err != nil {
		return nil, nil, err
	}
	conn, err := link.Dial(ctx, a.key, a.opts.Log)
	return link, conn, err
}

// hear takes a sealed order; it never blocks. One too many comes again with a heartbeat.
func (l *life) hear(sealed []byte) {
	select {
	case l.incoming <- sealed:
	default:
	}
}

// start starts the collector, if there is anything to collect.
func (l *life) start(ctx context.Context) {
	if l.plan.err == nil && len(l.plan.cfg.Inputs) == 0 && l.plan.cfg.Relay.Listen == "" {
		return
	}
	ended := make(chan error, 1)
	l.ended = ended
	c, err := l.make()
	if err != nil {
		ended <- err
		return
	}
	run, stop := context.WithCancel(ctx)
	l.stop, l.ready = stop, c.Ready()
	l.mu.Lock()
	l.current = c
	l.mu.Unlock()
	go func() { ended <- c.Run(run) }() // watch and end wait for it
}

func (l *life) make() (*collector.Collector, error) {
	if l.plan.err != nil {
		return nil, l.plan.err
	}
	return collector.New(l.plan.cfg, collector.Options{
		Log: l.opts.Log, Now: l.opts.Now, Key: l.key, Link: l.link,
		Prefecture: func(context.Context) (collector.Publisher, error) { return l.conn, nil },
	})
}

// end stops the collector and waits until its lines are in the spool.
func (l *life) end() {
	if l.stop != nil {
		l.stop()
		if err := <-l.ended; err != nil {
			l.opts.Log.Warn("the collector ended", "err", err)
		}
	}
	l.gone()
}

// gone forgets a collector that has ended.
func (l *life) gone() {
	if l.stop != nil {
		l.stop()
	}
	l.stop, l.ended, l.ready = nil, nil, nil
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = nil
}

// watch waits for what changes the plan.
func (l *life) watch(ctx context.Context) (plan, error) {
	deadline := time.NewTimer(l.opts.Trial)
	defer deadline.Stop()
	for {
		select {
		case <-ctx.Done():
			return l.plan, nil
		case sealed := <-l.incoming:
			next, err := l.consider(sealed)
			if err == nil {
				l.opts.Log.Info("trying an order", "version", next.version)
				return next, nil
			}
			l.refused(err)
		case err := <-l.ended:
			l.gone()
			if ctx.Err() != nil {
				continue
			}
			if l.plan.trial {
				return l.rollBack(l.plan, fmt.Sprint(err)), nil
			}
			if l.orders == nil {
				return l.plan, err
			}
			l.failed(err)
		case <-l.again.C:
			l.start(ctx)
		case <-l.ready:
			l.ready, l.pause = nil, 0
			l.steady = l.opts.Now().Add(l.opts.Steady)
			l.setTrouble("")
		case sent := <-l.answered:
			if !l.plan.trial || l.steady.IsZero() || sent.Before(l.steady) {
				continue
			}
			if err := l.confirm(l.plan); err != nil {
				return l.rollBack(l.plan, err.Error()), nil
			}
			l.plan.trial = false
			l.opts.Log.Info("the order is confirmed", "version", l.plan.version)
		case <-deadline.C:
			if l.plan.trial {
				return l.rollBack(l.plan, l.lacking()), nil
			}
		}
	}
}

// lacking says what the trial lacked.
func (l *life) lacking() string {
	if l.steady.IsZero() {
		return fmt.Sprintf("not all inputs were open after %s", l.opts.Trial)
	}
	return fmt.Sprintf("the prefecture did not answer within %s", l.opts.Trial)
}

// refused logs an order that is not taken. An old one is no news: the answer to
// a heartbeat repeats the order on trial.
func (l *life) refused(err error) {
	if !errors.Is(err, ErrOld) {
		l.opts.Log.Error("an order was refused", "err", err)
	}
}

// failed waits before the confirmed configuration is started again.
func (l *life) failed(err error) {
	l.pause = min(max(2*l.pause, restartLeast), restartMost)
	l.again.Reset(l.pause)
	l.setTrouble(fmt.Sprint(err))
	l.opts.Log.Error("the collector could not start; trying again", "err", err, "in", l.pause)
}

func (l *life) setTrouble(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trouble = text
}
