package clocks

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/ingest/device"
)

var origin = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// sample is a line of a simulated device: when it was written, and the line.
type sample struct {
	true time.Time
	Line
}

// world simulates what one device sends and how it comes.
type world struct {
	r       *rand.Rand
	pause   time.Duration                   // between two lines, on average
	claims  func(at time.Time) time.Time    // the device's clock
	arrives func(at time.Time) time.Time    // the way to the collector, never backwards
	ships   func(got time.Time) time.Time   // the way to the stream
	rests   func(at time.Time) (quiet bool) // nights
}

func (w *world) run(from, to time.Time, take func(sample)) {
	last := time.Time{}
	for at := from; at.Before(to); at = at.Add(time.Duration(w.r.ExpFloat64() * float64(w.pause))) {
		if w.rests != nil && w.rests(at) {
			continue
		}
		got := w.arrives(at)
		if got.Before(last) {
			got = last
		}
		last = got
		ship := got.Add(time.Duration(w.r.IntN(5000)) * time.Millisecond)
		if w.ships != nil {
			ship = w.ships(got)
		}
		take(sample{at, Line{Claimed: w.claims(at).UnixNano(), Received: got.UnixNano(), Ingested: ship.UnixNano()}})
	}
}

// soon is a live line's way.
func (w *world) soon(at time.Time) time.Time {
	return at.Add(time.Duration(w.r.ExpFloat64() * float64(2*time.Second)))
}

// outages holds lines back now and then and lets them out at some speed.
func (w *world) outages(every, longest time.Duration, slowest float64) func(time.Time) time.Time {
	var from, until time.Time
	speed := 1.0
	return func(at time.Time) time.Time {
		if from.IsZero() || at.After(from.Add(2*until.Sub(from))) && at.After(until) && w.r.Float64() < float64(w.pause)/float64(every) {
			from, until = at, at.Add(time.Duration(w.r.Float64()*float64(longest)))
			speed = slowest + w.r.ExpFloat64()*w.r.ExpFloat64()*10
		}
		// What was held back since from comes out in order, speed times as fast.
		if out := until.Add(time.Duration(float64(at.Sub(from)) / speed)); out.After(at) && at.After(from) {
			return out
		}
		return w.soon(at)
	}
}

// batches delivers what was written in a period some time after its end.
func (w *world) batches(every, after time.Duration) func(time.Time) time.Time {
	return func(at time.Time) time.Time {
		return at.Truncate(every).Add(every + after).Add(time.Duration(w.r.IntN(1000)) * time.Millisecond)
	}
}

func key(bare bool) device.Key {
	return device.Key{Collector: "c", Source: "s", Device: "fw", Dataset: "d", Bare: bare}
}

func nights(at time.Time) bool { h := (at.Hour() + 9) % 24; return h < 7 || h > 19 }

// drawWorld draws an honest device: its clock is right within a minute.
func drawWorld(t *rapid.T) *world {
	w := &world{r: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))}
	w.pause = time.Duration(rapid.SampledFrom([]int{60, 300, 600, 3600, 6 * 3600}).Draw(t, "pause")) * time.Second
	off := time.Duration(rapid.IntRange(-60, 60).Draw(t, "off")) * time.Second
	w.claims = func(at time.Time) time.Time { return at.Add(off).Truncate(time.Second) }
	switch kind := rapid.SampledFrom([]string{"live", "outages", "batches", "steps", "carried"}).Draw(t, "kind"); kind {
	case "live":
		w.arrives = w.soon
	case "steps": // set right now and then
		w.arrives = w.soon
		w.claims = func(at time.Time) time.Time {
			return at.Add(time.Duration(at.Unix()/86400*7919%120-60) * time.Second).Truncate(time.Second)
		}
	case "outages":
		w.arrives = w.outages(3*24*time.Hour, 20*time.Hour, 1.1)
	case "batches": // whole files, some of them hours late, at the hour
		every := time.Duration(rapid.SampledFrom([]int{1, 5, 15, 60, 24 * 60}).Draw(t, "every")) * time.Minute
		w.arrives = w.batches(every, time.Duration(rapid.SampledFrom([]int{0, 1, 5, 30, 60, 540}).Draw(t, "after"))*time.Minute)
		if every < 5*time.Minute { // what is copied every minute is copied at once
			w.arrives = w.batches(every, 0)
		}
		if every == 5*time.Minute {
			w.arrives = w.batches(every, time.Minute)
		}
	case "carried": // the collector's clock is wrong, and its files come days later
		wrong := time.Duration(rapid.IntRange(-10, 10).Draw(t, "hours")) * time.Hour
		w.arrives = func(at time.Time) time.Time { return w.soon(at).Add(wrong) }
		w.ships = func(got time.Time) time.Time { return got.Add(-wrong + 30*time.Hour) }
	}
	if rapid.Bool().Draw(t, "nights") {
		w.rests = nights
	}
	return w
}

func TestAnHonestSourceIsNeverRepairedInAYear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, c, n := drawWorld(t), New(), 0
		w.run(origin, origin.AddDate(1, 0, 0), func(s sample) {
			n++
			if v := c.Judge(key(true), "312011", s.Line); v.Repaired || v.At != s.Claimed {
				t.Fatalf("line %d, written %s: repaired to %s: %s", n, s.true, time.Unix(0, v.At), v.Why)
			}
		})
	})
}

// TestATrueErrorIsRepaired is the promise of the thresholds: a device that is
// off by a zone is repaired after so many slots and lines of live receipt.
func TestATrueErrorIsRepaired(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{r: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))}
		w.pause, w.arrives = time.Duration(rapid.IntRange(1, 100).Draw(t, "pause"))*time.Second, w.soon
		slack := time.Duration(0)
		if rapid.Bool().Draw(t, "outages") {
			w.arrives, slack = w.outages(12*time.Hour, time.Hour, 2), 3*time.Hour
		}
		half := rapid.SampledFrom([]int{-28, -18, -18, -9, -2, -1, 1, 2, 5, 18, 18, 28}).Draw(t, "half hours")
		off := time.Duration(half) * 30 * time.Minute // behind
		beside := time.Duration(0)
		if half == 18 || half == -18 {
			beside = time.Duration(rapid.IntRange(-10, 10).Draw(t, "minutes")) * time.Minute
		}
		w.claims = func(at time.Time) time.Time { return at.Add(-off + beside).Truncate(time.Second) }
		slots := 60 // 100 lines, at the slowest
		switch {
		case half < 0:
			slots = 10
		case half == 18:
			slots = 20
		}
		fixed, claims := origin.Add(5*24*time.Hour), w.claims
		w.claims = func(at time.Time) time.Time {
			if at.Before(fixed) {
				return claims(at)
			}
			return at
		}
		c, n, wrong, right, first := New(), 0, 0, 0, time.Time{}
		w.run(origin, origin.Add(7*24*time.Hour), func(s sample) {
			n++
			v := c.Judge(key(true), "312011", s.Line)
			got, late := time.Unix(0, v.At), time.Duration(s.Received-s.true.UnixNano())
			switch {
			case s.true.Before(fixed) && v.Repaired:
				if first.IsZero() {
					first = s.true
				}
				if e := got.Sub(s.true) - beside; e < -time.Second || e > 0 {
					t.Fatalf("line %d: off by %s: %s", n, e, v.Why)
				}
				right++
			case s.true.Before(fixed) && !first.IsZero() && late < off.Abs()-3*time.Minute:
				t.Fatalf("line %d: the repair was dropped at %s", n, s.true)
			case s.true.After(fixed.Add(75*time.Minute)) && v.Repaired:
				wrong++
			}
		})
		if right == 0 || first.Sub(origin) > time.Duration(slots)*5*time.Minute+slack {
			t.Fatalf("first repaired at %s, %d lines", first, right)
		}
		if wrong > 0 {
			t.Fatalf("%d lines moved long after the clock was set right", wrong)
		}
	})
}

func TestWhatIsKnownSurvivesACheckpointAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var lines []Line
		var keys []device.Key
		for i := range rapid.IntRange(1, 4).Draw(t, "devices") {
			w := drawWorld(t)
			if rapid.Bool().Draw(t, "wrong") {
				claims := w.claims
				w.claims = func(at time.Time) time.Time { return claims(at).Add(-9 * time.Hour) }
			}
			k := key(rapid.Bool().Draw(t, "bare"))
			k.Device = string(rune('a' + i))
			w.pause = time.Minute
			w.run(origin, origin.Add(6*time.Hour), func(s sample) { lines, keys = append(lines, s.Line), append(keys, k) })
		}
		order := rand.New(rand.NewPCG(1, 2)).Perm(len(lines))
		slices.SortStableFunc(order, func(a, b int) int { return int(lines[a].Received/1e12 - lines[b].Received/1e12) })
		whole, split := New(), New()
		for _, i := range order {
			a, b := whole.Judge(keys[i], "312011", lines[i]), split.Judge(keys[i], "312011", lines[i])
			if a != b {
				t.Fatalf("line %d: %+v, after a checkpoint %+v", i, a, b)
			}
			if rapid.IntRange(0, 50).Draw(t, "stop") == 0 {
				next := New()
				if !next.Restore(split.Snapshot()) {
					t.Fatal("not restored")
				}
				split = next
			}
		}
		if !slices.Equal(whole.Reports(), split.Reports()) || string(whole.Snapshot()) != string(split.Snapshot()) {
			t.Fatal("the reports differ")
		}
	})
}

// feed sends live lines for a while.
func feed(c *Clocks, bare bool, from time.Time, span time.Duration, off func(time.Time) time.Duration) (last Verdict, notes []string) {
	for at := from; at.Before(from.Add(span)); at = at.Add(20 * time.Second) {
		n := at.UnixNano()
		last = c.Judge(key(bare), "312011", Line{Claimed: n - int64(off(at)), Received: n, Ingested: n})
		if last.Note != "" {
			notes = append(notes, last.Note)
		}
	}
	return last, notes
}

func constant(d time.Duration) func(time.Time) time.Duration {
	return func(time.Time) time.Duration { return d }
}

func TestATimeWithItsZoneIsNeverMoved(t *testing.T) {
	for _, off := range []time.Duration{9 * time.Hour, -9 * time.Hour, time.Hour, 400 * 24 * time.Hour} {
		c := New()
		v, _ := feed(c, false, origin, 6*time.Hour, constant(off))
		if v.Repaired || v.Skew != off.Milliseconds() {
			t.Errorf("%s: %+v", off, v)
		}
	}
}

func TestMinutesAreToldAndNotRepaired(t *testing.T) {
	c := New()
	v, _ := feed(c, true, origin, 6*time.Hour, constant(-17*time.Minute))
	if v.Repaired || v.Skew != -(17*time.Minute).Milliseconds() {
		t.Errorf("%+v", v)
	}
	if r := c.Reports(); len(r) != 1 || r[0].Skew != -17*time.Minute || r[0].Repair != 0 {
		t.Errorf("%+v", r)
	}
}

func TestDaylightSavingTimeMovesTheRepairByAnHour(t *testing.T) {
	c, change := New(), origin.Add(8*time.Hour)
	v, notes := feed(c, true, origin, 16*time.Hour, func(at time.Time) time.Duration {
		if at.Before(change) {
			return -time.Hour // Sydney
		}
		return -2 * time.Hour
	})
	if len(notes) != 2 || !strings.Contains(notes[1], "daylight") || !v.Repaired || v.Skew != 0 {
		t.Errorf("%+v, %q", v, notes)
	}
}

func TestAClockThatJumpsIsToldAndItsRepairEnds(t *testing.T) {
	c := New()
	if v, _ := feed(c, true, origin, 4*time.Hour, constant(9*time.Hour)); !v.Repaired {
		t.Fatalf("%+v", v)
	}
	v, notes := feed(c, true, origin.Add(4*time.Hour), time.Hour, constant(0))
	if v.Repaired || len(notes) == 0 || !strings.Contains(strings.Join(notes, "; "), "not repaired any more") {
		t.Errorf("%+v, %q", v, notes)
	}
	if v, notes = feed(c, true, origin.Add(5*time.Hour), time.Hour, constant(4*time.Minute)); v.Repaired || len(notes) != 1 || !strings.Contains(notes[0], "it is 4m0s behind") {
		t.Errorf("%+v, %q", v, notes)
	}
}

func TestAClockThatHasForgottenTheYearsGivesWayToReceipt(t *testing.T) {
	c := New()
	v, _ := feed(c, true, origin, 2*time.Hour, constant(4000*24*time.Hour))
	if !v.Repaired || v.At != origin.Add(2*time.Hour-20*time.Second).UnixNano() || !strings.Contains(v.Why, "time of receipt") {
		t.Errorf("%+v", v)
	}
}

func TestALineThatCannotBeMovedIsLeft(t *testing.T) {
	c := New()
	feed(c, true, origin, 4*time.Hour, constant(9*time.Hour))
	now := origin.Add(4 * time.Hour).UnixNano()
	if v := c.Judge(key(true), "312011", Line{now, now, now}); v.Repaired {
		t.Errorf("moved into the future: %+v", v)
	}
	old := origin.Add(-time.Hour).UnixNano()
	if v := c.Judge(key(true), "312011", Line{old - int64(9*time.Hour), old, now}); v.Repaired {
		t.Errorf("received before the history that proves anything: %+v", v)
	}
}

// TestAFileThatComesNineHoursLater has a newest line that is nine hours old,
// day after day.
func TestAFileThatComesNineHoursLater(t *testing.T) {
	c := New()
	for at := origin; at.Before(origin.AddDate(0, 0, 20)); at = at.Add(time.Hour) {
		got := at.Add(9 * time.Hour).UnixNano()
		for m := 50; m >= 0; m -= 10 {
			l := Line{at.Add(-time.Duration(m) * time.Minute).UnixNano(), got, got}
			if v := c.Judge(key(true), "312011", l); v.Repaired {
				t.Fatalf("%s: %+v", at, v)
			}
		}
	}
}

// TestABacklogThatComesOutSlowly is late by nine hours for a long time.
func TestABacklogThatComesOutSlowly(t *testing.T) {
	c := New()
	if v, notes := feed(c, true, origin, 24*time.Hour, func(at time.Time) time.Duration {
		return 10*time.Hour - at.Sub(origin)/20
	}); v.Repaired || len(notes) > 0 {
		t.Errorf("%+v, %q", v, notes)
	}
}

func FuzzRestore(f *testing.F) {
	c := New()
	feed(c, true, origin, time.Hour, constant(9*time.Hour))
	f.Add(c.Snapshot())
	for _, damage := range []func(*track){
		func(t *track) { t.Repair = 1 << 50 },
		func(t *track) { t.Repair = 45 },
		func(t *track) { t.Run.Zone = -900 },
		func(t *track) { t.Slot.Floor = math.MinInt64 },
	} {
		c := New()
		feed(c, true, origin, time.Hour, constant(9*time.Hour))
		damage(&c.table.Rows()[0].Value)
		f.Add(c.Snapshot())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := New()
		if !c.Restore(b) && len(c.table.Rows()) > 0 {
			t.Error("something is left of what could not be read")
		}
		feed(c, true, origin, time.Minute, constant(0))
	})
}

func BenchmarkJudge(b *testing.B) {
	c, i := New(), int64(0)
	keys := make([]device.Key, 64)
	for n := range keys {
		keys[n] = key(n%2 == 0)
		keys[n].Device = strings.Repeat("x", n%8) + string(rune('A'+n))
	}
	b.ReportAllocs()
	for b.Loop() {
		i++
		at := origin.UnixNano() + i*1e6
		c.Judge(keys[i%64], "312011", Line{at - 9*int64(time.Hour), at, at})
	}
}
