package rules

import (
	"cmp"
	"slices"
	"time"

	"mimamori/event"
)

// Changes against the version at work.
type Changes struct {
	Added   int `json:"added"`
	Removed int `json:"removed"`
	Same    int `json:"same"`
}

// compare notes what the version at work finds, too.
func (r *RuleReport) compare(was map[finger]int) {
	r.Changes = &Changes{}
	var added, removed []event.Alert
	for f, n := range r.alerts {
		if _, ok := was[f]; ok {
			r.Changes.Same++
			continue
		}
		r.Changes.Added++
		added = keep(added, r.Rule, f, n)
	}
	for f, n := range was {
		if _, ok := r.alerts[f]; !ok {
			r.Changes.Removed++
			removed = keep(removed, r.Rule, f, n)
		}
	}
	r.Added, r.Removed = added, removed
}

// keep holds the first few alerts.
func keep(list []event.Alert, rule string, f finger, count int) []event.Alert {
	a := event.Alert{Rule: rule, Municipality: f.town, Key: f.key, Start: time.Unix(0, f.start).UTC(), Count: count}
	at, _ := slices.BinarySearchFunc(list, a, func(x, y event.Alert) int {
		return cmp.Or(x.Start.Compare(y.Start), cmp.Compare(x.Municipality, y.Municipality), cmp.Compare(x.Key, y.Key))
	})
	list = slices.Insert(list, at, a)
	return list[:min(len(list), maxExamples)]
}
