package rules

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
)

// TestWhatIsLateIsForgottenInItsOwnTime: a day that an outage held up comes within
// one moment, of two collectors, each minute with keys of its own.
func TestWhatIsLateIsForgottenInItsOwnTime(t *testing.T) {
	s, x := setOf(t, ruleOf(t, "r", `has(event.action)`, "correlate: {count: 3, by: [host.name], within: 10m}")), new(event.Builder)
	e, now, seq, most := NewEngine(s, Options{}), testStart.Add(24*time.Hour), uint64(0), 0
	found := map[string]int{}
	for minute := range 24 * 60 {
		for _, collector := range []string{"a", "b"} {
			var b event.Batch
			for n := range 6 { // two hosts, each three times
				seq++
				x.Set(fieldTime, event.Time(testStart.Add(time.Duration(minute)*time.Minute+time.Duration(n)*time.Second).UnixNano()))
				x.Set(fieldReceived, event.Time(testStart.Add(time.Duration(minute)*time.Minute+time.Duration(n)*time.Second).UnixNano()))
				x.Set(fieldIngested, event.Time(now.UnixNano()))
				x.Set(event.MustLookup("event.action"), event.String("a"))
				x.Set(event.MustLookup("host.name"), event.String(fmt.Sprintf("%s-%d-%d", collector, minute, n%2)))
				b.Append(x, event.Ref{Collector: collector, Source: "s", Epoch: 1, Seq: seq})
			}
			e.Evaluate(&b, func(a event.Alert) { found[a.Key]++ })
		}
		most = max(most, len(e.states[0].table.groups))
		now = now.Add(time.Second / 10)
	}
	e.Flush(func(a event.Alert) { found[a.Key]++ })
	if want := 2 * 2 * 24 * 60; len(found) != want {
		t.Errorf("%d of %d hosts were found", len(found), want)
	}
	for key, n := range found {
		if n != 1 {
			t.Errorf("%s was found %d times", key, n)
		}
	}
	if most > 200 { // ten minutes of two hosts and two collectors, what waits, and what is not yet swept
		t.Errorf("%d groups were known at once", most)
	}
	e.Advance(now.Add(time.Hour), func(event.Alert) {})
	if n := len(e.states[0].table.groups); n > 0 {
		t.Errorf("%d groups are known when all is over", n)
	}
}

// TestNothingRegularHasALongerGap than a group is remembered for.
func TestNothingRegularHasALongerGap(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		r := &regular{
			within: int64(rapid.IntRange(1, 24).Draw(t, "hours")) * int64(time.Hour), count: rapid.IntRange(4, 12).Draw(t, "count"),
			share: rapid.Float64Range(0, 0.7).Draw(t, "share"),
		}
		mean := r.within / int64(r.count-1)
		var gaps []int64
		one := rapid.IntRange(0, r.count-2).Draw(t, "one")
		length := int64(rapid.Float64Range(0, 6).Draw(t, "length") * float64(mean))
		for i := range r.count - 1 { // what one is longer, the others share
			gap := (r.within - length) / int64(r.count-2)
			if i == one {
				gap = length
			}
			gaps = append(gaps, gap)
		}
		at, g := testStart.UnixNano(), &group{}
		_, ok := r.add(g, &arrival{at: at})
		for _, gap := range gaps {
			at += max(gap, 0)
			_, ok = r.add(g, &arrival{at: at})
		}
		if !ok {
			return
		}
		if found++; length > r.longestGap() {
			t.Errorf("a gap of %s was found regular; %s are remembered", time.Duration(length), time.Duration(r.longestGap()))
		}
	})
	if found == 0 {
		t.Error("nothing was regular")
	}
}

// TestTheBoundOfAGapIsNear: with a longer memory nothing would be won.
func TestTheBoundOfAGapIsNear(t *testing.T) {
	r := &regular{within: 12 * int64(time.Hour), count: 40, share: 0.25}
	if got := time.Duration(r.longestGap()).Round(time.Minute); got != 108*time.Minute {
		t.Errorf("%s", got)
	}
}
