package silence

import (
	"time"

	"mimamori/internal/calendar"
)

// instance is the hour or the day that is being watched.
type instance struct {
	Number int64
	Ticks  int // minutes watched
	Active int // of these, those with a line
}

// cadence is when a source usually sends.
type cadence struct {
	Hours                 [hourClasses]cell
	Days                  [dayClasses]cell
	Busy                  int     // minutes with a line, ever
	EmptyHours, EmptyDays []int64 // without a line, since the newest one: nobody knows yet whether that was normal
	Gap                   float32 // longest gap in minutes of working days, fading; for sources that no class of time is sure of
	Hour                  instance
	Day                   instance
}

// Bounds of what counts as silence, in minutes.
const (
	leastHour = 5       // for a source that never pauses
	edgeHour  = 90      // where its waking time begins or ends
	mostHour  = 24 * 60 // of waking time
	leastDay  = 6 * 60
	mostDay   = 7 * 24 * 60
	unlearned = 5.5 * 24 * 60 // of working days, before anything is known
	busyFor   = 600           // minutes with a line, after which a source is known to be a busy one
	leastBusy = 4 * 60        // of working days, for such a source
	lateHour  = 30            // after the end of an hour in which lines should have come
)

// maxEmpty bounds the empty hours that wait.
const maxEmpty = 14 * 24

// farthest bounds how far back a silence is followed.
const farthest = 90 * 24 * time.Hour

// watch takes one minute: whether a line came in it. frozen learns nothing.
func (c *cadence) watch(d *days, at time.Time, active, frozen bool) {
	hour, day := at.Unix()/3600, number(at)
	if c.Hour.Number != hour {
		if c.Hour.Ticks >= 50 {
			c.EmptyHours = c.Hour.end(c.EmptyHours, func(n int64) *cell { return &c.Hours[d.hour(n)] })
		}
		c.Hour = instance{Number: hour}
	}
	if c.Day.Number != day {
		if c.Day.Ticks >= 20*60 {
			c.EmptyDays = c.Day.end(c.EmptyDays, func(n int64) *cell { return &c.Days[d.of(n).class] })
		}
		c.Day = instance{Number: day}
	}
	if frozen {
		return
	}
	c.Hour.Ticks, c.Day.Ticks = c.Hour.Ticks+1, c.Day.Ticks+1
	if active {
		c.Hour.Active, c.Day.Active, c.Busy = c.Hour.Active+1, c.Day.Active+1, c.Busy+1
	}
}

// end counts an instance. An empty one waits until a line comes again.
func (i instance) end(empty []int64, class func(int64) *cell) []int64 {
	if i.Active > 0 {
		class(i.Number).end(i.Active)
		return empty
	}
	if len(empty) >= maxEmpty {
		class(empty[0]).end(0)
		empty = empty[1:]
	}
	return append(empty, i.Number)
}

// settle counts the empty instances; once only takes each class for one.
func (c *cadence) settle(d *days, once bool) {
	var hours [hourClasses]bool
	for _, n := range c.EmptyHours {
		if k := d.hour(n); !once || !hours[k] {
			hours[k] = true
			c.Hours[k].end(0)
		}
	}
	var days [dayClasses]bool
	for _, n := range c.EmptyDays {
		if k := d.of(n).class; !once || !days[k] {
			days[k] = true
			c.Days[k].end(0)
		}
	}
	c.EmptyHours, c.EmptyDays = nil, nil
}

// hour is what to go by in a class of hours. Holidays and 年末年始 are few: as
// long as they are not known, a source is expected then when it sends on
// working days and on weekends too.
func (c *cadence) hour(class int) cell {
	x := c.Hours[class]
	if class < 48 || x.Seen >= enough {
		return x
	}
	h := class % 24
	x = both(c.Hours[h], c.Hours[24+h])
	if class >= 72 && c.Hours[48+h].Seen >= enough {
		x = both(x, c.Hours[48+h])
	}
	return x
}

// learn takes a gap for normal: in each class of time that it touched, the age
// that it had there at the end.
func (c *cadence) learn(d *days, since, until time.Time) {
	if until.Sub(since) > farthest {
		since = until.Add(-farthest)
	}
	c.settle(d, false)
	awake := float32(0)
	for n := since.Unix() / 3600; n <= until.Unix()/3600; n++ {
		class, within := d.hour(n), overlap(since, until, n*3600, 3600)
		if c.hour(class).reliable() {
			awake += within
		}
		x := &c.Hours[class]
		x.Max = max(x.Max, awake, within)
	}
	awake = 0
	for n := number(since); n <= number(until); n++ {
		x, within := &c.Days[d.of(n).class], overlap(since, until, n*secondsADay-9*3600, secondsADay)
		if x.reliable() {
			awake += within
		}
		x.Max = max(x.Max, awake, within)
	}
}

// overlap is how many minutes of [from, to) lie in the span that begins at
// start and is so many seconds long.
func overlap(from, to time.Time, start, seconds int64) float32 {
	a, b := max(from.Unix(), start), min(to.Unix(), start+seconds)
	return float32(max(0, b-a)) / 60
}

// hourAge is the time since a moment, counted in the hours in which lines
// nearly always come.
func (c *cadence) hourAge(d *days, at, since time.Time) float32 {
	if at.Sub(since) > farthest {
		since = at.Add(-farthest)
	}
	sum := float32(0)
	for n := since.Unix() / 3600; n <= at.Unix()/3600; n++ {
		if c.hour(d.hour(n)).reliable() {
			sum += overlap(since, at, n*3600, 3600)
		}
	}
	return sum
}

// dayAge is the same in days.
func (c *cadence) dayAge(d *days, at, since time.Time) float32 {
	return c.overDays(d, at, since, func(x dayInfo) bool { return c.Days[x.class].reliable() })
}

// workAge is the time since a moment in working days.
func (c *cadence) workAge(d *days, at, since time.Time) float32 {
	return c.overDays(d, at, since, func(x dayInfo) bool { return x.kind == calendar.Workday })
}

func (c *cadence) overDays(d *days, at, since time.Time, counts func(dayInfo) bool) float32 {
	if at.Sub(since) > farthest {
		since = at.Add(-farthest)
	}
	sum := float32(0)
	for n := number(since); n <= number(at); n++ {
		if counts(d.of(n)) {
			sum += overlap(since, at, n*secondsADay-9*3600, secondsADay)
		}
	}
	return sum
}

// learned tells that some class of time is known well enough to be missed in.
func (c *cadence) learned() bool {
	for i := range c.Hours {
		if c.Hours[i].reliable() {
			return true
		}
	}
	for i := range c.Days {
		if c.Days[i].reliable() {
			return true
		}
	}
	return false
}
