package app

import (
	"slices"
	"sync/atomic"
	"time"

	"mimamori/ingest"
	"mimamori/internal/bus"
	"mimamori/soc/fleet"
)

// lateAnswers is how long the holder of a used invitation stays connected, so
// that the answer reaches it, and may ask again when it was lost.
const lateAnswers = 10 * time.Second

// roster is who may send: the collectors of the configuration file and those
// that enrolled. A change replaces it as a whole.
type roster struct {
	fixed []Collector
	now   atomic.Pointer[listing]
}

// listing is the roster at one moment.
type listing struct {
	members  []Collector                 // not revoked
	byID     map[string]ingest.Collector // revoked ones too, with their end
	managed  map[string]bool             // takes orders
	newest   map[string]uint64           // version of its configuration
	users    []bus.User
	revision int64     // of the register
	until    time.Time // when it changes by itself; zero: never
}

func newRoster(fixed []Collector) *roster {
	r := &roster{fixed: fixed}
	r.now.Store(r.list(register{}, time.Time{}))
	return r
}

// register is what the roster reads.
type register struct {
	revision    int64
	collectors  []fleet.Collector
	invitations []fleet.Invitation
	newest      map[string]uint64
}

// list makes the listing of a register. Where the configuration file has a
// collector of the same name, that one counts.
func (r *roster) list(g register, now time.Time) *listing {
	l := &listing{byID: map[string]ingest.Collector{}, managed: map[string]bool{}, newest: g.newest, revision: g.revision}
	fixed := map[string]bool{}
	for _, c := range r.fixed {
		fixed[c.ID] = true
		l.add(c, 0)
	}
	for _, c := range g.collectors { // the newest of a name last
		member := Collector{ID: c.ID, Municipality: c.Municipality, Key: c.Public}
		switch {
		case fixed[c.ID]:
		case c.Revoked.IsZero():
			l.managed[c.ID] = true
			l.add(member, 0)
		case c.LastFrame > 0:
			l.accept(member, c.LastFrame)
		default:
			delete(l.byID, c.ID)
		}
	}
	for _, i := range g.invitations {
		end := i.Expires
		if !i.Used.IsZero() {
			end = i.Used.Add(lateAnswers)
		}
		if !now.Before(end) {
			continue
		}
		l.users = append(l.users, bus.EnrolUser(i.Public, i.ID))
		if l.until.IsZero() || end.Before(l.until) {
			l.until = end
		}
	}
	return l
}

func (l *listing) add(c Collector, until uint64) {
	l.members = append(l.members, c)
	l.users = append(l.users, bus.CollectorUser(c.Key, c.Municipality, c.ID))
	l.accept(c, until)
}

func (l *listing) accept(c Collector, until uint64) {
	if public, err := bus.ParsePublic(c.Key); err == nil { // was checked when it came
		l.byID[c.ID] = ingest.Collector{ID: c.ID, Municipality: c.Municipality, Public: public, Until: until}
	}
}

// known finds a collector whose frames are accepted, some or all.
func (r *roster) known(id string) (ingest.Collector, bool) {
	c, ok := r.now.Load().byID[id]
	return c, ok
}

// members lists the collectors that may send now.
func (r *roster) members() []Collector { return r.now.Load().members }

// bus lists who may connect now.
func (r *roster) bus() []bus.User { return r.now.Load().users }

// member finds a collector that may send now and tells whether it takes orders.
func (r *roster) member(id, municipality string) (managed, ok bool) {
	l := r.now.Load()
	ok = slices.ContainsFunc(l.members, func(c Collector) bool { return c.ID == id && c.Municipality == municipality })
	return l.managed[id], ok
}
