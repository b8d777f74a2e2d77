package rules

import (
	"cmp"
	"slices"
	"strings"
)

// origin is where an event comes from; arrivals share it.
type origin struct {
	collector, source string
	epoch             uint64
	town, zone        string
}

// arrival is one event, or a group's wish to be woken, that waits until nothing
// before it can come any more.
type arrival struct {
	at    int64
	n     uint64 // what its kind counts: a value, or the hash of a text
	seq   uint64
	from  *origin
	group *group
	step  int
	text  string // new: the value, for people
	json  []byte // the event as evidence
	keep  bool   // it is evidence, with its text or without
	wake  bool
}

// before is the one order of events: by time and identity, so that the order of
// arrival does not matter. A wish to be woken comes after the events of its
// time. Of one event, later steps come first: it must not be two steps of a chain.
func (x *arrival) before(y *arrival) bool {
	switch {
	case x.at != y.at:
		return x.at < y.at
	case x.wake != y.wake:
		return y.wake
	case x.wake:
		return x.group.key < y.group.key
	}
	return cmp.Or(
		strings.Compare(x.from.collector, y.from.collector), strings.Compare(x.from.source, y.from.source),
		cmp.Compare(x.from.epoch, y.from.epoch), cmp.Compare(x.seq, y.seq), cmp.Compare(y.step, x.step), cmp.Compare(x.n, y.n),
	) < 0
}

// lane is a course of time. What comes without delay has one; what an outage
// held up, or an old file that is read, has its own: it must not be too late
// because others are not.
type lane struct {
	name  string
	clock int64 // newest event; what comes without delay goes by the engine's clock
	seen  int64 // engine's clock at the last arrival
	heap  []arrival
	lru   group // ring of its groups; lru.next is the most recently used
}

func newLane(name string, clock int64) *lane {
	l := &lane{name: name, clock: clock}
	l.init()
	return l
}

func (l *lane) init() { l.lru.prev, l.lru.next = &l.lru, &l.lru }

// use puts a group, which is in no ring, in front of all.
func (l *lane) use(g *group) { g.follow(&l.lru) }

// follow puts a group, which is in no ring, behind another.
func (g *group) follow(x *group) {
	g.next, g.prev = x.next, x
	g.next.prev, x.next = g, g
}

func (g *group) unlink() { g.prev.next, g.next.prev = g.next, g.prev }

// groups are, oldest first, the lane's groups by their use; the one at hand may be removed.
func (l *lane) groups(yield func(*group) bool) {
	for g := l.lru.prev; g != &l.lru; {
		at := g
		if g = g.prev; !yield(at) {
			return
		}
	}
}

func (l *lane) push(x arrival) {
	l.heap = append(l.heap, x)
	for i := len(l.heap) - 1; i > 0; {
		up := (i - 1) / 4
		if !l.heap[i].before(&l.heap[up]) {
			return
		}
		l.heap[i], l.heap[up] = l.heap[up], l.heap[i]
		i = up
	}
}

func (l *lane) pop() arrival {
	x, last := l.heap[0], len(l.heap)-1
	l.heap[0] = l.heap[last]
	l.heap[last] = arrival{}
	l.heap = l.heap[:last]
	for i := 0; ; {
		least := i
		for c := 4*i + 1; c <= 4*i+4 && c < last; c++ {
			if l.heap[c].before(&l.heap[least]) {
				least = c
			}
		}
		if least == i {
			return x
		}
		l.heap[i], l.heap[least] = l.heap[least], l.heap[i]
		i = least
	}
}

// take moves some groups and what waits for them to the lane l of a table.
func (l *lane) take(t *table, from *lane, mine func(*group) bool) {
	l.clock, l.seen = max(l.clock, from.clock), max(l.seen, from.seen)
	var all []*group
	for g := range l.groups {
		all = append(all, g)
	}
	for g := range from.groups {
		if mine(g) {
			g.unlink()
			t.own(g)
			all = append(all, g)
		}
	}
	slices.SortFunc(all, byUse)
	l.init()
	for _, g := range all {
		l.use(g)
	}
	for _, x := range from.heap {
		if mine(x.group) {
			l.push(x)
			t.waiting++
			if x.keep {
				t.bytes += len(x.json)
			}
		}
	}
}
