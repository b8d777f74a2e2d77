package rules

import (
	"math"
	"slices"
	"time"

	"mimamori/event"
)

// correlation is one type of it. It sees a group's events in order of time,
// equals by their identity, whatever the order in which they arrived.
type correlation interface {
	// add takes the next event, and says whether that makes a finding.
	add(g *group, x *arrival) (finding, bool)
	// near tells, when an event arrives, whether it may be evidence soon.
	near(g *group, x *arrival) bool
}

// timed is a correlation that also finds something when nothing comes.
type timed interface {
	// due is asked at the time that a group wanted to be woken at, and answers
	// when to be woken next, 0 for never.
	due(g *group, at int64) (f finding, found bool, next int64)
	// wake is when a group wants to be woken after its newest event, 0 for never.
	wake(g *group) int64
}

// finding is what a group's events come to.
type finding struct {
	start, end int64
	count      int
	again      bool // the next event may be a finding too: no episode begins
}

// entry is one thing that a group remembers; its type of correlation says what n is.
type entry struct {
	at int64
	n  uint64
}

const (
	day    = int64(24 * time.Hour)
	week   = 7 * day
	never  = math.MinInt64
	japan  = int64(9 * time.Hour)
	pastWk = 4 // weeks that a spike is compared with
)

// correlationOf makes a rule's type of correlation.
func correlationOf(c *Correlate) correlation {
	within := int64(c.Within)
	switch c.Type {
	case "sequence", "temporal":
		return newSteps(c)
	case "new":
		return &newValue{within, int64(c.Learn)}
	case "absence":
		return &absence{within, c.Count.N}
	case "spike":
		return &spike{within, int64(c.Learn), c.Spike, c.Count.N}
	case "regular":
		return &regular{within, int(c.Count.N), c.Regular}
	}
	a := &aggregate{Correlate: c, within: within, bound: c.Count}
	if c.Over.Op != "" {
		a.bound = c.Over
	}
	a.closes = !a.bound.grows()
	a.scale = 1
	if len(c.Fields) == 1 && c.Fields[0].Type() == event.Double {
		a.scale = doubles
	}
	return a
}

// doubles is what values with decimals are multiplied by, to be added up as
// whole numbers, without an error that depends on what came before.
const doubles = 1e6

// aggregate is threshold, distinct, sum, avg and percentile over a window that
// ends with the newest event. Where more events could make the comparison
// untrue, it waits: the window then begins with a group's first event, and is
// judged at its end.
type aggregate struct {
	*Correlate
	within int64
	bound  Bound
	closes bool
	scale  float64
}

func (a *aggregate) add(g *group, x *arrival) (f finding, found bool) {
	if !a.closes {
		a.prune(g, x.at-a.within)
	}
	if a.Type == "distinct" {
		if !g.forget(x.n) && len(g.entries) >= maxDistinct {
			g.lost++
			return f, false
		}
	} else if len(g.entries) >= maxCount {
		a.prune(g, g.entries[0].at+1)
		g.lost++
	}
	g.entries = append(g.entries, entry{x.at, x.n})
	g.sum += a.weight(x.n)
	if a.closes || !a.bound.holds(a.value(g)) || a.Over.Op != "" && !a.Count.holds(float64(len(g.entries))) {
		return f, false
	}
	return finding{start: g.entries[0].at, end: x.at, count: len(g.entries)}, true
}

// prune drops what is older than the window.
func (a *aggregate) prune(g *group, oldest int64) {
	n := 0
	for n < len(g.entries) && g.entries[n].at < oldest {
		g.sum -= a.weight(g.entries[n].n)
		n++
	}
	g.entries = g.entries[n:]
}

// weight is what an event adds to the group's sum: its value, or for a rank
// whether it is below the bound.
func (a *aggregate) weight(n uint64) int64 {
	v := int64(n)
	if a.Type != "percentile" {
		return v
	}
	if real := float64(v) / a.scale; real < a.bound.N || real == a.bound.N && a.bound.Op == "gt" {
		return 1
	}
	return 0
}

// value is what the bound is compared with.
func (a *aggregate) value(g *group) float64 {
	n := float64(len(g.entries))
	switch a.Type {
	case "sum":
		return float64(g.sum) / a.scale
	case "avg":
		return float64(g.sum) / a.scale / n
	case "percentile":
		rank := int(math.Ceil(a.Rank / 100 * n))
		if !a.closes { // the ranked value is above the bound when fewer than rank values are below it
			if g.sum < int64(rank) {
				return math.Inf(1)
			}
			return math.Inf(-1)
		}
		all := make([]int64, len(g.entries))
		for i, e := range g.entries {
			all[i] = int64(e.n)
		}
		slices.Sort(all)
		return float64(all[max(rank, 1)-1]) / a.scale
	}
	return n
}

func (a *aggregate) near(g *group, _ *arrival) bool {
	have, want := float64(len(g.entries)+int(g.waiting)), a.bound.N
	switch a.Type {
	case "threshold", "distinct":
		return a.closes || have > want-maxEvidence
	case "sum":
		return a.closes || float64(g.sum)/a.scale >= want/2
	}
	return true
}

func (a *aggregate) wake(g *group) int64 {
	if !a.closes {
		return 0
	}
	return g.first + a.within
}

func (a *aggregate) due(g *group, at int64) (f finding, found bool, next int64) {
	f = finding{start: g.first, end: at, count: len(g.entries), again: true}
	found = len(g.entries) > 0 && a.bound.holds(a.value(g)) && (a.Over.Op == "" || a.Count.holds(float64(len(g.entries))))
	g.over = true
	return f, found, 0
}

// absence is a known key from which nothing comes any more.
type absence struct {
	within int64
	count  float64
}

func (a *absence) add(*group, *arrival) (finding, bool) { return finding{}, false }

func (a *absence) near(*group, *arrival) bool { return false }

func (a *absence) wake(g *group) int64 {
	if float64(g.n) < a.count {
		return 0
	}
	return g.last + a.within
}

func (a *absence) due(g *group, at int64) (f finding, found bool, next int64) {
	if g.last+a.within > at {
		return f, false, g.last + a.within
	}
	return finding{start: g.last, end: at, count: 1, again: true}, true, 0
}

// newValue is a value that a group has not had for a long time.
type newValue struct{ within, learn int64 }

func (k *newValue) add(g *group, x *arrival) (finding, bool) {
	known := k.known(g, x)
	if _, ok := g.seen[x.n]; !ok && len(g.seen) >= maxCount {
		g.lost++
		return finding{}, false
	}
	if g.seen == nil {
		g.seen = map[uint64]int64{}
	}
	g.seen[x.n] = max(g.seen[x.n], x.at)
	return finding{start: x.at, end: x.at, count: 1, again: true}, !known && x.at-g.first >= k.learn
}

func (k *newValue) known(g *group, x *arrival) bool {
	at, ok := g.seen[x.n]
	return ok && x.at-at <= k.within
}

func (k *newValue) near(g *group, x *arrival) bool {
	return !k.known(g, x) && x.at-g.first >= k.learn
}

// spike is far more in a span of the day than in the same span of past weeks.
// Entries are spans: their begin and their count.
type spike struct {
	within, learn int64
	times, count  float64
}

// spiked marks a span of which there was an alert.
const spiked = uint64(1) << 63

func (s *spike) add(g *group, x *arrival) (finding, bool) {
	at := span(x.at, s.within)
	newest := at
	if len(g.entries) > 0 {
		newest = max(at, g.entries[len(g.entries)-1].at)
	}
	for len(g.entries) > 0 && g.entries[0].at < newest-pastWk*week {
		g.entries = g.entries[1:]
	}
	i, ok := g.find(at)
	if !ok {
		g.entries = slices.Insert(g.entries, i, entry{at: at})
	}
	e := &g.entries[i]
	e.n++
	if e.n&spiked != 0 || float64(e.n) < s.count || x.at-g.first < s.learn || !s.unusual(g, at, float64(e.n)) {
		return finding{}, false
	}
	n := int(e.n)
	e.n |= spiked
	return finding{start: at, end: x.at, count: n, again: true}, true
}

// unusual compares with the mean of the weeks that the group is known.
func (s *spike) unusual(g *group, at int64, n float64) bool {
	weeks, past := 0.0, 0.0
	for w := int64(1); w <= pastWk && at-w*week >= span(g.first, s.within); w++ {
		weeks++
		if i, ok := g.find(at - w*week); ok {
			past += float64(g.entries[i].n &^ spiked)
		}
	}
	return weeks > 0 && n*weeks >= s.times*past
}

func (s *spike) near(g *group, x *arrival) bool {
	i, ok := g.find(span(x.at, s.within))
	return ok && float64(g.entries[i].n&^spiked)+float64(g.waiting) > s.count-maxEvidence || s.count <= maxEvidence
}

// regular is what comes at one interval, give or take a little: so programs call
// home. Of a random stream the gaps lie 0.74 of their mean away from it.
type regular struct {
	within int64
	count  int
	share  float64
}

// shortestGap keeps bursts out: the parts of one page come within moments.
const shortestGap = float64(5 * time.Second)

// longestGap is more than any gap in what is regular: as much as one gap is above
// the mean the others are below it, and so it is above by half of what all are off.
func (r *regular) longestGap() int64 {
	return int64(float64(r.within)*(1/float64(r.count-1)+r.share/2)) + int64(time.Second)
}

func (r *regular) add(g *group, x *arrival) (f finding, found bool) {
	if len(g.entries) == r.count {
		copy(g.entries, g.entries[1:])
		g.entries = g.entries[:r.count-1]
	}
	g.entries = append(g.entries, entry{at: x.at})
	first, gaps := g.entries[0].at, float64(len(g.entries)-1)
	mean := float64(x.at-first) / gaps
	if len(g.entries) < r.count || x.at-first > r.within || mean < shortestGap {
		return f, false
	}
	off := 0.0
	for i := range g.entries[1:] {
		off += math.Abs(float64(g.entries[i+1].at-g.entries[i].at) - mean)
	}
	return finding{start: first, end: x.at, count: r.count}, off/gaps <= r.share*mean
}

func (r *regular) near(g *group, _ *arrival) bool {
	return len(g.entries)+int(g.waiting) > r.count-maxEvidence
}

// span is the begin of the span of time that an event lies in.
func span(at, length int64) int64 {
	off := (at + japan) % length
	if off < 0 {
		off += length
	}
	return at - off
}
