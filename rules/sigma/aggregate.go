package sigma

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// temporal: all the rules match, or at least so many of them, in any order or
// in theirs.
func (x *correlated) temporal(kind string, steps []step, c criterion) error {
	need := c.least()
	if len(c.bounds) == 0 || len(c.bounds) == 1 && c.bounds[0] == (bound{"eq", strconv.Itoa(len(steps))}) {
		need = len(steps)
	}
	switch {
	case len(c.fields) > 0:
		return refuse("correlation", "a %s correlation counts rules, and no field", kind)
	case len(steps) < 2:
		return refuse("correlation", "a %s correlation needs two rules or more", kind)
	case need == 0:
		return refuse("correlation", "a %s correlation of at most so many of its rules", kind)
	case need > len(steps):
		return refuse("correlation", "a %s correlation of more rules than it has", kind)
	case need < len(steps) && kind != "temporal":
		return refuse("correlation", "a %s correlation of only some of its rules", kind)
	}
	if kind == "temporal" {
		x.kind = kind
	}
	if need < len(steps) {
		x.keys = []string{"count: " + strconv.Itoa(need)}
	}
	x.steps = steps
	return nil
}

// aggregate: the events of all rules together are counted, or a field of them.
func (x *correlated) aggregate(kind string, steps []step, c criterion) error {
	if len(c.bounds) == 0 {
		return refuse("correlation", "a %s correlation needs a condition", kind)
	}
	if kind != "event_count" && len(c.fields) == 0 {
		return refuse("correlation", "a %s correlation needs a field", kind)
	}
	if kind == "event_count" && slices.ContainsFunc(steps, func(s step) bool { return !slices.Equal(s.by, x.by) }) {
		x.kind, x.steps, x.keys = "threshold", apart(steps), []string{"count: " + c.count()}
		return nil
	}
	var anyOf or
	var fields []string
	for i, s := range steps {
		if !slices.Equal(s.by, x.by) {
			return refuse("correlation", "its rules call the fields of group-by differently: %s, %s", strings.Join(x.by, ", "), strings.Join(s.by, ", "))
		}
		var here []string
		for _, name := range c.fields {
			f, err := s.src.one(name)
			if err != nil {
				return err
			}
			here = append(here, f.name)
		}
		if i > 0 && !slices.Equal(here, fields) {
			return refuse("correlation", "its rules call the field %s differently", strings.Join(c.fields, ", "))
		}
		fields = here
		anyOf = append(anyOf, s.cond)
	}
	x.when = simplify(anyOf)
	field := strings.Join(refs(fields), ", ")
	if len(fields) > 1 {
		field = "[" + field + "]"
	}
	switch kind {
	case "event_count":
		x.keys = []string{"count: " + c.count()}
	case "value_count":
		x.keys = []string{"distinct: " + field, "count: " + c.count()}
	case "value_sum":
		x.keys = []string{"sum: " + field, "over: " + c.over()}
	case "value_avg":
		x.keys = []string{"avg: " + field, "over: " + c.over()}
	case "value_percentile":
		x.keys = []string{"percentile: " + field, "rank: " + cmp.Or(c.percentile, "50"), "over: " + c.over()}
	}
	return nil
}

// apart lets each step leave out what an earlier one takes: an event is counted
// once.
func apart(steps []step) []step {
	out := slices.Clone(steps)
	var earlier or
	for i, s := range steps {
		if i > 0 {
			out[i].cond = and{s.cond, not{earlier}}
		}
		earlier = append(slices.Clip(earlier), s.cond)
	}
	return out
}
