package rules

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"mimamori/event"
)

// maxEvidence is how many events an alert carries.
const maxEvidence = 20

// blankAlert is what all alerts of a rule say.
func blankAlert(r *Rule) event.Alert {
	return event.Alert{
		Rule: r.ID, Version: r.Version, Title: r.Title, Explain: r.Explain, Respond: r.Respond,
		Severity: r.Severity, Attack: r.Attack, Test: r.Status == InTest,
	}
}

func (e *Engine) newAlert(r *Rule, ev *event.Event) event.Alert {
	a := blankAlert(r)
	a.Municipality, a.Zone = strings.Clone(ev.Str(fieldMunicipality)), strings.Clone(zoneOf(ev))
	return a
}

func zoneOf(ev *event.Event) string {
	if zone := ev.Str(fieldZone); zone != "" {
		return zone
	}
	return ev.Str(fieldSourceZone)
}

func (e *Engine) finish(a event.Alert, key string, start, end int64) {
	a.Key, a.Start, a.End = key, time.Unix(0, start).UTC(), time.Unix(0, end).UTC()
	a.ID = event.AlertID(a.Rule, a.Version, a.Municipality, a.Key, a.Start)
	e.pending = append(e.pending, a)
}

// single makes an alert of one event; its key is the event's identity.
func (e *Engine) single(r *Rule, ev *event.Event, at int64) {
	a := e.newAlert(r, ev)
	a.Count, a.Events = 1, []event.Evidence{{Ref: cloneRef(ev.Ref), JSON: e.freeze(ev)}}
	e.finish(a, refKey(ev.Ref), at, at)
}

// suppressed makes one alert of the events of a group in one span of time. It is
// the same alert whichever of them comes first.
func (e *Engine) suppressed(st *state, ev *event.Event, at int64) {
	t := st.table
	t.clock = e.clock
	t.scratch = encodeKey(t.scratch[:0], t.by, ev)
	g := t.get(&t.live)
	begin := span(at, t.within)
	i, ok := g.find(begin)
	if ok {
		return
	}
	g.entries = slices.Insert(g.entries, i, entry{at: begin})
	if len(g.entries) > maxSpans {
		g.entries = g.entries[1:]
	}
	a := e.newAlert(st.rule, ev)
	a.Count, a.Events = 1, []event.Evidence{{Ref: cloneRef(ev.Ref), JSON: e.freeze(ev)}}
	e.finish(a, cmp.Or(readableKey(g.key, t.by), refKey(ev.Ref)), at, at)
	last := &e.pending[len(e.pending)-1]
	last.ID = event.AlertID(last.Rule, last.Version, last.Municipality, last.Key, time.Unix(0, begin).UTC())
}

// maxSpans is how many spans with an alert a group remembers: a day's outage by
// the hour, and some more.
const maxSpans = 64

// take lets an event wait for its turn in its rule's correlation.
func (e *Engine) take(u *unit, ev *event.Event, at int64) {
	t, c := u.state.table, u.state.rule.Correlate
	x := arrival{at: at, step: u.step, seq: ev.Ref.Seq, from: e.origin(ev)}
	if !x.value(c, ev) {
		return
	}
	by := t.by
	if u.step < len(c.Steps) && c.Steps[u.step].By != nil {
		by = c.Steps[u.step].By
	}
	l := &t.live
	if !t.free {
		if l = t.lane(at, e.clock, x.from, delayed(ev, t.lateness)); l == nil {
			return
		}
	}
	t.scratch = encodeKey(t.scratch[:0], by, ev)
	if l != &t.live {
		t.scratch = append(t.scratch, l.name...)
	}
	t.clock = e.clock
	g := t.get(l)
	x.group = g
	if x.keep = t.kind.near(g, &x); x.keep && t.bytes < evidenceBudget {
		x.json = e.freeze(ev)
		t.bytes += len(x.json)
	}
	l.seen = e.clock
	g.waiting++
	t.waiting++
	if t.free && at < e.clock-t.lateness {
		t.waiting--
		t.judge(l, &x, e.found)
		if t.waiting > 0 { // it wants to be woken
			e.attend(u.state)
		}
		return
	}
	l.push(x)
	if t.waiting == 1 {
		e.attend(u.state)
	}
}

// value sets what the event counts for; false where it has nothing to count.
func (x *arrival) value(c *Correlate, ev *event.Event) bool {
	switch c.Type {
	case "distinct":
		if len(c.Fields) > 1 { // all of them are one value
			for _, f := range c.Fields {
				if v, ok := ev.Get(f); !ok || v.Text() == "" {
					return false
				}
			}
			x.n = hashText(string(encodeKey(nil, c.Fields, ev)))
			return true
		}
		v, ok := ev.Get(c.Fields[0])
		s := v.Text()
		x.n = hashText(s)
		return ok && s != ""
	case "new":
		key := encodeKey(nil, c.Fields, ev)
		x.text, x.n = readableKey(string(key), c.Fields), hashText(string(key))
		return x.text != ""
	case "sum", "avg", "percentile":
		v, ok := ev.Get(c.Fields[0])
		if v.Kind() == event.Double {
			f := v.Float() * doubles
			x.n = uint64(int64(max(-maxSummand, min(f, maxSummand))))
			return ok && f == f
		}
		x.n = uint64(max(-maxSummand, min(v.Int(), maxSummand)))
		return ok
	}
	return true
}

// maxSummand bounds one value, so that a sum of maxCount of them is a number.
const maxSummand = 1 << 46

// delayed tells whether an event was long under way from its collector.
func delayed(ev *event.Event, lateness int64) bool {
	received, ok := ev.Get(fieldReceived)
	ingested, both := ev.Get(fieldIngested)
	return ok && both && ingested.Int()-received.Int() > lateness
}

// origin is where an event comes from, the same for all that come from there.
func (e *Engine) origin(ev *event.Event) *origin {
	o := origin{ev.Ref.Collector, ev.Ref.Source, ev.Ref.Epoch, ev.Str(fieldMunicipality), zoneOf(ev)}
	if e.last != nil && *e.last == o {
		return e.last
	}
	e.last = &origin{strings.Clone(o.collector), strings.Clone(o.source), o.epoch, strings.Clone(o.town), strings.Clone(o.zone)}
	return e.last
}

// found makes an alert of what a group came to.
func (e *Engine) found(t *table, x *arrival, g *group, f finding) {
	a := t.alert
	a.Municipality, a.Zone = g.town, x.from.zone
	if g.mixed {
		a.Municipality = ""
	}
	a.Count = f.count
	for _, k := range g.kept {
		a.Events = append(a.Events, k.Evidence)
	}
	e.finish(a, strings.TrimSpace(readableKey(g.key, t.by)+" "+x.text), f.start, f.end)
}

// freeze is the event at hand as evidence, one text for all rules that keep it.
func (e *Engine) freeze(ev *event.Event) []byte {
	if e.frozen == nil {
		e.scratch = ev.AppendJSON(e.scratch[:0])
		e.frozen = bytes.Clone(e.scratch)
	}
	return e.frozen
}

func cloneRef(r event.Ref) event.Ref {
	r.Collector, r.Source = strings.Clone(r.Collector), strings.Clone(r.Source)
	return r
}
