package rules

import (
	"maps"
	"slices"
)

// legacy is what a rule, or a variant of one, knew in another engine.
type legacy struct {
	id, counting string
	scope        string
	table        *table
}

// Adopt takes over what another engine knows of the rules that count alike,
// which then knows nothing any more. A rule that only got another status,
// severity or exception goes on; so does a municipality that changed its variant.
func (e *Engine) Adopt(old *Engine) {
	var list []legacy
	for _, st := range old.states {
		if st.table != nil {
			list = append(list, legacy{st.rule.ID, st.rule.counting(), st.rule.scope.String(), st.table})
		}
	}
	e.inherit(list)
	e.clock, e.judged, e.stats = old.clock, old.judged, old.stats
	e.stats.Suspended = nil
}

// inherit hands tables to the rules that count alike: whole to the one for the
// same municipalities, else each municipality's part to the one that now has it.
// What no rule has any more is forgotten.
func (e *Engine) inherit(list []legacy) {
	heirs, given := e.heirs(), map[*state]bool{}
	rest := slices.DeleteFunc(list, func(l legacy) bool {
		to := heirs[[2]string{l.id, l.counting}]
		i := slices.IndexFunc(to, func(st *state) bool { return st.rule.together() || st.rule.scope.String() == l.scope })
		if i >= 0 {
			e.give(to[i], l.table)
			given[to[i]] = true
		}
		return i >= 0
	})
	for _, l := range rest {
		to := heirs[[2]string{l.id, l.counting}]
		for _, st := range to {
			if !given[st] {
				e.give(st, newTable(st.rule, st.table.limit))
				given[st] = true
			}
			st.table.join(l.table, st.rule.scope)
		}
		if len(to) > 0 {
			to[0].table.late += l.table.late
			to[0].table.evicted += l.table.evicted
		}
	}
}

// give makes a table a rule's own.
func (e *Engine) give(st *state, t *table) {
	t.alert, t.limit = blankAlert(st.rule), st.table.limit
	st.table = t
	e.attend(st)
}

// heirs are the states that remember something, by rule and way of counting.
func (e *Engine) heirs() map[[2]string][]*state {
	out := map[[2]string][]*state{}
	for _, st := range e.states {
		if st.table != nil {
			key := [2]string{st.rule.ID, st.rule.counting()}
			out[key] = append(out[key], st)
		}
	}
	return out
}

// join moves the groups of a scope's municipalities, and what waits for them,
// here. Groups and their order of use are of both; more than the limit go.
func (t *table) join(from *table, in *scope) {
	t.clock = max(t.clock, from.clock)
	mine := func(g *group) bool { return in.has(keyPart(g.key, slices.Index(t.by, fieldMunicipality))) }
	t.live.take(t, &from.live, mine)
	for _, name := range slices.Sorted(maps.Keys(from.lanes)) {
		if t.lanes[name] == nil {
			t.lanes[name] = newLane(name, never)
		}
		t.lanes[name].take(t, from.lanes[name], mine)
	}
	for len(t.groups) > t.limit {
		t.evict(nil)
	}
}
