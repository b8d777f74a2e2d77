package format

import (
	"strings"
	"time"

	"mimamori/event"
)

// ownTime finds the event's own time by the format's time list.
func (p *Parser) ownTime(f *compiled) (int64, bool) {
	for i := range f.times {
		t := &f.times[i]
		if t.when != nil && !t.when(p.x) {
			continue
		}
		text, ok := p.timeText(t)
		if !ok {
			continue
		}
		c := &p.clock
		if t.utc {
			c = &p.utc
		}
		if len(t.layouts) == 0 {
			if at, ok := c.auto(text); ok {
				return at, true
			}
		}
		for _, l := range t.layouts {
			if at, err := time.ParseInLocation(l, strings.TrimSpace(text), c.zone); err == nil {
				if at.Year() == 0 { // a layout without a year
					s := stamp{mo: int(at.Month()), d: at.Day(), h: at.Hour(), mi: at.Minute(), s: at.Second()}
					at = at.AddDate(c.latestYear(s), 0, 0)
				}
				return at.UnixNano(), true
			}
		}
	}
	return 0, false
}

// timeText joins the texts of a time's keys.
func (p *Parser) timeText(t *timeSpec) (string, bool) {
	if len(t.slots) == 1 {
		return p.rawAt(t.slots[0])
	}
	p.buf = p.buf[:0]
	for i, s := range t.slots {
		v, ok := p.rawAt(s)
		if !ok {
			if t.optional[i] {
				continue
			}
			return "", false
		}
		if len(p.buf) > 0 {
			p.buf = append(p.buf, ' ')
		}
		p.buf = append(p.buf, v...)
	}
	return view(p.buf), len(p.buf) > 0
}

// setTime sets @timestamp: the claimed time when it can be true, else the time
// of receipt.
func (p *Parser) setTime(at int64, ok bool) {
	if ok && (at < oldest || at > p.now+dayNS) {
		p.fail("time out of range")
		ok = false
	}
	if !ok {
		at = p.now
	}
	p.x.Set(p.fields.timestamp, event.Time(at))
}
