package rules

import (
	"maps"
	"slices"
)

// In returns the rule as it is in a municipality.
func (r *Rule) In(town string) *Rule {
	if t := r.Towns[town]; t != nil {
		return t
	}
	return r
}

// variants are what an engine runs of a rule: the rule as it is elsewhere, first,
// and one for each way in which municipalities differ from that. Each event is
// of one of them.
func (r *Rule) variants() []*Rule {
	rest, out, same := &scope{other: true}, []*Rule{r}, map[string]*Rule{}
	for _, code := range slices.Sorted(maps.Keys(r.Towns)) {
		t := r.Towns[code]
		way := t.effect()
		if way == r.effect() {
			continue
		}
		rest.towns = append(rest.towns, code)
		if same[way] == nil {
			same[way] = t.scoped(&scope{})
			out = append(out, same[way])
		}
		same[way].scope.towns = append(same[way].scope.towns, code)
	}
	if len(out) == 1 {
		return out
	}
	out[0] = r.scoped(rest)
	for _, v := range out {
		gate := v.scope.gate()
		units := make([]condition, len(v.units))
		for i, c := range v.units {
			units[i] = condition{c.step, conjunction(gate, c.root), conjunction(gate, c.shown)}
		}
		v.units = units
	}
	return out
}

func (r *Rule) scoped(s *scope) *Rule {
	out := *r
	out.Towns, out.scope = nil, s
	return &out
}

// runs tells whether an engine runs the rule.
func (r *Rule) runs() bool { return r.Status == Stable || r.Status == InTest }

// together tells whether events of several municipalities count as one. A
// variant of such a rule would not be another threshold for a town but another
// count of fewer towns.
func (r *Rule) together() bool {
	if r.Suppress != nil {
		return !slices.Contains(r.Suppress.By, fieldMunicipality)
	}
	if r.Correlate == nil {
		return false
	}
	at := slices.Index(r.Correlate.By, fieldMunicipality)
	return at < 0 || slices.ContainsFunc(r.Correlate.Steps, func(s Step) bool { return s.By != nil && s.By[at] != fieldMunicipality })
}
