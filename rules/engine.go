package rules

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"mimamori/event"
	"mimamori/internal/lang"
)

// Options of an engine. The zero value works.
type Options struct {
	Lists  lang.Lists       // answers inList; nil: no list has members
	Now    func() time.Time // time of events that carry none; nil: time.Now
	Log    *slog.Logger     // nil: silent
	Groups int              // most group keys kept per rule; 0: 1,000,000
	Naive  bool             // run every rule on every event: the oracle of the index
	Budget time.Duration    // most that one rule may take of an event, in the mean; 0: 50 µs
	Seen   *Seen            // what came lately, by which the index chooses; nil: by estimates

	// Suspended is told of a rule that is out, and why; nil: only Log is.
	Suspended func(rule, why string)
}

// Stats counts what an engine did since it was made.
type Stats struct {
	Events     uint64
	Candidates uint64 // conditions run because the index let them through
	Matches    uint64
	Alerts     uint64
	Allowed    uint64 // matches taken out by an allow entry
	Late       uint64 // matches too late for their window
	Evicted    uint64 // groups forgotten because a rule had too many
	Suspended  []string
}

// Engine evaluates a set over events. One goroutine at a time uses it.
type Engine struct {
	units   []unit
	roots   []lang.Node // of the units
	states  []*state
	index   *partitions
	marks   *bitset
	opts    Options
	stats   Stats
	pending []event.Alert
	running int32 // unit being evaluated, for a panic's notice
	clock   int64 // newest time at which the prefecture had an event
	judged  int64 // the clock when what had waited long enough was judged
	last    *origin
	busy    []*state // rules whose correlations wait for something, in their order
	budget  budget
	feed    *feed  // nil: no rule is about alerts
	shown   bool   // an alert is being shown to them
	frozen  []byte // the event at hand as evidence, nil before somebody wants it
	scratch []byte
	size    int // of the last snapshot
}

// unit is one condition of one rule, compiled.
type unit struct {
	state *state
	step  int
	prog  lang.Program
}

// state is a rule at work, or a variant of one.
type state struct {
	rule      *Rule
	order     int // among the states: by id, then by variant
	allow     []lang.Program
	table     *table // nil: every match is an alert
	onAlerts  bool
	suspended bool
	spent     time.Duration // in the events that were timed
	strikes   int           // times in a row that it was too much
}

// NewEngine compiles the rules of the set that run: stable and test.
func NewEngine(s *Set, opts Options) *Engine {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if opts.Budget <= 0 {
		opts.Budget = 50 * time.Microsecond
	}
	if opts.Groups <= 0 {
		opts.Groups = 1_000_000
	}
	e := &Engine{opts: opts, clock: never, judged: never, budget: budget{watch: time.Now}}
	for _, r := range s.rules {
		for _, v := range r.variants() {
			e.add(v)
		}
	}
	e.index, e.marks = e.choose(), newBitset(len(e.units))
	return e
}

// add takes on a rule, or a variant of one, if it runs.
func (e *Engine) add(r *Rule) {
	if !r.runs() {
		return
	}
	if r.onAlerts() {
		if e.feed == nil {
			e.feed = newFeed()
		}
		e.feed.above[r.ID] = true
	}
	st := newState(r, e.opts)
	st.order = len(e.states)
	e.states = append(e.states, st)
	for _, c := range r.units {
		e.roots = append(e.roots, c.root)
		e.units = append(e.units, unit{st, c.step, (&lang.Expr{Root: cheapFirst(c.root)}).Compile(e.opts.Lists)})
	}
}

func newState(r *Rule, opts Options) *state {
	st := &state{rule: r, onAlerts: r.onAlerts()}
	for _, a := range r.Allow {
		st.allow = append(st.allow, a.When.Compile(opts.Lists))
	}
	if r.Correlate != nil || r.Suppress != nil {
		st.table = newTable(r, opts.Groups)
		st.table.alert = blankAlert(r)
	}
	return st
}

// Evaluate runs the rules on the batch's events, in their order, and hands each
// finding to emit. An alert and its evidence are the receiver's own.
//
// Correlations judge events in order of their times. An event that the
// prefecture has at a time T is therefore judged when one is there, or Advance
// says so, that came at T plus the rule's lateness.
func (e *Engine) Evaluate(b *event.Batch, emit func(event.Alert)) {
	for i := range b.Events {
		ev := &b.Events[i]
		e.stats.Events++
		if e.opts.Seen != nil {
			e.opts.Seen.note(ev)
		}
		e.measure()
		e.tick(e.arrived(ev))
		e.evaluate(ev)
		e.emit(emit)
	}
}

// evaluate takes one event to all rules that it matches.
func (e *Engine) evaluate(ev *event.Event) {
	e.frozen = nil
	e.index.candidates(ev, e.marks)
	for !e.walk(ev, e.observe) { // a rule panicked: it is out, go on
	}
}

// Advance tells that it is now, and that nothing older is still on its way.
func (e *Engine) Advance(now time.Time, emit func(event.Alert)) {
	e.tick(now.UnixNano())
	e.emit(emit)
}

// Flush judges all that waits for events that might still come: at the end of
// a replay there are none. Time itself does not go on.
func (e *Engine) Flush(emit func(event.Alert)) {
	for _, st := range e.busy {
		e.guard(st, func(t *table) {
			t.clock = e.clock
			for _, name := range slices.Sorted(maps.Keys(t.lanes)) {
				t.drain(t.lanes[name], t.lanes[name].clock+1, e.found)
			}
			t.drain(&t.live, e.clock+1, e.found)
		})
	}
	e.emit(emit)
}

// tick sets the clock. Each second it judges what has waited long enough: by the
// clock, not by batches, so that how the stream is cut changes nothing.
func (e *Engine) tick(now int64) {
	if e.clock = max(e.clock, now); e.clock-e.judged < int64(time.Second) && e.judged != never {
		return
	}
	e.judged = e.clock - e.clock%int64(time.Second)
	for _, st := range e.busy {
		e.guard(st, func(t *table) { t.release(e.judged, e.found) })
	}
	e.busy = slices.DeleteFunc(e.busy, func(st *state) bool { return st.table.waiting == 0 && len(st.table.lanes) == 0 })
}

// attend notes that something waits in a rule's correlation.
func (e *Engine) attend(st *state) {
	i, ok := slices.BinarySearchFunc(e.busy, st, func(a, b *state) int { return a.order - b.order })
	if !ok {
		e.busy = slices.Insert(e.busy, i, st)
	}
}

// guard works on what waits in a rule's correlation; one that panics is out.
func (e *Engine) guard(st *state, work func(*table)) {
	if st.suspended {
		return
	}
	defer func() { e.recovered(st, recover()) }()
	work(st.table)
}

// recovered takes a rule out that panicked; nil is none.
func (e *Engine) recovered(st *state, panicked any) {
	if panicked != nil {
		e.suspend(st, fmt.Sprintf("it failed: %v", panicked))
	}
}

// suspend takes a rule out; the others do not notice.
func (e *Engine) suspend(st *state, why string) {
	st.suspended = true
	if st.rule.scope != nil {
		why += " (municipalities: " + st.rule.scope.String() + ")"
	}
	e.stats.Suspended = append(e.stats.Suspended, st.rule.ID)
	e.opts.Log.Error("a rule is suspended", "rule", st.rule.ID, "file", st.rule.File, "why", why)
	if e.opts.Suspended != nil {
		e.opts.Suspended(st.rule.ID, why)
	}
}

// emit hands out what was found, and shows it to the rules on alerts.
func (e *Engine) emit(emit func(event.Alert)) {
	for len(e.pending) > 0 { // it grows by what those find
		a := e.pending[0]
		e.pending = slices.Delete(e.pending, 0, 1)
		if e.feed != nil && !a.Test && !e.feed.above[a.Rule] {
			e.shown = true
			e.evaluate(e.feed.event(&a, e.clock))
			e.shown = false
		}
		e.stats.Alerts++
		emit(a)
	}
}

// Match calls fn with each rule of which a condition holds for the event, each
// once, correlations aside.
func (e *Engine) Match(ev *event.Event, fn func(*Rule)) {
	var last *Rule
	report := func(u *unit, _ *event.Event) {
		if r := u.state.rule; r != last && !r.begins(u.step) {
			last = r
			fn(r)
		}
	}
	e.index.candidates(ev, e.marks)
	for !e.walk(ev, report) {
	}
}

// walk empties the marked set, running each unit. It answers false when a
// unit panicked; its rule is suspended and the rest still marked.
func (e *Engine) walk(ev *event.Event, matched func(*unit, *event.Event)) (done bool) {
	u := e.marks.pop()
	if u < 0 {
		return true
	}
	defer func() { e.recovered(e.units[e.running].state, recover()) }()
	for ; u >= 0; u = e.marks.pop() {
		x := &e.units[u]
		if x.state.suspended || x.state.onAlerts != e.shown {
			continue
		}
		e.running = u
		e.stats.Candidates++
		if !e.budget.timing {
			e.run(x, ev, matched)
			continue
		}
		began := e.budget.watch()
		e.run(x, ev, matched)
		x.state.spent += min(e.budget.watch().Sub(began), longestRun)
	}
	return true
}

func (e *Engine) run(x *unit, ev *event.Event, matched func(*unit, *event.Event)) {
	if x.prog(ev) {
		e.stats.Matches++
		matched(x, ev)
	}
}

// Stats returns the counters.
func (e *Engine) Stats() Stats {
	s := e.stats
	for _, st := range e.states {
		if st.table != nil {
			s.Late += st.table.late
			s.Evicted += st.table.evicted
		}
	}
	return s
}

var (
	fieldTime         = event.MustLookup("@timestamp")
	fieldReceived     = event.MustLookup("received")
	fieldIngested     = event.MustLookup("event.ingested")
	fieldSkew         = event.MustLookup("time.skew")
	fieldMunicipality = event.MustLookup("municipality")
	fieldZone         = event.MustLookup("zone")
	fieldSourceZone   = event.MustLookup("source.zone")
)

// timeOf is when an event happened: as its device says, corrected where its
// clock is known to be wrong, and never after it was seen.
func (e *Engine) timeOf(ev *event.Event) int64 {
	at, ok := ev.Get(fieldTime)
	ns := at.Int()
	if skew, wrong := ev.Get(fieldSkew); wrong {
		ns += skew.Int() * int64(time.Millisecond)
	}
	for _, f := range [...]event.Field{fieldReceived, fieldIngested} {
		if seen, has := ev.Get(f); has && (!ok || seen.Int() < ns) {
			ns, ok = seen.Int(), true
		}
	}
	if !ok {
		return e.opts.Now().UnixNano()
	}
	return ns
}

// arrived is when the prefecture had an event; without that, when it happened.
func (e *Engine) arrived(ev *event.Event) int64 {
	if at, ok := ev.Get(fieldIngested); ok {
		return at.Int()
	}
	return e.timeOf(ev)
}

// observe takes a match to its rule's correlation.
func (e *Engine) observe(u *unit, ev *event.Event) {
	st, at := u.state, e.timeOf(ev)
	town := ev.Str(fieldMunicipality)
	for i, a := range st.rule.Allow {
		if (a.Municipality == "" || a.Municipality == town) && (a.Expires.IsZero() || at < a.Expires.UnixNano()) && st.allow[i](ev) {
			e.stats.Allowed++
			return
		}
	}
	switch {
	case st.table == nil:
		e.single(st.rule, ev, at)
	case st.table.kind == nil:
		e.suppressed(st, ev, at)
	default:
		e.take(u, ev, at)
	}
}
