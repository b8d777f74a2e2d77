package format

import (
	"math"
	"strings"
	"time"
)

const (
	hourNS = int64(time.Hour)
	dayNS  = 24 * hourNS
)

// oldest is the first time that is taken for true (2000-01-01T00:00:00Z); what is
// further than a day ahead of now is not either.
const oldest = int64(946684800) * int64(time.Second)

// clock reads the times that devices write. It remembers the hour that it met
// last, so that a line costs digits and additions, not calendar arithmetic.
type clock struct {
	zone *time.Location
	ref  int64 // when the line was received, in nanoseconds
	bare bool  // the time read last named no zone

	last struct {
		zone  *time.Location
		stamp int // year, month, day and hour in one number
		base  int64
	}
	year struct { // of the reference
		n         int
		from, end int64
	}
}

// base returns the nanoseconds at which an hour of the given zone begins.
func (c *clock) base(y, mo, d, h int, zone *time.Location) int64 {
	stamp := ((y*16+mo)*32+d)*32 + h
	if c.last.stamp != stamp || c.last.zone != zone {
		c.last.zone, c.last.stamp = zone, stamp
		c.last.base = time.Date(y, time.Month(mo), d, h, 0, 0, 0, zone).UnixNano()
	}
	return c.last.base
}

// stamp is a time in parts.
type stamp struct {
	y, mo, d, h, mi, s int
	ns                 int64
	offset             int // seconds east of UTC
	zoned              bool
}

func (c *clock) nanos(t stamp) (int64, bool) {
	if t.mo < 1 || t.mo > 12 || t.d < 1 || t.d > 31 || t.h > 23 || t.mi > 59 || t.s > 60 || t.y != 0 && (t.y < 1900 || t.y > 2200) {
		return 0, false
	}
	if t.y == 0 {
		t.y = c.latestYear(t)
	}
	rest := (int64(t.mi)*60+int64(t.s))*int64(time.Second) + t.ns
	if c.bare = !t.zoned; t.zoned {
		return c.base(t.y, t.mo, t.d, t.h, time.UTC) + rest - int64(t.offset)*int64(time.Second), true
	}
	return c.base(t.y, t.mo, t.d, t.h, c.zone) + rest, true
}

// latestYear chooses the newest year that does not put the time more than a
// day after the reference: logs tell of what was, and a clock may be a little
// ahead. So a line of 31 December read on New Year's Day is of the year before.
func (c *clock) latestYear(t stamp) int {
	now := c.thisYear()
	newest := now
	if c.ref+dayNS >= c.year.end {
		newest++
	}
	rest := (int64(t.mi)*60 + int64(t.s)) * int64(time.Second)
	for y := newest; y >= now-8; y-- {
		leap := y%4 == 0 && (y%100 != 0 || y%400 == 0)
		if (leap || t.mo != 2 || t.d != 29) && c.base(y, t.mo, t.d, t.h, c.zone)+rest <= c.ref+dayNS {
			return y
		}
	}
	return now
}

// thisYear is the year of the reference.
func (c *clock) thisYear() int {
	if y := &c.year; c.ref < y.from || c.ref >= y.end {
		y.n = time.Unix(0, c.ref).In(c.zone).Year()
		y.from = time.Date(y.n, 1, 1, 0, 0, 0, 0, c.zone).UnixNano()
		y.end = time.Date(y.n+1, 1, 1, 0, 0, 0, 0, c.zone).UnixNano()
	}
	return c.year.n
}

// epoch reads seconds, milliseconds, microseconds or nanoseconds since 1970,
// told apart by their size, with or without a fraction.
func epoch(s string) (int64, bool) {
	n, i := int64(0), 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		if i >= 19 {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
		i++
	}
	if i < 9 || n < 0 {
		return 0, false
	}
	unit := int64(time.Second)
	switch {
	case n >= 1e17:
		unit = 1
	case n >= 1e14:
		unit = int64(time.Microsecond)
	case n >= 1e11:
		unit = int64(time.Millisecond)
	}
	if n > math.MaxInt64/unit {
		return 0, false
	}
	ns := n * unit
	if i < len(s) && s[i] == '.' {
		for i++; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
			unit /= 10
			ns += int64(s[i]-'0') * unit
		}
	}
	return ns, i == len(s)
}

// auto reads a time in any of the spellings that leave no doubt: epoch numbers,
// ISO 8601 and its relatives, syslog with and without a year, Apache, RFC 2822,
// ctime. A time without a zone is in the clock's zone.
func (c *clock) auto(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	t, end, ok := cutStamp(s)
	if !ok {
		c.bare = false
		return epoch(s)
	}
	if strings.TrimSpace(s[end:]) != "" {
		return 0, false
	}
	return c.nanos(t)
}
