package silence

import (
	"time"

	"mimamori/internal/calendar"
)

// memory is about how many instances of a class of time are remembered.
const memory = 30

// cell is what is known of one class of time, such as "working days, 9 to 10".
// Minutes are of age: since the newest line, counted only while the source is
// usually awake.
type cell struct {
	Seen   float32 // instances watched, old ones fading
	Active float32 // of these, those in which a line came
	Max    float32 // greatest age in it, in minutes, fading
	Least  float32 // smallest number of minutes with a line in an active instance, growing slowly
}

// reliable tells that a line nearly always comes in this class of time.
func (c cell) reliable() bool { return (c.Active+1)/(c.Seen+2) >= 0.85 }

// certain tells that so many minutes with lines always come that an instance
// without any can be no chance.
func (c cell) certain() bool { return c.Seen >= 8 && c.Active >= c.Seen-0.5 && c.Least >= 4 }

// end takes one watched instance with its number of minutes with a line.
func (c *cell) end(active int) {
	const keep = 1 - 1.0/memory
	c.Seen, c.Active = c.Seen*keep+1, c.Active*keep
	c.Max *= 0.99
	if active == 0 {
		return
	}
	c.Active++
	if n := float32(active); c.Least == 0 || n < c.Least {
		c.Least = n
	} else {
		c.Least += (n - c.Least) / (10 * memory)
	}
}

// factor is how many times the greatest age is still normal: the less was
// watched, the more.
func (c cell) factor() float32 { return 2 + 10/max(c.Seen, 1) }

// both is what two classes of time have in common.
func both(a, b cell) cell {
	return cell{Seen: min(a.Seen, b.Seen), Active: min(a.Active, b.Active), Max: max(a.Max, b.Max), Least: min(a.Least, b.Least)}
}

// Classes of time. The kinds of days are calendar's.
const (
	hourClasses = 4 * 24 // working days, weekends, holidays, 年末年始
	dayClasses  = 8      // Sunday to Saturday, then holidays and 年末年始
	enough      = 5      // instances, to go by
)

// days knows the classes of days; it remembers some, for speed.
type days struct{ known map[int64]dayInfo }

type dayInfo struct {
	kind  calendar.Kind
	class uint8 // of dayClasses
}

const secondsADay = 24 * 3600

// number counts the days of Japan.
func number(at time.Time) int64 { return (at.Unix() + 9*3600) / secondsADay }

func (d *days) of(number int64) dayInfo {
	if x, ok := d.known[number]; ok {
		return x
	}
	if d.known == nil || len(d.known) > 4096 {
		d.known = map[int64]dayInfo{}
	}
	t := time.Unix(number*secondsADay-9*3600, 0)
	date := calendar.Day(t)
	x := dayInfo{date.Kind, uint8(t.In(calendar.JST()).Weekday())}
	if date.Kind == calendar.Holiday || date.Kind == calendar.YearEnd {
		x.class = dayClasses - 1
	}
	d.known[number] = x
	return x
}

// hour is the class of an hour, by its number since 1970.
func (d *days) hour(number int64) int {
	jst := number + 9
	return int(d.of(jst/24).kind)*24 + int(jst%24)
}
