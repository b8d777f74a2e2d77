package silence

import "time"

// silent tells that no line since a moment is longer than this source ever
// leaves at such a time.
func (c *cadence) silent(d *days, at, since time.Time) bool {
	if c.overHour(d, at, since) || c.overDay(d, at, since) || c.missed(d, at, since) {
		return true
	}
	if c.learned() {
		return false
	}
	limit := max(unlearned, 1.5*c.Gap)
	if c.Busy >= busyFor {
		limit = max(leastBusy, 6*c.Gap)
	}
	return c.workAge(d, at, since) > limit
}

// overHour judges by the class of this hour.
func (c *cadence) overHour(d *days, at, since time.Time) bool {
	n := at.Unix() / 3600
	return c.hour(d.hour(n)).reliable() && c.hourAge(d, at, since) > c.hourLimit(d.hour(n))
}

// hourLimit is the age that is still normal in a class of hours. The hours
// before and after have a say: a gap may lie across. Where the waking time of
// the source begins or ends, people come late and leave early.
func (c *cadence) hourLimit(class int) float32 {
	x := c.hour(class)
	first := class / 24 * 24
	most, edge := x.Max, false
	for _, h := range [...]int{first + (class-first+23)%24, first + (class-first+1)%24} {
		if y := c.hour(h); y.reliable() {
			most = max(most, y.Max)
		} else {
			edge = true
		}
	}
	limit := min(max(most*x.factor(), leastHour), mostHour)
	if edge {
		return max(limit, edgeHour)
	}
	return limit
}

// overDay judges by the class of this day.
func (c *cadence) overDay(d *days, at, since time.Time) bool {
	x := &c.Days[d.of(number(at)).class]
	return x.reliable() && c.dayAge(d, at, since) > min(max(x.Max*x.factor(), leastDay), mostDay)
}

// missed tells that an hour or a day has gone by without a line in which lines
// have come always, and many: a nightly batch that did not run, a morning on
// which nobody came.
func (c *cadence) missed(d *days, at, since time.Time) bool {
	late := at.Add(-lateHour * time.Minute)
	for n, back := late.Unix()/3600-1, 0; n*3600 >= since.Unix() && back < 48; n, back = n-1, back+1 {
		if x := c.hour(d.hour(n)); x.certain() {
			return true
		}
	}
	for n, back := number(late)-1, 0; n*secondsADay-9*3600 >= since.Unix() && back < 8; n, back = n-1, back+1 {
		if c.Days[d.of(n).class].certain() {
			return true
		}
	}
	return false
}

// woke takes in a silence that is over. What it learns is bounded, so that an
// outage does not become normal, but a source that has become slower stops
// being missed after a few times.
func (c *cadence) woke(d *days, at, since time.Time) {
	c.settle(d, true)
	hour := &c.Hours[d.hour(at.Unix()/3600)]
	hour.Max = max(hour.Max, min(c.hourAge(d, at, since), 2*max(hour.Max, leastHour)))
	day := &c.Days[d.of(number(at)).class]
	day.Max = max(day.Max, min(c.dayAge(d, at, since), 2*max(day.Max, leastDay)))
}

// gap notes how long nothing came.
func (c *cadence) gap(d *days, at, since time.Time) {
	if at.Sub(since) > time.Hour {
		c.Gap = max(c.workAge(d, at, since), c.Gap*0.9)
	}
}
