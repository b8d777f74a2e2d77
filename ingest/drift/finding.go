package drift

import (
	"slices"

	"mimamori/event"
	"mimamori/ingest/device"
)

// Suspect windows in a row that begin an alarm, and what ends it.
const (
	beginAfter = 2
	kindsAfter = 3    // where what tells kinds of events apart is gone: a burst of another kind looks the same for a moment
	endAfter   = 3600 // seconds without a suspect one: a burst of another kind is no end
)

// observation is one event on its way through a cell.
type observation struct {
	d    *Drift
	row  *device.Row[cell]
	e    *event.Event
	o    *Origin
	tell func(Change)
	full bool // counts as if all fields were there
}

// observe takes the event into class i of the cell, by some of its fields or,
// where these are nil, by what the format fills.
func (c *cell) observe(x *observation, i int, some []event.Field) {
	if len(c.Classes) == 0 {
		c.Classes = append(c.Classes, class{Born: x.o.At})
	}
	if c.Classes[i].due(x.o.At) {
		c.end(x, i)
	}
	if k := &c.Classes[i]; k.wants(x.o.At) {
		k.take(x.e, some, x.d.fields.content, x.full)
	}
}

// end closes a window and judges what it shows.
func (c *cell) end(x *observation, i int) {
	k, at := &c.Classes[i], x.o.At
	begun := k.From
	found := k.close(&x.d.fields, at)
	switch {
	case c.Alert != "" && at-c.Since >= learning:
		c.adopt(at)
		c.over(x, noteAdopted)
	case k.Open && len(found) == 0:
		if k.Clean == 0 {
			k.Clean = at
		}
		if at-k.Clean < endAfter {
			return
		}
		k.Open, k.Clean = false, 0
		if !slices.ContainsFunc(c.Classes, func(k class) bool { return k.Open }) {
			c.over(x, noteOver(at))
		}
	case k.Open:
		k.Clean = 0
	case len(found) == 0:
		if k.Strikes > 0 {
			k.excuse()
		}
	default:
		k.strike(found, begun)
		need := int64(beginAfter)
		if i == 0 && x.row.Dataset != "" {
			need = kindsAfter
		}
		if k.Strikes >= need {
			c.confirm(x, k)
		}
	}
}

// strike notes a suspect window. It goes on where something was suspect in the
// one before too.
func (c *class) strike(found []suspect, begun int64) {
	if c.Strikes > 0 {
		if slices.ContainsFunc(found, func(s suspect) bool {
			return slices.ContainsFunc(c.Suspects, func(o suspect) bool { return o.Field == s.Field && o.Rise == s.Rise })
		}) {
			c.Suspects, c.Strikes = found, c.Strikes+1
			return
		}
		c.excuse()
	}
	c.Suspects, c.Strikes, c.Begun = found, 1, begun
}

// confirm takes a drift for certain; it is told once for a cell.
func (c *cell) confirm(x *observation, k *class) {
	if c.Alert == "" {
		a := x.alert(k)
		c.Alert, c.Since = a.ID, x.o.At
		x.tell(Change{Alert: a})
	}
	k.Open, k.Clean, k.Suspects, k.Strikes, k.Example = true, 0, nil, 0, event.Evidence{}
}

// adopt takes what has lasted for long for the new normal, and learns it.
func (c *cell) adopt(at int64) {
	for i := range c.Classes {
		if k := &c.Classes[i]; k.Open {
			*k = class{Code: k.Code, Action: k.Action, Born: at, Seen: at}
		}
	}
}

func (c *cell) over(x *observation, note event.Localized) {
	x.tell(Change{Alert: event.Alert{ID: c.Alert}, Over: true, Note: note})
	c.Alert, c.Since = "", 0
}
