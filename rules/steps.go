package rules

import "math"

// steps are sequence and temporal. A step that asks for three events is three
// units; entries hold one time for each unit.
type steps struct {
	within  int64
	ordered bool
	from    []int // first unit of each step, and the number of units
}

func newSteps(c *Correlate) *steps {
	s := &steps{within: int64(c.Within), ordered: c.Type == "sequence", from: []int{0}}
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
	list := g.entries[s.from[x.step]:s.from[x.step+1]]
	start := int64(math.MaxInt64)
	if s.ordered {
		s.chain(g, x)
		start = g.entries[units-1].at
	} else { // the newest times of each step, oldest first
		copy(list, list[1:])
		list[len(list)-1].at = x.at
		for i := range g.entries {
			start = min(start, g.entries[i].at)
		}
	}
	return finding{start: start, end: x.at, count: units}, start != never && x.at-start <= s.within
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
