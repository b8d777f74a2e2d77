package rules

import (
	"maps"
	"slices"

	"mimamori/event"
)

// fieldsOf are the fields that the engine reads for its rules: what conditions
// and exceptions ask, what groups are made by, and what alerts say. An event
// with these fields only gives the same alerts, their evidence aside.
func (e *Engine) fieldsOf() []event.Field {
	all := map[event.Field]bool{
		fieldTime: true, fieldReceived: true, fieldIngested: true, fieldSkew: true,
		fieldMunicipality: true, fieldZone: true, fieldSourceZone: true, fieldDataset: true,
	}
	add := func(fields []event.Field) {
		for _, f := range fields {
			all[f] = true
		}
	}
	for _, st := range e.states {
		r := st.rule
		for _, u := range r.units {
			add(fieldsOf(u.root, nil))
		}
		for _, a := range r.Allow {
			add(fieldsOf(a.When.Root, nil))
		}
		if r.Suppress != nil {
			add(r.Suppress.By)
		}
		if c := r.Correlate; c != nil {
			add(c.By)
			add(c.Fields)
			for _, s := range c.Steps {
				add(s.By)
			}
		}
	}
	if e.feed != nil {
		add(e.feed.carried)
	}
	if message := event.MustLookup("message"); all[message] { // a search for words asks both
		all[event.MustLookup("event.original")] = true
	}
	return slices.Sorted(maps.Keys(all))
}
