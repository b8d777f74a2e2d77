package rules

import (
	"bytes"
	"strings"
	"time"

	"mimamori/event"
)

// maxEvidence is how many events an alert carries.
const maxEvidence = 20

func (e *Engine) newAlert(r *Rule, ev *event.Event) event.Alert {
	zone := ev.Str(fieldZone)
	if zone == "" {
		zone = ev.Str(fieldSourceZone)
	}
	return event.Alert{
		Rule: r.ID, Version: r.Version, Title: r.Title, Explain: r.Explain, Respond: r.Respond,
		Severity: r.Severity, Attack: r.Attack, Test: r.Status == InTest,
		Municipality: strings.Clone(ev.Str(fieldMunicipality)), Zone: strings.Clone(zone),
	}
}

func (e *Engine) finish(a event.Alert, key string, start, end int64) {
	a.Key, a.Start, a.End = key, time.Unix(0, start).UTC(), time.Unix(0, end).UTC()
	a.ID = event.AlertID(a.Rule, a.Version, a.Municipality, a.Key, a.Start)
	e.pending = append(e.pending, a)
}

// single makes an alert of one event; its key is the event's identity.
func (e *Engine) single(r *Rule, ev *event.Event, at int64) {
	a := e.newAlert(r, ev)
	a.Count, a.Events = 1, []event.Evidence{freeze(ev)}
	e.finish(a, refKey(ev.Ref), at, at)
}

// suppressed makes one alert of the events of a group that lie within the span
// of its first.
func (e *Engine) suppressed(st *state, g *group, ev *event.Event, at int64) {
	if g.fired && at <= g.last+st.groups.within && at >= g.last-st.groups.within {
		return
	}
	g.fired, g.last = true, at
	a := e.newAlert(st.rule, ev)
	a.Count, a.Events = 1, []event.Evidence{freeze(ev)}
	e.finish(a, orElse(st.groups.readable(g.key), refKey(ev.Ref)), at, at)
}

// correlate takes one more event into a group and fires when it is complete.
func (e *Engine) correlate(u *unit, g *group, ev *event.Event, at int64) {
	st, t := u.state, u.state.groups
	if g.fired {
		if at <= g.last+t.within {
			g.last = max(g.last, at)
			return
		}
		t.clear(g)
	}
	newest := at
	if len(g.entries) > 0 {
		newest = max(at, g.last)
	}
	if at < newest-t.within {
		t.late++
		return
	}
	g.last = newest
	t.prune(g, newest-t.within)
	if town := ev.Str(fieldMunicipality); town != g.town {
		g.mixed = true
	}
	st.kind.add(g, entry{at: at, step: int32(u.step), value: st.value(ev)})
	if st.kind.near(g) {
		t.keep(g, ev, at)
	}
	if !st.kind.complete(g) {
		return
	}
	a := e.newAlert(st.rule, ev)
	if g.mixed {
		a.Municipality = ""
	}
	start, end := g.entries[0].at, g.entries[len(g.entries)-1].at
	a.Count, a.Events = len(g.entries), t.evidence(g)
	key := t.readable(g.key)
	t.clear(g)
	g.fired, g.last = true, newest
	e.finish(a, key, start, end)
}

// value is what a distinct rule counts.
func (st *state) value(ev *event.Event) string {
	c := st.rule.Correlate
	if c.Type != "distinct" {
		return ""
	}
	v, _ := ev.Get(c.Field)
	return clip(v.Text())
}

func freeze(ev *event.Event) event.Evidence {
	return event.Evidence{Ref: cloneRef(ev.Ref), JSON: bytes.Clone(ev.AppendJSON(nil))}
}

func cloneRef(r event.Ref) event.Ref {
	r.Collector, r.Source = strings.Clone(r.Collector), strings.Clone(r.Source)
	return r
}
