package silence

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Bounds and delays of a watcher.
const (
	maxSources = 20_000           // watched at most
	step       = time.Minute      // of learning
	blind      = 5 * time.Minute  // without a look, after which we settle first
	settle     = 10 * time.Minute // after we were blind
	overdue    = 5 * time.Minute  // without a heartbeat
	stuck      = 10 * time.Minute // a line is with the collector and not here
	outage     = 48 * time.Hour   // a silence so long teaches nothing about hours
	forget     = 100 * 24 * time.Hour
)

// source is one that is watched.
type source struct {
	Key
	First   time.Time // when it was first expected
	Mark    time.Time // receive time of its newest line
	Active  time.Time // when, by the clock here, that line was first seen; zero when none has ever come
	Arrived time.Time // receive time of the newest line here
	Owed    time.Time // since when, by the clock here, its collector has had a line that is not here; zero when there is none
	OwedTo  time.Time // that line's receive time
	Watched time.Time // newest minute that was learned from
	Silent  bool
	Blind   bool // since that line, what it did could not be known for a while
	Cadence cadence
	Reading reading

	expected Expected
	seen     Seen
	present  bool
}

// Watcher learns and judges. It is not safe for concurrent use.
type Watcher struct {
	days    days
	sources map[Key]*source
	open    map[string]finding // by subject: what was told and is not over
	looked  time.Time
	settled time.Time
	refused int
	states  []State
}

// NewWatcher makes one that knows nothing yet.
func NewWatcher() *Watcher {
	return &Watcher{sources: map[Key]*source{}, open: map[string]finding{}}
}

// Refused is how many sources are not watched since there are too many.
func (w *Watcher) Refused() int { return w.refused }

// States lists the expected sources as the newest Observe found them, by
// municipality, zone, collector and source.
func (w *Watcher) States() []State { return slices.Clone(w.states) }

// Observe takes what is known at a moment, once a minute or so, and tells what
// has begun and what is over.
func (w *Watcher) Observe(o Observation) []Change {
	if w.looked.IsZero() || o.At.Sub(w.looked) > blind || o.At.Before(w.looked) {
		w.settled = o.At.Add(settle)
	}
	w.looked = o.At
	quiet := o.At.Before(w.settled)
	absent := w.missing(&o)
	w.take(&o)
	for _, s := range w.sources {
		if s.present {
			_, gone := absent[s.Collector]
			w.watch(s, o.At, gone || quiet)
		}
	}
	found := w.findings(&o, absent)
	w.states = w.judged(absent)
	if quiet {
		return nil
	}
	return w.changes(found, o.At)
}

// take notes what is expected and what was seen of it.
func (w *Watcher) take(o *Observation) {
	for _, s := range w.sources {
		s.present = false
	}
	w.refused = 0
	for _, e := range o.Expected {
		s := w.sources[e.Key]
		if s == nil {
			if len(w.sources) >= maxSources {
				w.refused++
				continue
			}
			s = &source{Key: e.Key, First: o.At}
			w.sources[e.Key] = s
		}
		s.expected, s.seen, s.present = e, o.Seen[e.Key], true
	}
	maps.DeleteFunc(w.sources, func(_ Key, s *source) bool {
		return !s.present && o.At.Sub(s.Watched) > forget && o.At.Sub(s.First) > forget
	})
}

// watch learns from one source and judges it. While blind, what it does can't
// be known.
func (w *Watcher) watch(s *source, at time.Time, blind bool) {
	s.owe(at)
	mark := later(s.Arrived, s.seen.Held)
	active := mark.After(s.Mark)
	since := s.since()
	if active {
		if s.Active.IsZero() { // its past is not known
			since = at
		}
		switch {
		case s.Silent:
			s.Cadence.woke(&w.days, at, since)
		case !s.Blind:
			s.Cadence.learn(&w.days, since, at)
		}
		s.Cadence.gap(&w.days, at, since)
		s.Mark, s.Active, s.Silent, s.Blind = mark, at, false, false
	}
	if at.Sub(s.Watched) >= step-time.Second || at.Before(s.Watched) {
		s.Watched = at
		if !s.Active.IsZero() {
			s.Cadence.watch(&w.days, at, active, blind || s.Silent && at.Sub(s.Active) > outage)
		}
		s.Reading.minute()
	}
	s.Blind = s.Blind || blind
	s.Reading.take(s.seen.Stored, s.seen.Quarantined)
	if !blind && !s.Silent {
		s.Silent = s.quiet(&w.days, at)
	}
}

// quiet tells that the source should have sent.
func (s *source) quiet(d *days, at time.Time) bool {
	if q := s.expected.Quiet; q > 0 {
		if s.Active.IsZero() { // people need time to set it up
			q = max(q, 24*time.Hour)
		}
		return at.Sub(s.since()) > q
	}
	return s.Cadence.silent(d, at, s.since())
}

// since is when its newest line was seen, or when we began to expect one.
func (s *source) since() time.Time {
	if s.Active.IsZero() {
		return s.First
	}
	return s.Active
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// missing names the collectors whose heartbeats are overdue, with the newest.
func (w *Watcher) missing(o *Observation) map[string]time.Time {
	out := map[string]time.Time{}
	for _, c := range o.Collectors {
		if !c.Heard.IsZero() && o.At.Sub(c.Heard) > overdue {
			out[c.ID] = c.Heard
		}
	}
	return out
}

// judged lists how each expected source stands.
func (w *Watcher) judged(absent map[string]time.Time) []State {
	var out []State
	for _, s := range w.sources {
		if !s.present {
			continue
		}
		st := State{Expected: s.expected, Since: s.Mark, Learned: s.Cadence.learned() || s.expected.Quiet > 0, Phase: Resting}
		_, gone := absent[s.Collector]
		switch {
		case gone:
			st.Phase, st.Cause = Silent, w.above(s)
		case s.stuck(w.looked):
			st.Phase, st.Cause = Silent, Delivery
		case s.Silent:
			st.Phase, st.Cause = Silent, w.nearest(s)
		case s.Active.IsZero():
			st.Phase = Waiting
		case s.Reading.Bad:
			st.Phase, st.Cause = Garbled, Format
		case w.looked.Sub(s.Active) <= 15*time.Minute:
			st.Phase = Arriving
		}
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b State) int {
		return cmp.Or(cmp.Compare(a.Municipality, b.Municipality), cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Collector, b.Collector), cmp.Compare(a.Source, b.Source))
	})
	return out
}

// owe notes since when the collector has had a line that has not come here.
func (s *source) owe(at time.Time) {
	s.Arrived = later(s.Arrived, s.seen.Last)
	switch {
	case !s.Owed.IsZero() && !s.Arrived.Before(s.OwedTo):
		s.Owed, s.OwedTo = time.Time{}, time.Time{}
		s.owe(at) // for a newer one
	case s.Owed.IsZero() && s.seen.Held.After(s.Arrived):
		s.Owed, s.OwedTo = at, s.seen.Held
	}
}

// stuck tells that the collector has had a line for a while that is not here.
func (s *source) stuck(now time.Time) bool { return !s.Owed.IsZero() && now.Sub(s.Owed) > stuck }
