package rules

import (
	"io"
	"log/slog"
	"time"

	"mimamori/event"
	"mimamori/internal/lang"
)

// Options of an engine. The zero value works.
type Options struct {
	Lists  lang.Lists       // answers inList; nil: no list has members
	Now    func() time.Time // time of events that carry none; nil: time.Now
	Log    *slog.Logger     // nil: silent
	Groups int              // most group keys kept per rule; 0: 100,000
	Naive  bool             // run every rule on every event: the oracle of the index
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
	states  []*state
	index   *partitions
	marks   *bitset
	opts    Options
	stats   Stats
	pending []event.Alert
	running int32 // unit being evaluated, for a panic's notice
}

// unit is one condition of one rule, compiled.
type unit struct {
	state *state
	step  int
	prog  lang.Program
}

// state is a rule at work.
type state struct {
	rule      *Rule
	allow     []lang.Program
	groups    *table // nil: every match is an alert
	kind      correlation
	suspended bool
}

// NewEngine compiles the rules of the set that run: stable and test.
func NewEngine(s *Set, opts Options) *Engine {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if opts.Groups <= 0 {
		opts.Groups = 100_000
	}
	e := &Engine{opts: opts}
	var roots []lang.Node
	for _, r := range s.rules {
		if r.Status == Draft || r.Status == Deprecated {
			continue
		}
		st := newState(r, opts)
		e.states = append(e.states, st)
		for _, c := range r.units {
			roots = append(roots, c.root)
			e.units = append(e.units, unit{st, c.step, (&lang.Expr{Root: cheapFirst(c.root)}).Compile(opts.Lists)})
		}
	}
	e.index, e.marks = newPartitions(roots, opts.Naive), newBitset(len(e.units))
	return e
}

func newState(r *Rule, opts Options) *state {
	st := &state{rule: r}
	for _, a := range r.Allow {
		st.allow = append(st.allow, a.When.Compile(opts.Lists))
	}
	switch c := r.Correlate; {
	case c == nil && r.Suppress == nil:
		return st
	case c == nil:
		st.groups = newTable(r.Suppress.By, int64(r.Suppress.For), opts.Groups)
	default:
		st.groups = newTable(c.By, int64(c.Within), opts.Groups)
		st.kind = correlations[c.Type](c)
	}
	return st
}

// Evaluate runs the rules on the batch's events, in their order, and hands each
// finding to emit. An alert and its evidence are the receiver's own.
func (e *Engine) Evaluate(b *event.Batch, emit func(event.Alert)) {
	for i := range b.Events {
		ev := &b.Events[i]
		e.stats.Events++
		e.index.candidates(ev, e.marks)
		for !e.walk(ev, e.observe) { // a rule panicked: it is out, go on
		}
		if len(e.pending) == 0 {
			continue
		}
		for _, a := range e.pending {
			emit(a)
		}
		e.stats.Alerts += uint64(len(e.pending))
		clear(e.pending)
		e.pending = e.pending[:0]
	}
}

// Match calls fn with each rule of which a condition holds for the event, each
// once, correlations aside.
func (e *Engine) Match(ev *event.Event, fn func(*Rule)) {
	var last *Rule
	report := func(u *unit, _ *event.Event) {
		if r := u.state.rule; r != last {
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
	defer func() {
		if p := recover(); p != nil {
			st := e.units[e.running].state
			st.suspended = true
			e.stats.Suspended = append(e.stats.Suspended, st.rule.ID)
			e.opts.Log.Error("a rule failed and is suspended", "rule", st.rule.ID, "file", st.rule.File, "error", p)
		}
	}()
	for ; u >= 0; u = e.marks.pop() {
		x := &e.units[u]
		if x.state.suspended {
			continue
		}
		e.running = u
		e.stats.Candidates++
		if x.prog(ev) {
			e.stats.Matches++
			matched(x, ev)
		}
	}
	return true
}

// Stats returns the counters.
func (e *Engine) Stats() Stats {
	s := e.stats
	for _, st := range e.states {
		if st.groups != nil {
			s.Late += st.groups.late
			s.Evicted += st.groups.evicted
		}
	}
	return s
}

var (
	fieldTime         = event.MustLookup("@timestamp")
	fieldReceived     = event.MustLookup("received")
	fieldMunicipality = event.MustLookup("municipality")
	fieldZone         = event.MustLookup("zone")
	fieldSourceZone   = event.MustLookup("source.zone")
)

// futureTolerance is how far a device's clock may be ahead of the collector's
// before the collector's is used: a wrong clock must not void everyone's windows.
const futureTolerance = int64(10 * time.Minute)

func (e *Engine) timeOf(ev *event.Event) int64 {
	at, ok := ev.Get(fieldTime)
	rec, received := ev.Get(fieldReceived)
	switch {
	case ok && received && at.Int() > rec.Int()+futureTolerance:
		return rec.Int()
	case ok:
		return at.Int()
	case received:
		return rec.Int()
	}
	return e.opts.Now().UnixNano()
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
	if st.groups == nil {
		e.single(st.rule, ev, at)
		return
	}
	g := st.groups.get(ev, town, at)
	if st.kind == nil {
		e.suppressed(st, g, ev, at)
		return
	}
	e.correlate(u, g, ev, at)
}
