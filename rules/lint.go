package rules

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
)

// Finding is something about a rule that works but should be better.
type Finding struct {
	Rule, File string
	Code       string // machine name: no-predicate, missing-text, …
	Message    string
}

// String says it in one line.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s: %s (%s)", f.File, f.Rule, f.Message, f.Code)
}

// blank is what a draft leaves to its author.
const blank = "…"

var attackID = regexp.MustCompile(`^(T\d{4}(\.\d{3})?|TA\d{4})$`)

// Lint examines the rules of a set.
func Lint(s *Set) []Finding {
	var out []Finding
	for _, r := range s.rules {
		out = append(out, r.lint()...)
	}
	if s.macros != nil {
		out = append(out, s.macros.lint(s.rules)...)
	}
	return out
}

func (r *Rule) lint() (out []Finding) {
	add := func(bad bool, code, format string, args ...any) {
		if bad {
			out = append(out, Finding{r.ID, r.File, code, fmt.Sprintf(format, args...)})
		}
	}
	for i, c := range r.units {
		n := frequency(share).necessary(c.root, false)
		add(n.always, "no-predicate", "condition %d runs on every event: it has no part that the index can use", i+1)
		add(!n.always && len(n.anyOf) == 0, "never", "condition %d can never be true", i+1)
		add(!n.always && n.share > 0.5, "weak-predicate", "condition %d runs on most events: its best part is %s", i+1, first(n))
	}
	for name, text := range map[string]string{"title.ja": r.Title.JA, "title.en": r.Title.EN, "explain.ja": r.Explain.JA, "explain.en": r.Explain.EN} {
		add(text == "" || text == blank, "missing-text", "%s is missing", name)
	}
	add(len(r.Respond.JA) == 0, "missing-response", "respond.ja is missing: nobody is told what to do first")
	add(len(r.Respond.EN) == 0, "missing-response", "respond.en is missing: nobody is told what to do first")
	for name, steps := range map[string][]string{"respond.ja": r.Respond.JA, "respond.en": r.Respond.EN} {
		add(slices.Contains(steps, blank), "missing-response", "%s is still as drafted", name)
	}
	add(r.Owner == "" || r.Owner == blank, "no-owner", "the rule has no owner")
	add(len(r.Attack) == 0, "no-attack", "no ATT&CK technique")
	for _, a := range r.Attack {
		add(!attackID.MatchString(a), "attack-id", "%q has not the shape of an ATT&CK id (T1021.002, TA0008)", a)
	}
	positive := slices.ContainsFunc(r.Tests, func(c Case) bool { return c.Alerts > 0 })
	negative := slices.ContainsFunc(r.Tests, func(c Case) bool { return c.Alerts == 0 })
	add(!positive, "no-positive-test", "no test in which the rule fires")
	add(!negative, "no-negative-test", "no test in which the rule must not fire")
	add(r.Correlate == nil && r.Suppress == nil, "no-suppress", "every event is an alert of its own: suppress: {by: […], for: 1h} makes one of many")
	if c := r.Correlate; c != nil {
		add(!slices.Contains(c.By, fieldMunicipality) && !slices.Contains(c.Fields, fieldMunicipality), "no-municipality", "the group key lacks municipality: private addresses overlap between towns")
	}
	if c := r.Suppress; c != nil {
		add(!slices.Contains(c.By, fieldMunicipality), "no-municipality", "suppress.by lacks municipality: private addresses overlap between towns")
	}
	for i, a := range r.Allow {
		add(a.Expires.IsZero(), "allow-forever", "allow entry %d never expires", i+1)
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(a.Code+a.Message, b.Code+b.Message) })
	return out
}

func first(n need) string {
	if len(n.anyOf) == 0 {
		return ""
	}
	return n.anyOf[0].String()
}
