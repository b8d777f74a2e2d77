package drift

import (
	"math"
	"slices"

	"mimamori/event"
)

// Times in here are Unix seconds and seconds.
const (
	day       = 24 * 3600
	learning  = 8 * day // and every weekday was seen
	leastWins = 20      // windows, to know a kind of event
	leastN    = 20      // lines of a window
	enoughN   = 40      // lines that close a window
	mostN     = 200     // lines of a window that are looked at
	leastSpan = 120
	mostSpan  = 300 // after which leastN lines are enough
	forget    = 30  // days in which extremes go back to the mean, by half and more
	whole     = math.MaxUint16
)

// rate is how often a field is there: shares in units of 1/whole.
type rate struct {
	Field           event.Field
	Mean, Low, High uint16
	Last            uint16 // the share in the window before, not yet learned
	K               uint16 // lines of this window that have it
}

// suspect is a field whose share was out of bounds in the newest window.
type suspect struct {
	Field event.Field
	P     uint16 // the share then
	Rise  bool
}

// class is a kind of event.
type class struct {
	Code, Action string
	Born, Seen   int64
	Day          int64 // that the extremes were last moved on, days since 1970
	Windows      int64
	From         int64 // when the window began
	N, Total     int64 // lines of the window: looked at, and all
	Stride       int64 // every how manieth line is looked at
	Fields       []rate
	Suspects     []suspect
	Strikes      int64 // suspect windows in a row
	Begun        int64 // when the first of them did
	Clean        int64 // since when windows are none, while it is open
	Open         bool  // told, and not over
	Held         bool  // the window before is not yet learned
	Rebase       int64 // windows whose changes are taken over without alarm
	Example      event.Evidence
}

// due tells that the window is complete.
func (c *class) due(at int64) bool {
	span := at - c.From
	return c.N >= leastN && span >= leastSpan && (c.N >= enoughN || span >= mostSpan)
}

// wants counts one line into the window and tells whether it is looked at.
func (c *class) wants(at int64) bool {
	if c.Total == 0 {
		c.From = at
	}
	c.Seen = max(c.Seen, at)
	c.Total++
	if c.N >= mostN || c.Stride > 1 && c.Total%c.Stride != 0 {
		return false
	}
	c.N++
	return true
}

// take looks at one line: at some fields, which are in order and count as there
// when full, or at all of m.
func (c *class) take(e *event.Event, some []event.Field, m *mask, full bool) {
	i := 0
	for _, f := range some {
		if full || e.Has(f) {
			i = c.count(i, f)
		}
	}
	if some == nil {
		for f := range e.All {
			if m.has(f) {
				i = c.count(i, f)
			}
		}
	}
	if len(c.Suspects) > 0 && c.Example.JSON == nil && !full {
		c.exemplify(e)
	}
}

// count counts a field, which is not before the i-th, and answers where to go on.
func (c *class) count(i int, f event.Field) int {
	for i < len(c.Fields) && c.Fields[i].Field < f {
		i++
	}
	if i < len(c.Fields) && c.Fields[i].Field == f {
		c.Fields[i].K++
		return i + 1
	}
	return c.insert(i, f)
}

// insert makes room for a field that was never seen, in place of one that is
// never there when there is none, and answers where to go on.
func (c *class) insert(i int, f event.Field) int {
	if len(c.Fields) >= maxFields {
		dead := slices.IndexFunc(c.Fields, func(r rate) bool { return r.K == 0 && r.Mean < whole/200 })
		if dead < 0 {
			return i
		}
		c.Fields = slices.Delete(c.Fields, dead, dead+1)
		if dead < i {
			i--
		}
	}
	c.Fields = slices.Insert(c.Fields, i, rate{Field: f, K: 1})
	return i + 1
}

// exemplify keeps the first line that shows what is suspect.
func (c *class) exemplify(e *event.Event) {
	for _, s := range c.Suspects {
		if e.Has(s.Field) == s.Rise {
			if js := e.AppendJSON(nil); len(js) <= 16<<10 {
				c.Example = event.Evidence{Ref: event.Ref{Epoch: e.Epoch, Seq: e.Seq}, JSON: js} // the rest is the cell's
			}
			return
		}
	}
}

// known tells that there is a past to compare with.
func (c *class) known(at int64) bool { return c.Windows >= leastWins && at-c.Born >= learning }

// close ends the window: it answers what of it is out of bounds, and learns
// the rest.
func (c *class) close(x *fields, at int64) []suspect {
	var out []suspect
	if c.known(at) {
		for i := range c.Fields {
			if s, ok := c.Fields[i].test(x, c.N); ok && len(out) < maxSuspects {
				out = append(out, s)
			}
		}
	}
	if c.Rebase > 0 {
		for _, s := range out {
			i, _ := c.find(s.Field)
			r := &c.Fields[i]
			r.Mean, r.Low, r.High, r.Last = s.P, s.P, s.P, s.P
		}
		c.Rebase--
		out = nil
	}
	switch {
	case c.Open:
	case len(out) > 0:
		c.Held = false // the window before may be mixed already
	default:
		c.learn(at)
	}
	c.Stride = max(1, c.Total/(enoughN+10))
	c.N, c.Total = 0, 0
	for i := range c.Fields {
		c.Fields[i].K = 0
	}
	return out
}

func (c *class) find(f event.Field) (int, bool) {
	return slices.BinarySearchFunc(c.Fields, f, func(r rate, f event.Field) int { return int(r.Field) - int(f) })
}

// learn takes the window before for ordinary, and holds this one until the next
// has shown that it is.
func (c *class) learn(at int64) {
	aged := c.Day != 0 && at/day > c.Day
	for i := range c.Fields {
		r := &c.Fields[i]
		switch {
		case !c.Held:
		case c.Windows == 0:
			r.Mean, r.Low, r.High = r.Last, r.Last, r.Last
		default:
			r.Mean = toward(r.Mean, r.Last, min(c.Windows+1, 64))
			if aged {
				r.Low, r.High = toward(r.Low, r.Mean, forget), toward(r.High, r.Mean, forget)
			}
			r.Low, r.High = min(r.Low, r.Last), max(r.High, r.Last)
		}
		r.Last = share(int64(r.K), c.N)
	}
	if c.Held {
		c.Windows++
	}
	c.Held, c.Day = true, max(c.Day, at/day)
}

// excuse learns a part of what was suspect once and did not last.
func (c *class) excuse() {
	for _, s := range c.Suspects {
		if i, ok := c.find(s.Field); ok {
			r := &c.Fields[i]
			r.Low, r.High = min(r.Low, toward(r.Low, s.P, 4)), max(r.High, toward(r.High, s.P, 4))
		}
	}
	c.Suspects, c.Strikes, c.Example = nil, 0, event.Evidence{}
}

func share(k, n int64) uint16 { return uint16(min(k, n) * whole / max(n, 1)) }

// toward moves a share the n-th part of the way.
func toward(from, to uint16, n int64) uint16 {
	return uint16(int64(from) + (int64(to)-int64(from))/n)
}

// test compares a window with the past.
func (r *rate) test(x *fields, n int64) (suspect, bool) {
	s := suspect{Field: r.Field, P: share(int64(r.K), n)}
	low, high := wilson(float64(r.K), float64(n))
	if s.Rise = x.rises(r.Field); s.Rise {
		floor := 0.3
		if r.Field == x.quarantine {
			floor = 0.1
		}
		if low > floor+2*float64(r.High)/whole {
			return s, true
		}
		s.Rise = false
	}
	return s, r.Field != x.quarantine && high < float64(r.Low)/whole/2
}

// wilson bounds the share that k of n stand for, to 1 in 2,000 on either side
// (E. B. Wilson, 1927).
func wilson(k, n float64) (low, high float64) {
	const z = 3.29
	p, zz := k/n, z*z/n
	mid := (p + zz/2) / (1 + zz)
	half := z / (1 + zz) * math.Sqrt(p*(1-p)/n+zz/n/4)
	return mid - half, mid + half
}
