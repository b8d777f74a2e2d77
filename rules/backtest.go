package rules

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/internal/lang"
)

// Backtest runs rules over events of the past, and beside them the rules of the
// same names that are at work, to say what a change would add and remove. Draft
// rules run, too.
type Backtest struct {
	now, was *Engine // was: nil when none of the rules is at work
	rules    map[string]*RuleReport
	old      map[string]map[finger]int
}

// finger is what makes an alert the same in two versions of a rule.
type finger struct {
	town, key string
	start     int64
}

// RuleReport is what one rule found.
type RuleReport struct {
	Rule    string         `json:"rule"`
	Alerts  int            `json:"alerts"`
	Days    map[string]int `json:"days"`           // alerts by day in Japan
	Towns   map[string]int `json:"municipalities"` // "" is several at once
	Groups  []GroupCount   `json:"groups"`         // most alerts first
	Example []event.Alert  `json:"-"`              // the first few
	Added   []event.Alert  `json:"-"`              // not found by the version at work
	Removed []event.Alert  `json:"-"`              // found only by it
	Changes *Changes       `json:"changes,omitempty"`
	same    bool           // as the version at work, which need not run
	groups  map[string]int
	alerts  map[finger]int // events of each, where there is a version to compare with
}

// GroupCount is a group key and how many alerts it had.
type GroupCount struct {
	Key   string `json:"key"`
	Count int    `json:"count"`
}

// maxGroups and maxExamples bound a report.
const (
	maxGroups   = 10
	maxExamples = 3
)

// NewBacktest prepares the rules of set; running holds those at work, and may be
// nil.
func NewBacktest(set, running *Set, lists lang.Lists, log *slog.Logger) *Backtest {
	b := &Backtest{rules: map[string]*RuleReport{}, old: map[string]map[finger]int{}}
	var fresh, same, changed []*Rule
	for _, r := range set.rules {
		fresh = append(fresh, r.awake())
		report := &RuleReport{Rule: r.ID, Days: map[string]int{}, Towns: map[string]int{}, groups: map[string]int{}}
		b.rules[r.ID] = report
		if running == nil {
			continue
		}
		if o := running.Get(r.ID); o != nil && o.Version == r.Version && len(o.Towns)+len(r.Towns) == 0 {
			same, report.same = append(same, o.awake()), true
		} else if o != nil {
			changed = append(changed, o.awake())
		}
	}
	b.now = NewEngine(&Set{rules: fresh}, Options{Lists: lists, Log: log})
	if len(changed) == 0 {
		return b
	}
	// A rule that stays may still find something else where it is about alerts.
	if slices.ContainsFunc(slices.Concat(same, changed), (*Rule).onAlerts) {
		changed = slices.Concat(same, changed)
		slices.SortFunc(changed, func(x, y *Rule) int { return cmp.Compare(x.ID, y.ID) })
	}
	for _, o := range changed {
		b.old[o.ID], b.rules[o.ID].alerts, b.rules[o.ID].same = map[finger]int{}, map[finger]int{}, false
	}
	b.was = NewEngine(&Set{rules: changed}, Options{Lists: lists, Log: log})
	return b
}

// awake is the rule as if it were at work, in every municipality.
func (r *Rule) awake() *Rule {
	out := *r
	out.Status, out.Towns = Stable, make(map[string]*Rule, len(r.Towns))
	for code, t := range r.Towns {
		out.Towns[code] = t.awake()
	}
	return &out
}

// Condition holds for every event that one of the rules can concern.
func (b *Backtest) Condition() lang.Node {
	var or lang.Or
	for _, e := range []*Engine{b.now, b.was} {
		if e == nil {
			continue
		}
		for _, st := range e.states {
			for _, c := range st.rule.units {
				or = append(or, c.root)
			}
		}
	}
	return or
}

// Fields are those that events need to have. The JSON of an alert's evidence
// holds no others.
func (b *Backtest) Fields() []event.Field {
	fields := b.now.fieldsOf()
	if b.was != nil {
		fields = append(fields, b.was.fieldsOf()...)
	}
	return fields
}

// Clock tells that the prefecture had some event then, and all before have been
// shown.
func (b *Backtest) Clock(at time.Time) {
	b.now.Advance(at, b.found)
	if b.was != nil {
		b.was.Advance(at, b.foundBefore)
	}
}

// Run takes the next events, in the order in which the prefecture had them.
func (b *Backtest) Run(batch *event.Batch) {
	b.now.Evaluate(batch, b.found)
	if b.was != nil {
		b.was.Evaluate(batch, b.foundBefore)
	}
}

func fingerOf(a *event.Alert) finger { return finger{a.Municipality, a.Key, a.Start.UnixNano()} }

func (b *Backtest) foundBefore(a event.Alert) { b.old[a.Rule][fingerOf(&a)] = a.Count }

func (b *Backtest) found(a event.Alert) {
	r := b.rules[a.Rule]
	r.Alerts++
	r.Days[a.End.In(calendar.JST()).Format(time.DateOnly)]++
	r.Towns[a.Municipality]++
	if !strings.HasPrefix(a.Key, loneKey) { // each is one of its own
		r.groups[a.Key]++
	}
	if len(r.Example) < maxExamples {
		r.Example = append(r.Example, a)
	}
	if r.alerts != nil {
		r.alerts[fingerOf(&a)] = a.Count
	}
}

// Report ends the test. The reports are in order of the rules' ids.
func (b *Backtest) Report() []*RuleReport {
	b.now.Flush(b.found)
	if b.was != nil {
		b.was.Flush(b.foundBefore)
	}
	var out []*RuleReport
	for _, id := range slices.Sorted(maps.Keys(b.rules)) {
		r := b.rules[id]
		for _, key := range slices.Sorted(maps.Keys(r.groups)) {
			r.Groups = append(r.Groups, GroupCount{key, r.groups[key]})
		}
		slices.SortStableFunc(r.Groups, func(x, y GroupCount) int { return cmp.Compare(y.Count, x.Count) })
		r.Groups = r.Groups[:min(len(r.Groups), maxGroups)]
		if was, ok := b.old[id]; ok {
			r.compare(was)
		} else if r.same {
			r.Changes = &Changes{Same: r.Alerts}
		}
		out = append(out, r)
	}
	return out
}

// Matches is how many times a condition held.
func (b *Backtest) Matches() uint64 { return b.now.Stats().Matches }

// Allowed is how many events allow entries took out.
func (b *Backtest) Allowed() uint64 { return b.now.Stats().Allowed }
