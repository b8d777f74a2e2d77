package rules

import (
	"slices"
	"strings"
)

// changesOf reads what may differ everywhere and in single municipalities.
func (l *local) changesOf(r *Rule) map[string]func(ypair) {
	return map[string]func(ypair){
		"severity": func(p ypair) { r.Severity = l.severity(p) },
		"status":   func(p ypair) { r.Status = l.status(p) },
		"suppress": func(p ypair) {
			if r.Correlate != nil {
				l.fail(p.line, p.col, "a correlation makes one alert an episode by itself", "suppress is for rules without correlate")
			}
			r.Suppress = l.suppress(p)
		},
		"correlate": func(p ypair) { l.thresholds(p, r) },
	}
}

func (l *local) thresholds(p ypair, r *Rule) {
	if r.Correlate == nil {
		l.fail(p.line, p.col, "", "the rule %s has no correlation", r.ID)
		return
	}
	c := *r.Correlate
	readers := map[string]func(ypair){
		"within":   func(q ypair) { c.Within = l.duration(q) },
		"lateness": func(q ypair) { c.Lateness = l.duration(q) },
		"learn":    func(q ypair) { c.Learn = l.duration(q) },
	}
	if len(c.Steps) == 0 {
		readers["count"] = func(q ypair) { c.Count = l.bound(q, 1, maxCount) }
	}
	if c.Over.Op != "" {
		readers["over"] = func(q ypair) { c.Over = l.bound(q, -1e18, 1e18) }
	}
	l.keys(p.value, "correlate", readers)
	for _, mistake := range c.mistakes(func(key string) bool { return slices.Contains(keysOf[c.Type].must, key) }) {
		msg, hint, _ := strings.Cut(mistake, "\n")
		l.fail(p.line, p.col, hint, "%s", msg)
	}
	r.Correlate = &c
}
