package format

import (
	"strings"
	"time"

	"mimamori/event"
)

// Clock says in which clock's terms a time is meant.
type Clock uint8

// The clocks.
const (
	NoClock Clock = iota // the line has no time of its own
	Zoned                // the line or the format says the zone; epoch numbers are zoned
	Bare                 // no zone is named: the parser's was taken
)

// Claim is the time that a line says of itself, true or not.
type Claim struct {
	At    int64 // nanoseconds since 1970
	Clock Clock
}

// ownTime finds the event's own time by the format's time list.
func (p *Parser) ownTime(f *compiled) (Claim, bool) {
	for i := range f.times {
		t := &f.times[i]
		if t.when != nil && !t.when(p.x) {
			p.triedTime(t, "", "", "its condition does not hold")
			continue
		}
		text, ok := p.timeText(t)
		if !ok {
			p.triedTime(t, "", "", "its keys are not in the line")
			continue
		}
		c := &p.clock
		if t.utc {
			c = &p.utc
		}
		if len(t.layouts) == 0 {
			if at, ok := c.auto(text); ok {
				p.triedTime(t, text, "", "")
				return claim(at, c.bare && !t.utc), true
			}
		}
		for _, l := range t.layouts {
			if at, err := time.ParseInLocation(l, strings.TrimSpace(text), c.zone); err == nil {
				if at.Year() == 0 { // a layout without a year
					s := stamp{mo: int(at.Month()), d: at.Day(), h: at.Hour(), mi: at.Minute(), s: at.Second()}
					at = at.AddDate(c.latestYear(s), 0, 0)
				}
				p.triedTime(t, text, l, "")
				return claim(at.UnixNano(), !t.utc && !namesZone(l)), true
			}
		}
		p.triedTime(t, text, "", "it is no time in any spelling that is known here")
	}
	return Claim{}, false
}

func claim(at int64, bare bool) Claim {
	if bare {
		return Claim{at, Bare}
	}
	return Claim{at, Zoned}
}

// namesZone tells whether a layout of package time has a zone in it.
func namesZone(layout string) bool {
	return strings.Contains(layout, "-07") || strings.Contains(layout, "Z07") || strings.Contains(layout, "MST")
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
// of receipt, and then what was claimed is kept apart.
func (p *Parser) setTime(c Claim, ok bool) {
	p.claim = Claim{}
	at := p.now
	switch {
	case ok && (c.At < oldest || c.At > p.now+dayNS):
		p.fail("time out of range")
		p.x.Set(p.fields.claimed, event.Time(c.At))
		p.claim = c
	case ok:
		at, p.claim = c.At, c
		p.x.Delete(p.fields.claimed) // of an envelope
	}
	p.x.Set(p.fields.timestamp, event.Time(at))
}
