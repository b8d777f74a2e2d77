package rules

import (
	"slices"
	"strings"
)

// correlation is one type of correlation: how a group grows and when it is a
// finding. The group holds the events of one window only, in order of time.
type correlation interface {
	add(g *group, x entry)
	near(g *group) bool // close enough to completion to keep evidence
	complete(g *group) bool
}

// correlations are the types, by the name in rule files.
var correlations = map[string]func(*Correlate) correlation{
	"threshold": func(c *Correlate) correlation { return threshold(c.Count) },
	"distinct":  func(c *Correlate) correlation { return distinct(c.Count) },
	"sequence":  func(c *Correlate) correlation { return sequence(c.Steps) },
}

// insert puts x at its place in time, after its equals.
func insert(list []entry, x entry) []entry {
	i := len(list)
	for i > 0 && list[i-1].at > x.at {
		i--
	}
	return slices.Insert(list, i, x)
}

// threshold is complete with so many events.
type threshold int

func (n threshold) add(g *group, x entry)  { g.entries = insert(g.entries, x) }
func (n threshold) near(g *group) bool     { return len(g.entries) > int(n)-maxEvidence }
func (n threshold) complete(g *group) bool { return len(g.entries) >= int(n) }

// distinct is complete with so many different values; events without a value
// don't count. Each value is held once, at its newest time.
type distinct int

func (n distinct) add(g *group, x entry) {
	if x.value == "" {
		return
	}
	for i, y := range g.entries {
		if y.value == x.value {
			if y.at >= x.at {
				return
			}
			g.entries = insert(slices.Delete(g.entries, i, i+1), entry{at: x.at, value: y.value})
			return
		}
	}
	x.value = strings.Clone(x.value) // it points into the batch
	g.entries = insert(g.entries, x)
}

func (n distinct) near(g *group) bool     { return len(g.entries) > int(n)-maxEvidence }
func (n distinct) complete(g *group) bool { return len(g.entries) >= int(n) }

// sequence is complete when its steps follow each other, each as often as it says.
type sequence []Step

// maxPerStep bounds how many events of one step a group holds; a step that asks
// for more holds what it asks for.
const maxPerStep = 256

func (s sequence) add(g *group, x entry) {
	g.entries = insert(g.entries, x)
	held, oldest := 0, -1
	for i, y := range g.entries {
		if y.step == x.step {
			if oldest < 0 {
				oldest = i
			}
			held++
		}
	}
	if held > max(maxPerStep, s[x.step].Count) {
		g.entries = slices.Delete(g.entries, oldest, oldest+1)
	}
}

func (s sequence) near(*group) bool { return true }

// complete walks the events once: taking each step's earliest events leaves the
// most room for the next, so that a chain is found if there is one.
func (s sequence) complete(g *group) bool {
	step, seen := 0, 0
	for _, x := range g.entries {
		if int(x.step) != step {
			continue
		}
		if seen++; seen == s[step].Count {
			step, seen = step+1, 0
			if step == len(s) {
				return true
			}
		}
	}
	return false
}
