package silence

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"mimamori/internal/calendar"
)

// life is a synthetic source: whether a line comes in a minute.
type life struct {
	name  string
	lines func(r *rand.Rand) func(at time.Time) bool
	false int           // false alerts allowed in a year, after eight weeks
	first int           // and in the eight weeks before
	stops []stop        // when it stops, and how soon that must be told
	slow  time.Duration // of the monthly ones
}

type stop struct {
	what   string
	when   func(at time.Time) bool
	within time.Duration
}

func clock(at time.Time) (t time.Time, h float64) {
	t = at.In(calendar.JST())
	return t, float64(t.Hour()) + float64(t.Minute())/60
}

// chance is a source whose minutes have a line by chance.
func chance(p func(at time.Time) float64) func(*rand.Rand) func(time.Time) bool {
	return func(r *rand.Rand) func(time.Time) bool {
		return func(at time.Time) bool { return r.Float64() < p(at) }
	}
}

// daily is drawn anew each day.
func daily(draw func(r *rand.Rand, at time.Time) func(hour float64) float64) func(*rand.Rand) func(time.Time) bool {
	return func(r *rand.Rand) func(time.Time) bool {
		day, p := -1, func(float64) float64 { return 0 }
		return func(at time.Time) bool {
			t, h := clock(at)
			if t.YearDay() != day {
				day, p = t.YearDay(), draw(r, at)
			}
			return r.Float64() < p(h)
		}
	}
}

// office are PCs of an office: they wake between 8:10 and 8:35, thin out after
// 17:15, some evenings somebody stays, some weekends somebody comes.
func office(strength float64) func(*rand.Rand) func(time.Time) bool {
	return daily(func(r *rand.Rand, at time.Time) func(float64) float64 {
		begin, end, late := 8.15+0.45*r.Float64(), 17.25+0.5*r.Float64(), 17.5+3*r.Float64()*r.Float64()
		if calendar.Day(at).Off() {
			from, guest := 9+4*r.Float64(), r.Float64() < 0.1 && calendar.Day(at).Kind == calendar.Weekend
			return func(h float64) float64 {
				if guest && h > from && h < from+3 {
					return 0.1 * strength
				}
				return 0
			}
		}
		return func(h float64) float64 {
			switch {
			case h < begin || h > max(end, late):
				return 0
			case h > end:
				return 0.2 * strength
			case h > 12 && h < 13:
				return 0.3 * strength
			}
			return strength
		}
	})
}

// batch runs at an hour of some days for some minutes.
func batch(hour, minutes float64, runs func(t time.Time) bool) func(*rand.Rand) func(time.Time) bool {
	return daily(func(r *rand.Rand, at time.Time) func(float64) float64 {
		t, _ := clock(at)
		begin, on := hour+0.1*r.Float64(), runs(t)
		return func(h float64) float64 {
			if on && h >= begin && h < begin+minutes/60 {
				return 0.9
			}
			return 0
		}
	})
}

func workdayAt(hour int) func(time.Time) bool {
	return func(at time.Time) bool {
		t, _ := clock(at)
		return t.Hour() == hour && t.Minute() == 0 && !calendar.Day(at).Off()
	}
}

func offdayAt(hour int) func(time.Time) bool {
	return func(at time.Time) bool {
		t, _ := clock(at)
		return t.Hour() == hour && t.Minute() == 0 && calendar.Day(at).Off()
	}
}

func on(weekday time.Weekday, hour int) func(time.Time) bool {
	return func(at time.Time) bool {
		t, _ := clock(at)
		return t.Weekday() == weekday && t.Hour() == hour && t.Minute() == 0
	}
}

func lives() []life {
	always := func(time.Time) bool { return true }
	morning := stop{"workday 7:00", workdayAt(7), 3 * time.Hour}
	return []life{
		{name: "firewall, never pauses", lines: chance(func(time.Time) float64 { return 0.999 }), stops: []stop{
			{"workday 10:00", workdayAt(10), 7 * time.Minute}, {"day off 3:00", offdayAt(3), 10 * time.Minute},
		}},
		{name: "firewall, thin at night", false: 1, first: 2, lines: chance(func(at time.Time) float64 {
			if _, h := clock(at); h > 8 && h < 18 && !calendar.Day(at).Off() {
				return 0.98
			}
			return 0.2
		}), stops: []stop{{"workday 10:00", workdayAt(10), 15 * time.Minute}, {"day off 3:00", offdayAt(3), 3 * time.Hour}}},
		{name: "PC logs, 40 PCs", false: 1, first: 3, lines: office(0.9), stops: []stop{
			{"workday 10:00", workdayAt(10), 30 * time.Minute}, morning,
		}},
		{name: "PC logs, 3 PCs", false: 2, first: 3, lines: office(0.15), stops: []stop{
			{"workday 10:00", workdayAt(10), 4 * time.Hour}, {"workday 7:00", workdayAt(7), 9 * time.Hour},
		}},
		{name: "library, closed on Mondays", false: 2, first: 3, lines: daily(func(_ *rand.Rand, at time.Time) func(float64) float64 {
			t, _ := clock(at)
			open := t.Weekday() != time.Monday && calendar.Day(at).Kind != calendar.YearEnd && calendar.Day(at).JA != "元日"
			return func(h float64) float64 {
				if open && h > 9 && h < 19 {
					return 0.7
				}
				return 0
			}
		}), stops: []stop{{"workday 11:00", func(at time.Time) bool {
			t, _ := clock(at)
			return workdayAt(11)(at) && t.Weekday() != time.Monday
		}, 60 * time.Hour}}},
		{name: "nightly batch, 2:00", first: 1, lines: batch(2, 20, always), stops: []stop{{"any day 1:00", on(time.Thursday, 1), 4 * time.Hour}}},
		{name: "weekly batch, Sunday 4:00", false: 1, first: 2, lines: batch(4, 10, func(t time.Time) bool { return t.Weekday() == time.Sunday }), stops: []stop{
			{"Saturday 12:00", on(time.Saturday, 12), 16 * 24 * time.Hour},
		}},
		{name: "monthly batch, day 1", false: 1, first: 2, lines: batch(5, 5, func(t time.Time) bool { return t.Day() == 1 }), slow: 80 * 24 * time.Hour, stops: []stop{
			{"after a run", func(at time.Time) bool { t, h := clock(at); return t.Day() == 2 && h == 0 }, 80 * 24 * time.Hour},
		}},
		{name: "server, 8 lines a day by chance", false: 2, first: 2, lines: chance(func(time.Time) float64 { return 8.0 / 1440 }), stops: []stop{
			{"workday 10:00", workdayAt(10), 72 * time.Hour},
		}},
	}
}

// TestAYearOfSyntheticSources counts false alerts and measures how soon a stop
// is told.
func TestAYearOfSyntheticSources(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "%-34s %14s %11s  %s\n", "source", "false/8 weeks", "false/year", "a stop is told after (median, worst)")
	results := make([]string, len(lives()))
	t.Run("each", func(t *testing.T) {
		for i, l := range lives() {
			t.Run(l.name, func(t *testing.T) {
				t.Parallel()
				results[i] = l.live(t)
			})
		}
	})
	t.Log("\n" + table.String() + strings.Join(results, ""))
}

func (l *life) live(t *testing.T) string {
	const seeds = 2
	first, later := 0, 0
	delays := make([][]time.Duration, len(l.stops))
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 7))
		line := l.lines(r)
		begin := time.Date(2026, 1, 5, 0, 0, 0, 0, calendar.JST())
		learned, end := begin.AddDate(0, 0, 56), begin.AddDate(0, 0, 56+365)
		s, d := &source{First: begin}, &days{}
		next := make([]time.Time, len(l.stops))
		for at := begin; at.Before(end); at = at.Add(time.Minute) {
			was := s.Silent
			minute(s, d, at, line(at))
			if s.Silent && !was {
				if testing.Verbose() {
					tt, _ := clock(at)
					t.Logf("false alert at %s, last line %s", tt.Format("Mon 2006-01-02 15:04"), s.Active.In(calendar.JST()).Format("Mon 01-02 15:04"))
				}
				if at.Before(learned) {
					first++
				} else {
					later++
				}
			}
			for i, st := range l.stops {
				if at.After(learned) && !at.Before(next[i]) && st.when(at) && !s.Silent {
					next[i] = at.AddDate(0, 0, 9+int(seed))
					delays[i] = append(delays[i], until(*s, d, at, max(l.slow, 30*24*time.Hour)))
				}
			}
		}
	}
	text := ""
	for i, st := range l.stops {
		sortDurations(delays[i])
		if len(delays[i]) < 10 {
			t.Fatalf("%s: only %d stops", st.what, len(delays[i]))
		}
		worst, median := delays[i][len(delays[i])-1], delays[i][len(delays[i])/2]
		text += fmt.Sprintf("%s: %s, %s; ", st.what, median, worst)
		if worst > st.within {
			t.Errorf("a stop (%s) is told after %s, want %s", st.what, worst, st.within)
		}
	}
	if first > l.first*seeds || later > l.false*seeds {
		t.Errorf("%d false alerts while learning and %d in the year after, over %d lives", first, later, seeds)
	}
	return fmt.Sprintf("%-34s %14.1f %11.1f  %s\n", l.name, float64(first)/seeds, float64(later)/seeds, text)
}

// minute is what Observe does with a source whose collector is well.
func minute(s *source, d *days, at time.Time, active bool) {
	w := &Watcher{days: *d}
	if active {
		s.seen.Last = at
	}
	w.watch(s, at, false)
	*d = w.days
}

// until stops a copy of the source and waits until it is told.
func until(s source, d *days, at time.Time, most time.Duration) time.Duration {
	tick := time.Minute
	if most > 30*24*time.Hour {
		tick = 20 * time.Minute
	}
	for now := at; now.Sub(at) < most; now = now.Add(tick) {
		if minute(&s, d, now, false); s.Silent {
			return now.Sub(at)
		}
	}
	return most
}

func sortDurations(d []time.Duration) {
	for i := range d {
		for j := i; j > 0 && d[j] < d[j-1]; j-- {
			d[j], d[j-1] = d[j-1], d[j]
		}
	}
}
