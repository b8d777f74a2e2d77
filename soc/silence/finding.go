package silence

import (
	"maps"
	"slices"
	"time"

	"mimamori/event"
)

// Rule is the id of the rule that silences are alerts of.
const Rule = "mimamori-silence"

// version changes when the texts or the judgement do.
const version = "1"

// finding is one thing that is wrong.
type finding struct {
	ID           string // of its alert
	Cause        Cause
	Municipality string
	Zone         string
	Since        time.Time

	collector, source, kind string
	town                    int // how many collectors or towns it is about
}

// Change is the begin or the end of a finding.
type Change struct {
	Alert event.Alert     // what began; its ID alone when it is over
	Over  bool            // it is over
	Note  event.Localized // how it ended
}

// findings tells what is wrong now, by subject. What is wrong with a whole town
// or a whole collector is told once, and not for each source.
func (w *Watcher) findings(o *Observation, absent map[string]time.Time) map[string]finding {
	out := map[string]finding{}
	towns := byTown(o.Collectors)
	down := map[string]bool{}
	for town, ids := range towns {
		if n := countIn(ids, absent); n == len(ids) && n > 0 {
			down[town] = true
		}
	}
	if len(down) >= 3 && len(down)*5 >= len(towns)*4 {
		out["prefecture"] = finding{Cause: Prefecture, Since: oldest(absent), town: len(down)}
	}
	stuck := map[string]bool{}
	for _, c := range o.Collectors {
		heard, gone := absent[c.ID]
		switch {
		case !gone || len(out) > 0 && out["prefecture"].Cause == Prefecture && down[c.Municipality]:
		case down[c.Municipality] && len(towns[c.Municipality]) > 1:
			f := out["town="+c.Municipality]
			if f.Since.IsZero() || heard.Before(f.Since) {
				f.Since = heard
			}
			f.Cause, f.Municipality, f.town = Link, c.Municipality, f.town+1
			out["town="+c.Municipality] = f
		default:
			out["collector="+c.ID] = finding{Cause: Machine, Municipality: c.Municipality, Since: heard, collector: c.ID, town: len(towns[c.Municipality])}
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(w.sources), compareKeys) {
		s := w.sources[k]
		if _, gone := absent[s.Collector]; gone || !s.present {
			continue
		}
		f := finding{Municipality: s.expected.Municipality, Zone: s.expected.Zone, Since: s.Mark, collector: s.Collector, source: s.Source, kind: s.expected.Kind}
		if f.Since.IsZero() {
			f.Since = s.First
		}
		switch {
		case s.stuck(o.At):
			if stuck[s.Collector] {
				continue
			}
			stuck[s.Collector] = true
			f.Cause, f.source, f.Zone, f.Since = Delivery, "", "", s.Arrived
			if f.Since.IsZero() {
				f.Since = s.First
			}
			out["delivery="+s.Collector] = f
		case s.Silent:
			f.Cause = w.nearest(s)
			out[subject(s.Key)] = f
		case s.Reading.Bad:
			f.Cause, f.Since = Format, s.First
			out[subject(s.Key)] = f
		}
	}
	return out
}

// subject names a source as alerts do.
func subject(k Key) string { return "collector=" + k.Collector + " source=" + k.Source }

func byTown(list []Collector) map[string][]string {
	out := map[string][]string{}
	for _, c := range list {
		if !c.Heard.IsZero() {
			out[c.Municipality] = append(out[c.Municipality], c.ID)
		}
	}
	return out
}

func countIn(ids []string, in map[string]time.Time) int {
	n := 0
	for _, id := range ids {
		if _, ok := in[id]; ok {
			n++
		}
	}
	return n
}

func oldest(m map[string]time.Time) time.Time {
	var t time.Time
	for _, x := range m {
		if t.IsZero() || x.Before(t) {
			t = x
		}
	}
	return t
}

// nearest is the likely cause of a silent source whose collector is there, or
// whose collector sends no heartbeats.
func (w *Watcher) nearest(s *source) Cause {
	if s.Active.IsZero() {
		return Never
	}
	if !s.seen.Held.IsZero() { // by the collector's own account
		return Device
	}
	others := 0
	for _, x := range w.sources {
		if x.present && x.Collector == s.Collector && x.Key != s.Key {
			if !x.Silent {
				return Device
			}
			others++
		}
	}
	if others == 0 {
		return Device
	}
	return Machine
}

// above is the cause for a source of a missing collector.
func (w *Watcher) above(s *source) Cause {
	for _, subject := range []string{"prefecture", "town=" + s.expected.Municipality} {
		if f, ok := w.open[subject]; ok {
			return f.Cause
		}
	}
	return Machine
}

// changes compares what is wrong with what was told.
func (w *Watcher) changes(found map[string]finding, at time.Time) []Change {
	var out []Change
	for _, key := range slices.Sorted(maps.Keys(found)) {
		f := found[key]
		old, told := w.open[key]
		if told && old.Cause == f.Cause {
			continue
		}
		if told {
			out = append(out, Change{Alert: event.Alert{ID: old.ID}, Over: true, Note: noteOther()})
		}
		a := f.alert(key, at)
		f.ID = a.ID
		w.open[key] = f
		out = append(out, Change{Alert: a})
	}
	for _, key := range slices.Sorted(maps.Keys(w.open)) {
		if _, still := found[key]; !still {
			out = append(out, Change{Alert: event.Alert{ID: w.open[key].ID}, Over: true, Note: w.open[key].over(at)})
			delete(w.open, key)
		}
	}
	return out
}
