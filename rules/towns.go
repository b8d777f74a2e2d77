package rules

import (
	"cmp"
	"slices"

	"mimamori/event"
)

// inTowns applies what differs in single municipalities.
func (l *local) inTowns() {
	if l.towns.value == nil {
		return
	}
	readers := map[string]func(ypair){}
	towns := make(map[string]*Rule, len(l.towns.value.pairs))
	for _, p := range l.towns.value.pairs {
		if err := event.CheckCode(p.key); err != nil {
			l.fail(p.line, p.col, "six digits in quotes", "%v", err)
		}
		readers[p.key] = func(p ypair) {
			t := l.rule.In(p.key).scoped(nil)
			l.keys(p.value, "a municipality", l.changesOf(t))
			t.settle(l.plain)
			towns[p.key] = t
		}
	}
	l.keys(l.towns.value, "municipalities", readers)
	for code, t := range l.rule.Towns {
		towns[code] = cmp.Or(towns[code], t)
	}
	l.rule.Towns = towns
}

// oneWay refuses a rule that would count over municipalities in several ways.
func (l *local) oneWay() {
	if l.towns.value == nil {
		return
	}
	ways := slices.DeleteFunc(l.rule.variants(), func(r *Rule) bool { return !r.runs() })
	if len(ways) < 2 || !slices.ContainsFunc(ways, (*Rule).together) {
		return
	}
	for _, p := range l.towns.value.pairs {
		if ways[1].scope.has(p.key) {
			l.fail(p.line, p.col, "status: draft leaves a municipality out; in some only: status: draft for all, and test or stable, alike, in those; or let it count by municipality",
				"%s counts over municipalities together, so it runs in one way only", l.rule.ID)
			return
		}
	}
}
