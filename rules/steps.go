package rules

import (
	"cmp"
	"slices"
)

// steps are sequence and temporal. A step that asks for three events is three
// units; entries hold one time for each unit.
type steps struct {
	within  int64
	ordered bool
	need    int   // temporal: so many of the steps
	from    []int // first unit of each step, and the number of units
}

// maxSteps bounds the steps of a correlation.
const maxSteps = 64

func newSteps(c *Correlate) *steps {
	s := &steps{within: int64(c.Within), ordered: c.Type == "sequence", need: c.Count.least(), from: []int{0}}
	for i, step := range c.Steps {
		s.from = append(s.from, s.from[i]+step.Count)
	}
	return s
}

func (s *steps) near(*group, *arrival) bool { return true }

// until tells whether the event is none of the steps, but what begins anew.
func (s *steps) until(x *arrival) bool { return x.step == len(s.from)-1 }

func (s *steps) add(g *group, x *arrival) (f finding, found bool) {
	units := s.from[len(s.from)-1]
	if len(g.entries) == 0 {
		g.entries = make([]entry, units)
		for i := range g.entries {
			g.entries[i].at = never
		}
	}
	var start int64
	if s.ordered {
		s.chain(g, x)
		start = g.entries[units-1].at
	} else { // the newest times of each step, oldest first
		list := g.entries[s.from[x.step]:s.from[x.step+1]]
		copy(list, list[1:])
		list[len(list)-1].at = x.at
		start, units = s.together(g)
	}
	return finding{start: start, end: x.at, count: units}, start != never && x.at-start <= s.within
}

// together tells when the steps that are needed began, the newest ones, and of
// how many events they are.
func (s *steps) together(g *group) (start int64, events int) {
	var all [maxSteps]entry
	begins := all[:len(s.from)-1]
	for i := range begins {
		begins[i] = entry{g.entries[s.from[i]].at, uint64(s.from[i+1] - s.from[i])}
	}
	slices.SortStableFunc(begins, func(a, b entry) int { return cmp.Compare(b.at, a.at) })
	for _, b := range begins[:s.need] {
		events += int(b.n)
	}
	return begins[s.need-1].at, events
}

// chain notes for every unit that the event can complete when the chain up to
// it began, at the latest: the later, the longer it may still take. From the
// last unit to the first, so that one event stands for one unit.
func (s *steps) chain(g *group, x *arrival) {
	for i := s.from[x.step+1] - 1; i >= s.from[x.step]; i-- {
		began := x.at
		if i > 0 {
			began = g.entries[i-1].at
		}
		g.entries[i].at = max(g.entries[i].at, began)
	}
}
