package rules

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"mimamori/event"
)

// group is the state of one group key. It is either gathering or fired: then it
// swallows events until none has come for the window's length.
type group struct {
	key        string // encoded values of the by fields
	town       string // municipality of its events
	mixed      bool   // of several municipalities
	fired      bool
	over       bool  // begins anew with its next event
	gone       bool  // forgotten while events waited
	timer      bool  // will be woken
	waiting    int32 // arrivals on their way
	n          int32 // events since it began
	number     int32 // in the snapshot that is being written
	lost       uint32
	touched    int64 // engine's clock at its last arrival
	first      int64 // event times since it began
	last       int64
	sum        int64
	entries    []entry
	kept       []keptEvent
	seen       map[uint64]int64 // new: when each value was last seen
	prev, next *group
}

// find is where an entry of a time is or would be.
func (g *group) find(at int64) (int, bool) {
	return slices.BinarySearchFunc(g.entries, at, func(e entry, at int64) int { return cmp.Compare(e.at, at) })
}

// forget removes the entry of a value.
func (g *group) forget(n uint64) bool {
	i := slices.IndexFunc(g.entries, func(e entry) bool { return e.n == n })
	if i >= 0 {
		g.entries = slices.Delete(g.entries, i, i+1)
	}
	return i >= 0
}

type keptEvent struct {
	at int64
	event.Evidence
}

// The bounds of what a rule holds. Beyond evidenceBudget only references to
// events are kept; beyond maxWaiting events are judged before their lateness
// has passed; beyond maxLanes what is late shares one. A place has maxCourses of
// them: on a busy line what is new overtakes what is old, in a file that is read
// after a day as well, and what was overtaken comes later, in its own order.
const (
	evidenceBudget = 32 << 20
	maxWaiting     = 1 << 20
	maxLanes       = 256
	maxCourses     = 4
	sharedLane     = "*" // no collector's name
	laneIdle       = int64(10 * time.Minute)
	keyKept        = int64(30 * 24 * time.Hour) // a key that has gone silent is known for so long
	sweepMost      = 16                         // groups that each arrival looks at, whether they may go
)

// table holds a rule's groups, least recently used first to go.
type table struct {
	by       []event.Field
	lateness int64
	within   int64
	retain   int64 // after its last arrival, before a group is forgotten that has not fired
	limit    int
	free     bool        // the order of events hardly matters: what is late counts at once
	kind     correlation // nil: suppress
	alert    event.Alert // what all of the rule's alerts say
	groups   map[string]*group
	live     lane
	lanes    map[string]*lane // of what is late
	waiting  int
	clock    int64 // the engine's, at the last arrival or judgement
	bytes    int   // of evidence text
	late     uint64
	evicted  uint64
	scratch  []byte
}

func newTable(r *Rule, limit int) *table {
	t := &table{limit: limit, groups: map[string]*group{}, lanes: map[string]*lane{}}
	t.live.init()
	if c := r.Correlate; c != nil {
		t.by, t.within, t.lateness, t.kind = c.By, int64(c.Within), int64(c.Lateness), correlationOf(c)
	} else {
		t.by, t.within = r.Suppress.By, int64(r.Suppress.For)
	}
	t.retain = t.within
	switch k := t.kind.(type) {
	case *regular:
		t.retain = k.longestGap()
	case *spike:
		t.free, t.retain = true, (pastWk+1)*week
	case *absence:
		t.free, t.retain = true, max(t.within, keyKept)
	case *newValue: // longer than its values: who comes back does not begin to learn again
		t.free, t.retain = true, max(4*t.within, keyKept)
	}
	return t
}

// get finds or makes the lane's group of the key in scratch, as its most recently
// used, and drops what is too old or too much.
func (t *table) get(l *lane) *group {
	g := t.groups[string(t.scratch)]
	if g != nil && t.quiet(l, g) { // else it would depend on the others' traffic what it remembers
		t.remove(g)
		g = nil
	}
	if g == nil {
		g = &group{key: string(t.scratch), over: true}
		t.groups[g.key] = g
	} else {
		g.unlink()
	}
	l.use(g)
	g.touched = t.clock
	t.sweep(l, g)
	if len(t.groups) > t.limit {
		t.evict(g)
	}
	return g
}

// sweep forgets some of the lane's groups that are quiet, those that were used
// longest ago; g was used now.
func (t *table) sweep(l *lane, g *group) {
	for range sweepMost {
		switch old := l.lru.prev; {
		case old == g:
			return
		case t.quiet(l, old):
			t.remove(old)
		case old.fired: // it is known for longer, and those before it need not be
			old.unlink()
			old.follow(g)
		default:
			return
		}
	}
}

// evict forgets the group, but for this one, that was used least recently.
func (t *table) evict(but *group) {
	var oldest *group
	for l := range t.each {
		if g := l.lru.prev; g != &l.lru && g != but && (oldest == nil || byUse(g, oldest) < 0) {
			oldest = g
		}
	}
	t.evicted++
	t.remove(oldest)
}

// each are all lanes, that of what comes without delay first.
func (t *table) each(yield func(*lane) bool) {
	if !yield(&t.live) {
		return
	}
	for _, l := range t.lanes {
		if !yield(l) {
			return
		}
	}
}

// own counts a group, which is in no table, among the table's.
func (t *table) own(g *group) {
	t.groups[g.key] = g
	for _, k := range g.kept {
		t.bytes += len(k.JSON)
	}
}

func byUse(a, b *group) int {
	return cmp.Or(cmp.Compare(a.touched, b.touched), cmp.Compare(a.key, b.key))
}

// quiet tells that a lane's group has had nothing for so long that it is forgotten:
// whatever may come yet would find nothing in it that counts. What is late has its
// lane's time, in which a day may pass within minutes.
func (t *table) quiet(l *lane, g *group) bool {
	if g.waiting > 0 || g.timer {
		return false
	}
	retain := t.retain
	if g.fired {
		retain = max(retain, t.within)
	}
	if l == &t.live {
		return g.touched < t.clock-t.lateness-retain
	}
	return g.last < l.clock-t.lateness-retain
}

func (t *table) remove(g *group) {
	t.clear(g)
	g.gone, g.waiting, g.timer = true, 0, false
	g.unlink()
	delete(t.groups, g.key)
}

// clear forgets what a group has gathered.
func (t *table) clear(g *group) {
	t.drop(g, math.MaxInt64)
	g.entries, g.seen, g.sum, g.n, g.first = nil, nil, 0, 0, 0
	g.fired, g.mixed, g.over, g.town = false, false, true, ""
}

// drop forgets the evidence of before a time.
func (t *table) drop(g *group, before int64) {
	g.kept = slices.DeleteFunc(g.kept, func(k keptEvent) bool {
		if k.at < before {
			t.bytes -= len(k.JSON)
		}
		return k.at < before
	})
	if len(g.kept) == 0 {
		g.kept = nil
	}
}

// lane is where an event that the rules see now waits; nil when it is too late
// even among its like. It goes on where the others are just before it. Where it
// can't count with them any more it begins a lane of its own, while there are
// some: what it has overtaken may come yet. The last of them is for what is too
// late for all others.
func (t *table) lane(at, clock int64, from *origin, delayed bool) *lane {
	if at >= clock-t.lateness {
		return &t.live
	}
	var buf [128]byte
	name := append(buf[:0], from.collector...)
	if !delayed { // an old file is read: others of that collector are elsewhere in time
		name = append(append(name, '/'), from.source...)
	}
	if len(t.lanes) >= maxLanes && t.lanes[string(name)] == nil {
		name = append(name[:0], sharedLane...)
	}
	var l *lane
	free, spare := 0, 0 // free is the length of a name
	for range maxCourses {
		switch x := t.lanes[string(name)]; {
		case x == nil:
			if spare++; spare == 1 {
				free = len(name)
			}
		case x.clock <= at+t.lateness && (l == nil || l.clock < x.clock):
			l = x
		}
		name = append(name, '+')
	}
	switch {
	case l == nil && spare == 0:
		t.late++
		return nil
	case l == nil || spare > 1 && l.clock+t.lateness+t.within < at:
		l = newLane(string(name[:free]), at)
		t.lanes[l.name] = l
	}
	l.clock = max(l.clock, at)
	return l
}

// release judges what waited long enough. What is late has its own clock, and
// is judged at last when nothing of its like has come for a while.
func (t *table) release(clock int64, found func(*table, *arrival, *group, finding)) {
	t.clock = clock
	t.drain(&t.live, clock-t.lateness, found)
	if len(t.lanes) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(t.lanes)) {
		l := t.lanes[name]
		if clock < l.seen+laneIdle {
			t.drain(l, l.clock-t.lateness, found)
			continue
		}
		t.drain(l, math.MaxInt64, found)
		delete(t.lanes, name)
		for l.lru.next != &l.lru {
			t.remove(l.lru.next)
		}
	}
}

// drain judges what is older than a time, in order.
func (t *table) drain(l *lane, until int64, found func(*table, *arrival, *group, finding)) {
	for len(l.heap) > 0 && (l.heap[0].at < until || t.waiting > maxWaiting) {
		x := l.pop()
		t.waiting--
		t.judge(l, &x, found)
	}
}

// judge takes the next event of a group, in order of time.
func (t *table) judge(l *lane, x *arrival, found func(*table, *arrival, *group, finding)) {
	g := x.group
	if g.gone {
		if x.wake {
			return
		}
		t.scratch = append(t.scratch[:0], g.key...)
		g = t.get(l)
		x.group = g
	} else if !x.wake {
		g.waiting--
	}
	if x.wake {
		t.due(l, x, g, found)
		return
	}
	if x.keep {
		t.bytes -= len(x.json)
	}
	if s, ok := t.kind.(*steps); ok && s.until(x) { // also of an episode
		t.clear(g)
		return
	}
	if g.fired {
		if x.at <= g.last+t.within {
			g.last = max(g.last, x.at)
			return
		}
		t.clear(g)
	}
	t.begin(g, x)
	f, ok := t.kind.add(g, x)
	t.evicted += uint64(g.lost)
	g.lost = 0
	if x.keep {
		t.keep(g, x)
	}
	if ok {
		t.fire(x, g, f, found)
	}
	if w, timed := t.kind.(timed); timed && !g.timer {
		t.wish(l, g, w.wake(g))
	}
}

// begin notes what is common to all kinds of correlation.
func (t *table) begin(g *group, x *arrival) {
	if g.over {
		t.clear(g)
		g.over, g.first, g.town = false, x.at, x.from.town
	}
	g.mixed = g.mixed || g.town != x.from.town
	g.first, g.last = min(g.first, x.at), max(g.last, x.at)
	if g.n < math.MaxInt32 {
		g.n++
	}
}

// due wakes a group.
func (t *table) due(l *lane, x *arrival, g *group, found func(*table, *arrival, *group, finding)) {
	g.timer = false
	f, ok, next := t.kind.(timed).due(g, x.at)
	if ok {
		x.from = &origin{town: g.town}
		t.fire(x, g, f, found)
	}
	t.wish(l, g, next)
}

func (t *table) wish(l *lane, g *group, at int64) {
	if at == 0 {
		return
	}
	g.timer = true
	t.waiting++
	l.push(arrival{at: at, group: g, wake: true})
}

// fire tells of a finding; an episode of the group begins, or it goes on.
func (t *table) fire(x *arrival, g *group, f finding, found func(*table, *arrival, *group, finding)) {
	t.drop(g, f.start)
	found(t, x, g, f)
	if f.again {
		t.drop(g, math.MaxInt64)
		return
	}
	last := g.last
	t.clear(g)
	g.fired, g.over, g.last = true, false, last
}

// keep holds an event as evidence; the newest maxEvidence stay.
func (t *table) keep(g *group, x *arrival) {
	if len(g.kept) >= maxEvidence {
		t.bytes -= len(g.kept[0].JSON)
		g.kept = slices.Delete(g.kept, 0, 1)
	}
	t.bytes += len(x.json)
	ref := event.Ref{Collector: x.from.collector, Source: x.from.source, Epoch: x.from.epoch, Seq: x.seq}
	g.kept = append(g.kept, keptEvent{at: x.at, Evidence: event.Evidence{Ref: ref, JSON: x.json}})
}
