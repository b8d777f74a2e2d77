package console

import (
	"strings"
	"time"
)

// Clock is a device whose times are off by a minute or more, or are repaired.
type Clock struct {
	Municipality, Collector, Source string

	Device  string // "" when nothing names it
	Dataset string
	Skew    time.Duration // beside what is repaired; above zero it is behind
	Repair  time.Duration // added to its times; 0 for nothing
	Lost    bool          // more than a day behind: the time of receipt is taken
	Since   time.Time     // of the repair; zero without one
	Moved   time.Time     // when it last jumped, zero for never
}

// clockText says what is wrong with a clock, and what is done about it.
func (v *view) clockText(c *Clock) string {
	var out []string
	switch {
	case c.Lost:
		out = append(out, v.T("clocks.lost"))
	case c.Repair != 0:
		out = append(out, v.T("clocks.repaired", hours(c.Repair), v.Abs(c.Since)))
	}
	if !c.Lost && c.Skew.Abs() >= time.Minute {
		out = append(out, v.offset(-c.Skew.Seconds()))
	}
	if !c.Moved.IsZero() {
		out = append(out, v.T("clocks.moved", v.Abs(c.Moved)))
	}
	return strings.Join(out, v.T("list.comma"))
}

// hours writes a difference of zones: +9:00.
func hours(d time.Duration) string {
	sign := "+"
	if d < 0 {
		sign = "-"
	}
	return sign + time.Time{}.Add(d.Abs()).Format("15:04")
}
