package console

import (
	"math"
	"slices"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
)

// When a collector is worth a look, and when somebody must act.
const (
	heardAct  = 5 * time.Minute
	clockLook = 5.0 // seconds
	waitLook  = 10 * time.Minute
	certLook  = 30 * 24 * time.Hour
)

// coverTown is one municipality in the table of what should arrive.
type coverTown struct {
	Code  string
	Level level
	Cells []coverCell // by zone, as zones() has them
}

// coverCell is what should arrive from one zone of one municipality.
type coverCell struct {
	Zone    string
	Level   level
	All     int
	Resting int
	Bad     []coverSource
}

type coverSource struct {
	Coverage
	Level level
}

// zones are the columns of the table; "" takes what has no zone.
func zones() []string { return []string{event.ZoneMyNumber, event.ZoneLGWAN, event.ZoneInternet, ""} }

// cover arranges the sources by municipality and zone, the worst first.
func cover(list []Coverage) []coverTown {
	byCode := map[string]*coverTown{}
	var towns []*coverTown
	for _, c := range list {
		t := byCode[c.Municipality]
		if t == nil {
			t = &coverTown{Code: c.Municipality, Level: normal}
			for _, z := range zones() {
				t.Cells = append(t.Cells, coverCell{Zone: z, Level: normal})
			}
			byCode[c.Municipality], towns = t, append(towns, t)
		}
		cell := &t.Cells[max(0, slices.Index(zones(), c.Zone))]
		cell.take(c)
	}
	for _, t := range towns {
		for _, cell := range t.Cells {
			if cell.All > 0 {
				t.Level = worse(t.Level, cell.Level)
			}
		}
	}
	slices.SortStableFunc(towns, func(a, b *coverTown) int { return weight(b.Level) - weight(a.Level) })
	out := make([]coverTown, len(towns))
	for i, t := range towns {
		out[i] = *t
	}
	return out
}

func (c *coverCell) take(s Coverage) {
	c.All++
	l := normal
	switch s.Phase {
	case "silent":
		if l = action; s.Since.IsZero() {
			l = caution
		}
	case "garbled":
		l = caution
	case "waiting":
		if l = unknown; s.Collector == "" {
			l = caution
		}
	case "resting":
		c.Resting++
	}
	if l != normal {
		c.Bad = append(c.Bad, coverSource{s, l})
	}
	c.Level = worse(c.Level, l)
}

// weight orders the levels where what has never come is worse than what does.
func weight(l level) int { return [...]int{unknown: 1, normal: 0, caution: 2, action: 3}[l] }

func worse(a, b level) level {
	if weight(a) > weight(b) {
		return a
	}
	return b
}

// coverText says how one source stands.
func (v *view) coverText(s *coverSource) string {
	switch {
	case s.Collector == "":
		return v.T("cover.nobody")
	case s.Phase == "garbled":
		return v.T("cover.garbled")
	case s.Since.IsZero():
		return v.T("cover.waiting")
	}
	return v.T("cover.silent", v.Rel(s.Since))
}

// collectorRow is one collector in the list.
type collectorRow struct {
	CollectorStatus
	Level level
	Notes []string // what is wrong, in words
	Cert  time.Time
}

// collectorRows judges the collectors, the worst first.
func (v *view) collectorRows(list []CollectorStatus) []collectorRow {
	out := make([]collectorRow, 0, len(list))
	for _, c := range list {
		out = append(out, v.collector(c))
	}
	slices.SortStableFunc(out, func(a, b collectorRow) int { return weight(b.Level) - weight(a.Level) })
	return out
}

func (v *view) collector(c CollectorStatus) collectorRow {
	r := collectorRow{CollectorStatus: c, Level: normal}
	if c.Heard.IsZero() {
		r.Level = unknown
		return r
	}
	note := func(l level, text string) {
		r.Level = max(r.Level, l)
		r.Notes = append(r.Notes, text)
	}
	if v.Now.Sub(c.Heard) > heardAct {
		note(action, v.T("coll.lost", v.Span(v.Now.Sub(c.Heard))))
	}
	if c.Spool.Full {
		note(action, v.T("coll.full"))
	} else if wait := v.Now.Sub(c.Spool.Oldest); c.Spool.Frames > 0 && !c.Spool.Oldest.IsZero() && wait > waitLook {
		note(caution, v.T("coll.waits", v.Span(wait)))
	}
	if math.Abs(c.Offset) >= clockLook {
		note(caution, v.T("coll.clock", v.offset(c.Offset)))
	}
	for _, x := range c.Certificates {
		if r.Cert.IsZero() || x.NotAfter.Before(r.Cert) {
			r.Cert = x.NotAfter
		}
	}
	switch left := r.Cert.Sub(v.Now); {
	case r.Cert.IsZero():
	case left <= 0:
		note(action, v.T("coll.certended", v.Abs(r.Cert)))
	case left < certLook:
		note(caution, v.T("coll.certends", v.Span(left)))
	}
	if c.Tried > c.Config {
		note(caution, v.T("coll.tried", c.Tried))
	}
	var lost uint64
	for i := range c.Sources {
		s := &c.Sources[i]
		for _, n := range s.Dropped {
			lost += n
		}
		if s.Trouble != "" {
			note(caution, v.T("coll.source", s.Source, cut(s.Trouble, 120)))
		}
	}
	if lost > 0 {
		note(caution, v.T("coll.dropped", v.Num(lost)))
	}
	if c.Trouble != "" {
		note(caution, v.T("coll.trouble", cut(c.Trouble, 120)))
	}
	return r
}

// offset is how wrong a clock is, in words.
func (v *view) offset(seconds float64) string {
	span := v.Span(time.Duration(math.Abs(seconds) * float64(time.Second)))
	switch {
	case math.Abs(seconds) < 1:
		return v.T("coll.clockright")
	case seconds > 0:
		return v.T("coll.clockfast", span)
	}
	return v.T("coll.clockslow", span)
}

// day is a date without the time.
func (v *view) day(t time.Time) string { return t.In(calendar.JST()).Format("2006-01-02") }

// coverSentence says in one sentence whether all that should arrive does.
func (v *view) coverSentence(towns []coverTown) (level, string) {
	worst, all := normal, 0
	var silent []string
	for _, t := range towns {
		for _, c := range t.Cells {
			all += c.All
			for _, s := range c.Bad {
				if s.Level == action {
					silent = append(silent, v.coverName(&s))
				}
				worst = worse(worst, s.Level)
			}
		}
	}
	switch {
	case len(silent) > 3:
		return worst, v.T("cover.stopped", strings.Join(silent[:3], v.T("list.comma"))+" "+v.T("andmore", len(silent)-3))
	case len(silent) > 0:
		return worst, v.T("cover.stopped", strings.Join(silent, v.T("list.comma")))
	case worst != normal:
		return worst, v.T("cover.look", all)
	}
	return worst, v.T("cover.good", all)
}

// coverName names a source so that a person finds it.
func (v *view) coverName(s *coverSource) string {
	name := s.Source
	if s.Kind != "" {
		name = v.T("cover.name", s.Source, s.Kind)
	}
	if v.Wide() {
		name = v.Town(s.Municipality) + " " + name
	}
	return name
}

// split cuts a list where it becomes long, never among what is wrong.
func split[T any](list []T, bad func(T) bool) (shown, more []T) {
	const most = 8
	n := 0
	for n < len(list) && (n < most || bad(list[n])) {
		n++
	}
	return list[:n], list[n:]
}
