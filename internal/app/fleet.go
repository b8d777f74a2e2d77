package app

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"time"

	"mimamori/internal/bus"
	"mimamori/internal/care"
	"mimamori/soc/fleet"
)

// followEvery is how often the program looks whether the register has changed.
const followEvery = 250 * time.Millisecond

// OpenFleet opens the register of collectors in a data folder. Commands may do
// so while the program runs; it follows their changes within a second.
func OpenFleet(ctx context.Context, data string, now func() time.Time) (*fleet.Fleet, error) {
	return fleet.Open(ctx, filepath.Join(data, "fleet.db"), now)
}

// OrderKey reads the key that signs orders in a data folder, or makes it.
func OrderKey(data string) (*bus.Key, error) {
	return bus.LoadOrMakeKey(filepath.Join(data, "order.nk"))
}

func (a *App) openFleet(ctx context.Context) error {
	f, err := OpenFleet(ctx, a.cfg.Data, a.now)
	if err != nil {
		return err
	}
	a.fleet = f
	a.onClose("register of collectors", f.Close)
	if a.orders, err = OrderKey(a.cfg.Data); err != nil {
		return err
	}
	a.roster = newRoster(a.cfg.Collectors)
	g, err := a.register(ctx)
	if err == nil { // the bus opens with this list, so that nobody revoked gets in
		a.roster.now.Store(a.roster.list(g, a.now()))
	}
	return err
}

func (a *App) register(ctx context.Context) (g register, err error) {
	if g.revision, err = a.fleet.Revision(ctx); err != nil { // first: what changes meanwhile is read again
		return g, err
	}
	if g.collectors, err = a.fleet.Collectors(ctx); err != nil {
		return g, err
	}
	if g.invitations, err = a.fleet.Invitations(ctx); err != nil {
		return g, err
	}
	g.newest, err = a.fleet.Newests(ctx)
	return g, err
}

// openCare settles who is out and answers collectors.
func (a *App) openCare(ctx context.Context) error {
	if err := a.applyFleet(ctx); err != nil {
		return err
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	a.onClose("care", func() error { end(); return nil })
	d := &desk{app: a, ctx: life, allowance: map[string]*allowance{}}
	if err := a.conn.Serve(bus.EnrolSubjects, d.enrol); err != nil {
		return err
	}
	return a.conn.Serve(bus.CareSubjects, d.heartbeat)
}

// followFleet applies what commands write to the register, until ctx ends.
func (a *App) followFleet(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for told := false; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		revision, err := a.fleet.Revision(ctx)
		now := a.roster.now.Load()
		if err == nil && (revision != now.revision || !now.until.IsZero() && !a.now().Before(now.until)) {
			err = a.applyFleet(ctx)
		}
		if err != nil && ctx.Err() == nil && !told {
			a.log.Error("changes of the collectors cannot be applied; trying again", "err", err)
		}
		told = err != nil
	}
}

// applyFleet makes the register's state the program's: who is revoked is cut
// off, then the end of the frames taken from it is noted, then new orders are
// pushed.
func (a *App) applyFleet(ctx context.Context) error {
	a.applying.Lock()
	defer a.applying.Unlock()
	g, err := a.register(ctx)
	if err != nil {
		return err
	}
	before, next := a.roster.now.Load(), a.roster.list(g, a.now())
	if a.bus != nil && !reflect.DeepEqual(before.users, next.users) {
		if err := a.bus.SetUsers(next.users); err != nil {
			return err
		}
	}
	for i := range g.collectors {
		c := &g.collectors[i]
		if c.Revoked.IsZero() || c.LastFrame > 0 {
			continue
		}
		state, err := a.frames.State(ctx)
		if err != nil {
			a.roster.now.Store(next) // nothing at all from it until the stream answers
			return err
		}
		if err := a.fleet.CutOff(ctx, c.Public, state.Last); err != nil {
			return err
		}
		c.LastFrame = state.Last
		a.log.Warn("collector revoked and cut off", "collector", c.ID, "by", c.RevokedBy, "why", c.Why, "last_frame", c.LastFrame)
	}
	a.roster.now.Store(a.roster.list(g, a.now()))
	a.push(ctx, before)
	return nil
}

// push sends orders that are new since the listing before. Whoever misses one
// gets it as the answer to its next heartbeat.
func (a *App) push(ctx context.Context, before *listing) {
	now := a.roster.now.Load()
	for _, c := range now.members {
		if version := now.newest[c.ID]; version <= before.newest[c.ID] || !now.managed[c.ID] {
			continue
		}
		sealed, err := a.order(ctx, c)
		if err == nil {
			err = a.conn.Send(bus.OrderSubject(c.Municipality, c.ID), sealed)
		}
		if err != nil {
			a.log.Warn("an order waits for the collector's next heartbeat", "collector", c.ID, "err", err)
		}
	}
}

// order seals the newest configuration of a collector.
func (a *App) order(ctx context.Context, c Collector) ([]byte, error) {
	cfg, err := a.fleet.Newest(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	sealed, err := care.Order{
		Collector: c.ID, Municipality: c.Municipality, Version: cfg.Version, Issued: cfg.Created.UTC(), Text: cfg.Text,
	}.Seal(a.orders.Private())
	if err != nil {
		return nil, fmt.Errorf("collector %s: %w", c.ID, err)
	}
	return sealed, nil
}
