package rules

import (
	"slices"
	"time"

	"mimamori/event"
	"mimamori/internal/lang"
)

// Status says whether a rule runs.
type Status string

// The statuses. Draft and deprecated rules are loaded and checked, but do not
// run; the alerts of a rule in test are marked as such.
const (
	Draft      Status = "draft"
	InTest     Status = "test"
	Stable     Status = "stable"
	Deprecated Status = "deprecated"
)

// Rule is one rule file, checked.
type Rule struct {
	ID         string
	File       string // where it was read, for messages
	Version    string // 12 hex digits: hash of the rule's text without its tests
	Title      event.Localized
	Severity   event.Severity
	Status     Status
	Owner      string
	Attack     []string // MITRE ATT&CK techniques, T1021.002, or tactics, TA0008
	Datasets   []string // event.dataset, exact or with a trailing .*; empty for any
	When       *lang.Expr
	Correlate  *Correlate // nil: every event that matches is a finding
	Suppress   *Suppress  // single-event rules only; nil: every event is an alert
	Explain    event.Localized
	Respond    event.Steps
	References []string
	FalsePos   event.Steps
	Allow      []Allow
	Tests      []Case
	Towns      map[string]*Rule // the rule as it is in municipalities where it differs, by their codes
	Changes    []Change         // of its status, the latest last

	units   []condition
	calls   []string // the macros that its conditions call
	macros  string   // what they stand for
	scope   *scope   // where it is at work; nil: everywhere
	counted string   // what its state goes by; "" is Version
}

// Suppress makes one alert of the events with one key in each span of time. The
// spans stand side by side from midnight in Japan, so that no order of arrival
// changes the alerts.
type Suppress struct {
	By  []event.Field
	For time.Duration
}

// Allow takes events out of a rule: agreed exceptions, with who and why.
type Allow struct {
	When         *lang.Expr
	Owner        string
	Reason       string
	Expires      time.Time // zero: never
	Municipality string    // "" for all
}

// Case is one test inside a rule file.
type Case struct {
	Name   string
	Line   int
	Events []Sample
	Alerts int        // how many alerts the events must give
	Lists  lang.Lists // members of named lists
}

// Sample is one event of a test. Repeat > 1 repeats it Every later; {n} in a
// string is then replaced by the number of the repetition, from 1.
type Sample struct {
	Fields map[string]any
	Repeat int
	Every  time.Duration
}

// condition is one unit of evaluation: the rule's condition, or one step.
type condition struct {
	step  int
	root  lang.Node
	shown lang.Node // root with the calls of macros
}

// Set is an immutable set of checked rules.
type Set struct {
	rules  []*Rule
	parsed map[text]*Rule // as their files say, without overrides
	macros *macros
}

// Rules returns the rules in order of their ids. Do not change the result.
func (s *Set) Rules() []*Rule { return s.rules }

// Get finds a rule by its id; nil when there is none.
func (s *Set) Get(id string) *Rule {
	for _, r := range s.rules {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// Only is the set without the rules that keep does not want.
func (s *Set) Only(keep func(*Rule) bool) *Set {
	out := *s
	out.rules = slices.DeleteFunc(slices.Clone(s.rules), func(r *Rule) bool { return !keep(r) })
	return &out
}

var fieldDataset = event.MustLookup("event.dataset")

// build joins source gate, condition and steps to what the engine evaluates.
func (r *Rule) build() {
	gate := datasetGate(r.Datasets)
	add := func(exprs ...*lang.Expr) {
		root, shown := []lang.Node{gate}, []lang.Node{gate}
		for _, e := range exprs {
			if e != nil {
				root, shown = append(root, e.Root), append(shown, e.Shown)
			}
		}
		r.units = append(r.units, condition{len(r.units), conjunction(root...), conjunction(shown...)})
	}
	if r.Correlate == nil || len(r.Correlate.Steps) == 0 {
		add(r.When)
		return
	}
	for _, s := range r.Correlate.Steps {
		add(r.When, s.When)
	}
	if u := r.Correlate.Until; u != nil {
		add(u)
	}
}

// begins tells whether a unit is not a step but what a sequence begins anew with.
func (r *Rule) begins(unit int) bool {
	return r.Correlate != nil && r.Correlate.Until != nil && unit == len(r.Correlate.Steps)
}

func conjunction(parts ...lang.Node) lang.Node {
	var and lang.And
	for _, p := range parts {
		if p != nil {
			and = append(and, p)
		}
	}
	if len(and) == 1 {
		return and[0]
	}
	return and
}

func datasetGate(names []string) lang.Node {
	if len(names) == 0 {
		return nil
	}
	exact := &lang.Test{Field: fieldDataset, Op: lang.Eq}
	prefix := &lang.Test{Field: fieldDataset, Op: lang.StartsWith}
	for _, n := range names {
		if n[len(n)-1] == '*' {
			prefix.Values = append(prefix.Values, event.String(n[:len(n)-1]))
		} else {
			exact.Values = append(exact.Values, event.String(n))
		}
	}
	switch {
	case len(prefix.Values) == 0:
		return exact
	case len(exact.Values) == 0:
		return prefix
	}
	return lang.Or{exact, prefix}
}
