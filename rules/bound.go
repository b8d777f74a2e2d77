package rules

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Bound is a comparison with a number, or several that must all hold.
type Bound struct {
	Op  string // one of boundOps
	N   float64
	And *Bound // the next one; nil: no more
}

// boundOps are the comparisons, in the order in which a bound has them.
var boundOps = []string{"gte", "gt", "lte", "lt", "eq", "neq"}

// grows tells whether more events can only make it true, so that there is no
// need to wait for the end of the window.
func (b Bound) grows() bool { return b.And == nil && (b.Op == "gte" || b.Op == "gt") }

func (b Bound) holds(v float64) bool {
	return b.one(v) && (b.And == nil || b.And.holds(v))
}

func (b Bound) one(v float64) bool {
	switch b.Op {
	case "gt":
		return v > b.N
	case "lte":
		return v <= b.N
	case "lt":
		return v < b.N
	case "eq":
		return v == b.N
	case "neq":
		return v != b.N
	}
	return v >= b.N
}

// least is the least whole number for which a bound that grows holds.
func (b Bound) least() int {
	if b.Op == "gt" {
		return int(math.Floor(b.N)) + 1
	}
	return int(math.Ceil(b.N))
}

// most is the largest number that it is compared with.
func (b Bound) most() float64 {
	if b.And == nil {
		return b.N
	}
	return max(b.N, b.And.most())
}

// none tells whether it can hold for no number: each that it names, the one
// between any two of them, and those beyond all are tried.
func (b Bound) none() bool {
	var named []float64
	for x := &b; x != nil; x = x.And {
		named = append(named, x.N)
	}
	slices.Sort(named)
	try := []float64{math.Inf(-1), math.Inf(1)}
	for i, n := range named {
		try = append(try, n, n/2+named[max(i-1, 0)]/2)
	}
	return !slices.ContainsFunc(try, b.holds)
}

// String writes it as a rule file does.
func (b Bound) String() string {
	if b.Op == "gte" && b.And == nil {
		return number(b.N)
	}
	var parts []string
	for x := &b; x != nil; x = x.And {
		parts = append(parts, x.Op+": "+number(x.N))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// bound reads a number, which is a least one, or {op: number, …}.
func (d *decoder) bound(p ypair, least, most float64) Bound {
	if p.value.kind != yamlMap {
		return Bound{Op: "gte", N: d.number(p, least, most)}
	}
	given, readers := map[string]float64{}, map[string]func(ypair){}
	for _, op := range boundOps {
		readers[op] = func(q ypair) { given[op] = d.number(q, min(least, 0), most) }
	}
	d.keys(p.value, p.key, readers)
	var b *Bound
	for _, op := range slices.Backward(boundOps) {
		if n, ok := given[op]; ok {
			b = &Bound{op, n, b}
		}
	}
	if b == nil {
		d.fail(p.value.line, p.value.col, p.key+": {gte: 10}", "%s has no comparison", p.key)
		return Bound{Op: "gte", N: max(least, 1)}
	}
	return *b
}
