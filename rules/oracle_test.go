package rules

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
)

// past is one event of the naive reference: the whole history, sorted, in memory.
type past struct {
	at      time.Duration
	action  string
	port    int
	delayed time.Duration // how much later the prefecture has it
	seq     int
}

// outcome is what an alert must say.
type outcome struct {
	start, end time.Duration
	count      int
}

const oracleSpan = 60 * time.Second

// oracles are rules, and what each must find in the sorted events of one key.
var oracles = []struct {
	rule  string
	naive func([]past) []outcome
}{
	{"correlate: {count: 3, by: [source.ip], within: 60s}", episodes(func(w []past) (outcome, bool) {
		return outcome{w[0].at, 0, len(w)}, len(w) >= 3
	})},
	{"correlate: {distinct: destination.port, count: 3, by: [source.ip], within: 60s}", episodes(func(w []past) (outcome, bool) {
		newest := map[int]time.Duration{}
		for _, e := range w {
			newest[e.port] = e.at
		}
		o := outcome{start: math.MaxInt64, count: len(newest)}
		for _, at := range newest {
			o.start = min(o.start, at)
		}
		return o, len(newest) >= 3
	})},
	{"correlate: {sum: destination.port, over: {gt: 9}, count: 2, by: [source.ip], within: 60s}", episodes(func(w []past) (outcome, bool) {
		sum := 0
		for _, e := range w {
			sum += e.port
		}
		return outcome{w[0].at, 0, len(w)}, sum > 9 && len(w) >= 2
	})},
	{"correlate: {avg: destination.port, over: 3, count: 3, by: [source.ip], within: 60s}", episodes(func(w []past) (outcome, bool) {
		sum := 0
		for _, e := range w {
			sum += e.port
		}
		return outcome{w[0].at, 0, len(w)}, float64(sum)/float64(len(w)) >= 3 && len(w) >= 3
	})},
	{"correlate: {percentile: destination.port, rank: 60, over: {gt: 2}, count: 2, by: [source.ip], within: 60s}", episodes(func(w []past) (outcome, bool) {
		return outcome{w[0].at, 0, len(w)}, ranked(w, 60) > 2 && len(w) >= 2
	})},
	{`correlate: {by: [source.ip], within: 60s, steps: [{name: a, when: 'event.action == "a"', count: 2}, {name: b, when: 'event.action == "b"'}, {name: any, when: 'has(event.action)'}], until: 'event.action == "c"'}`, episodes(naiveSequence)},
	{`correlate: {type: temporal, by: [source.ip], within: 60s, steps: [{name: a, when: 'event.action == "a"', count: 2}, {name: b, when: 'event.action == "b"'}, {name: c, when: 'event.action == "c"'}]}`, episodes(func(w []past) (outcome, bool) {
		o, at := outcome{start: math.MaxInt64, count: 4}, map[string][]time.Duration{}
		for _, e := range w {
			at[e.action] = append(at[e.action], e.at)
		}
		for action, n := range map[string]int{"a": 2, "b": 1, "c": 1} {
			if len(at[action]) < n {
				return o, false
			}
			o.start = min(o.start, at[action][len(at[action])-n])
		}
		return o, true
	})},
	{`correlate: {type: temporal, count: 2, by: [source.ip], within: 60s, steps: [{name: a, when: 'event.action == "a"', count: 2}, {name: b, when: 'event.action == "b"'}, {name: c, when: 'event.action == "c"'}]}`, episodes(naiveSome)},
	{"correlate: {distinct: [destination.port, event.action], count: 4, by: [source.ip], within: 60s}", episodes(func(w []past) (outcome, bool) {
		newest := map[string]time.Duration{}
		for _, e := range w {
			newest[fmt.Sprint(e.port, e.action)] = e.at
		}
		o := outcome{start: math.MaxInt64, count: len(newest)}
		for _, at := range newest {
			o.start = min(o.start, at)
		}
		return o, len(newest) >= 4
	})},
	{`correlate: {type: threshold, count: 4, by: [source.ip], within: 60s, steps: [{when: 'event.action == "a"', by: [source.ip]}, {when: 'destination.port == 2'}]}`, func(all []past) []outcome {
		var meets []past // one that meets both counts twice
		for _, e := range all {
			if e.action == "a" {
				meets = append(meets, e)
			}
			if e.port == 2 {
				meets = append(meets, e)
			}
		}
		return episodes(func(w []past) (outcome, bool) { return outcome{w[0].at, 0, len(w)}, len(w) >= 4 })(meets)
	}},
	{"correlate: {regular: 0.4, count: 4, by: [source.ip], within: 60s}", episodes(func(w []past) (outcome, bool) {
		if len(w) < 4 {
			return outcome{}, false
		}
		w = w[len(w)-4:]
		mean, off := (w[3].at-w[0].at).Seconds()/3, 0.0
		for i := range 3 {
			off += math.Abs((w[i+1].at - w[i].at).Seconds() - mean)
		}
		return outcome{w[0].at, 0, 4}, mean >= 5 && off/3 <= 0.4*mean
	})},
	{"correlate: {count: {lt: 3}, by: [source.ip], within: 60s}", windows(func(w []past) bool { return len(w) < 3 })},
	{"correlate: {count: {gte: 2, lt: 5, neq: 3}, by: [source.ip], within: 60s}", windows(func(w []past) bool { return len(w) == 2 || len(w) == 4 })},
	{"correlate: {sum: destination.port, over: {gt: 3, lte: 9}, count: {lte: 6}, by: [source.ip], within: 60s}", windows(func(w []past) bool {
		sum := 0
		for _, e := range w {
			sum += e.port
		}
		return sum > 3 && sum <= 9 && len(w) <= 6
	})},
	{"correlate: {percentile: destination.port, rank: 50, over: {eq: 2}, by: [source.ip], within: 60s}", windows(func(w []past) bool { return ranked(w, 50) == 2 })},
	{"correlate: {new: [destination.port], by: [source.ip], learn: 40s, within: 60s}", func(all []past) (out []outcome) {
		seen := map[int]time.Duration{}
		for _, e := range all {
			if at, ok := seen[e.port]; (!ok || e.at-at > oracleSpan) && e.at-all[0].at >= 40*time.Second {
				out = append(out, outcome{e.at, e.at, 1})
			}
			seen[e.port] = e.at
		}
		return out
	}},
	{"correlate: {type: absence, count: 3, by: [source.ip], within: 60s}", func(all []past) (out []outcome) {
		for i, e := range all {
			if i+1 >= 3 && (i+1 == len(all) || all[i+1].at > e.at+oracleSpan) {
				out = append(out, outcome{e.at, e.at + oracleSpan, 1})
			}
		}
		return out
	}},
}

func ranked(w []past, rank float64) int {
	var list []int
	for _, e := range w {
		list = append(list, e.port)
	}
	slices.Sort(list)
	return list[int(math.Ceil(rank/100*float64(len(list))))-1]
}

// episodes judges at each event the window that ends with it. A finding
// swallows what follows until the window's length has been quiet.
func episodes(judge func(window []past) (outcome, bool)) func([]past) []outcome {
	return func(all []past) (out []outcome) {
		var seen []past
		fired, last := false, time.Duration(0)
		for _, e := range all {
			if fired && e.at-last <= oracleSpan {
				last = e.at
				continue
			}
			if fired {
				fired, seen = false, nil
			}
			seen = append(seen, e)
			from := 0
			for seen[from].at < e.at-oracleSpan {
				from++
			}
			if o, ok := judge(seen[from:]); ok {
				o.end = e.at
				out = append(out, o)
				fired, last = true, e.at
			}
		}
		return out
	}
}

// windows judges spans that begin with the first event after the one before.
func windows(judge func(window []past) bool) func([]past) []outcome {
	return func(all []past) (out []outcome) {
		for len(all) > 0 {
			n := 0
			for n < len(all) && all[n].at <= all[0].at+oracleSpan {
				n++
			}
			if judge(all[:n]) {
				out = append(out, outcome{all[0].at, all[0].at + oracleSpan, n})
			}
			all = all[n:]
		}
		return out
	}
}

// naiveSequence tries every first event, the latest first, and takes what comes
// next as early as it can.
func naiveSequence(w []past) (outcome, bool) {
	units := []string{"a", "a", "b", ""}
	for from := range slices.Backward(w) {
		step := 0
		for _, e := range w[from:] {
			if units[step] != "" && units[step] != e.action {
				if step == 0 {
					break
				}
				continue
			}
			if step++; step == len(units) {
				return outcome{w[from].at, 0, 4}, true
			}
		}
	}
	return outcome{}, false
}

// naiveSome wants two of: two a, one b, one c. Of those that are there it takes
// the two that began last.
func naiveSome(w []past) (outcome, bool) {
	var there []outcome
	for i, action := range []string{"a", "b", "c"} {
		n := []int{2, 1, 1}[i]
		var at []time.Duration
		for _, e := range w {
			if e.action == action {
				at = append(at, e.at)
			}
		}
		if len(at) >= n {
			there = append(there, outcome{start: at[len(at)-n], count: n})
		}
	}
	if len(there) < 2 {
		return outcome{}, false
	}
	slices.SortStableFunc(there, func(a, b outcome) int { return int(b.start - a.start) })
	return outcome{start: there[1].start, count: there[0].count + there[1].count}, true
}

// beginsAnew cuts a history of the rule with until at its events.
func beginsAnew(all []past, naive func([]past) []outcome) (out []outcome) {
	from := 0
	for i, e := range all {
		if e.action == "c" {
			out = append(out, naive(all[from:i])...)
			from = i + 1
		}
	}
	return append(out, naive(all[from:])...)
}

func drawPast(t *rapid.T) []past {
	at, out := time.Duration(0), []past{}
	for i := range rapid.IntRange(1, 60).Draw(t, "events") {
		at += time.Duration(rapid.IntRange(0, 9).Draw(t, "gap")*rapid.SampledFrom([]int{0, 1, 1, 1, 10}).Draw(t, "times")) * time.Second
		out = append(out, past{
			at: at, seq: i + 1, action: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "action"), port: rapid.IntRange(0, 4).Draw(t, "port"),
			delayed: time.Duration(rapid.IntRange(0, 30).Draw(t, "delay")) * time.Second,
		})
	}
	return out
}

// replay gives an engine the events in order of arrival, cut at random, with a
// restart at each cut, and a day of quiet after them.
func replay(t *rapid.T, s *Set, x *event.Builder, list []past) map[string][]outcome {
	arrived := slices.Clone(list)
	slices.SortStableFunc(arrived, func(a, b past) int { return int(a.at + a.delayed - b.at - b.delayed) })
	got := map[string][]outcome{}
	emit := func(a event.Alert) {
		got[a.Rule] = append(got[a.Rule], outcome{a.Start.Sub(testStart), a.End.Sub(testStart), a.Count})
	}
	e := NewEngine(s, Options{})
	for len(arrived) > 0 {
		n := rapid.IntRange(1, len(arrived)).Draw(t, "cut")
		var b event.Batch
		for _, p := range arrived[:n] {
			x.Set(fieldTime, event.Time(testStart.Add(p.at).UnixNano()))
			x.Set(fieldIngested, event.Time(testStart.Add(p.at+p.delayed).UnixNano()))
			x.Set(event.MustLookup("event.action"), event.String(p.action))
			x.Set(event.MustLookup("source.ip"), event.Addr("10.0.0.1"))
			x.Set(event.MustLookup("destination.port"), event.Int(int64(p.port)))
			b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(p.seq)})
		}
		e.Evaluate(&b, emit)
		arrived = arrived[n:]
		snap, err := e.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if e = NewEngine(s, Options{}); e.Restore(snap) != nil {
			t.Fatal("not restored")
		}
	}
	if len(list) > 0 {
		e.Advance(testStart.Add(list[len(list)-1].at+24*time.Hour), emit)
	}
	if n := e.Stats().Late; n > 0 {
		t.Fatalf("%d events were too late", n)
	}
	return got
}

// TestCorrelationsFindWhatTheWholeHistoryHolds: whatever the order of arrival
// within the lateness, the cuts and the restarts.
func TestCorrelationsFindWhatTheWholeHistoryHolds(t *testing.T) {
	var list []*Rule
	for i, o := range oracles {
		list = append(list, ruleOf(t, fmt.Sprintf("o%d", i), `has(event.action)`, o.rule))
	}
	s, x := setOf(t, list...), new(event.Builder)
	rapid.Check(t, func(t *rapid.T) {
		all := drawPast(t)
		got := replay(t, s, x, all)
		for i, o := range oracles {
			want := o.naive(all)
			if list[i].Correlate.Until != nil {
				want = beginsAnew(all, o.naive)
			}
			id := list[i].ID
			slices.SortFunc(got[id], func(a, b outcome) int { return int(a.end - b.end) })
			if !slices.Equal(got[id], want) {
				t.Fatalf("%s\n%v\ngot  %v\nwant %v", o.rule, all, got[id], want)
			}
		}
	})
}

// TestSpikeComparesWithTheSameHourOfPastWeeks against the same, recounted.
func TestSpikeComparesWithTheSameHourOfPastWeeks(t *testing.T) {
	s, x := setOf(t, ruleOf(t, "r", `has(event.action)`, "correlate: {spike: 3, count: 4, by: [source.ip], within: 1h, learn: 14d}")), new(event.Builder)
	rapid.Check(t, func(t *rapid.T) {
		counts := map[time.Duration]int{} // by hour
		var all []past
		for w := range 8 {
			for _, h := range []int{9, 10} {
				for range rapid.IntRange(0, 12).Draw(t, "events") {
					all = append(all, past{at: time.Duration(w*168+h)*time.Hour + time.Duration(rapid.IntRange(0, 3599).Draw(t, "at"))*time.Second, seq: len(all) + 1, action: "a"})
				}
			}
		}
		slices.SortStableFunc(all, func(a, b past) int { return int(a.at - b.at) })
		var want []time.Duration
		fired := map[time.Duration]bool{}
		for _, e := range all {
			hour := e.at.Truncate(time.Hour)
			counts[hour]++
			weeks, sum := 0, 0
			for w := time.Duration(1); w <= 4 && hour-w*168*time.Hour >= all[0].at.Truncate(time.Hour); w++ {
				weeks++
				sum += counts[hour-w*168*time.Hour]
			}
			if n := counts[hour]; n >= 4 && n*weeks >= 3*sum && weeks > 0 && e.at-all[0].at >= 14*24*time.Hour && !fired[hour] {
				fired[hour] = true
				want = append(want, hour)
			}
		}
		var got []time.Duration
		for _, o := range replay(t, s, x, all)["r"] {
			got = append(got, o.start)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}
