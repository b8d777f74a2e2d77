package rules

import "mimamori/event"

// Diff is what changes in meaning from one set of rules to another, in order
// of ids. How a file is written, its comments and the order of what and, or and
// lists join are not told.
type Diff struct {
	Added   []RuleDiff `json:"added"`
	Removed []RuleDiff `json:"removed"`
	Changed []RuleDiff `json:"changed"`
	Same    int        `json:"same"`
}

// RuleDiff is a rule that is new, gone or another one: as it is now, or was last.
type RuleDiff struct {
	ID       string          `json:"id"`
	Title    event.Localized `json:"title"`
	Severity string          `json:"severity"`
	Status   Status          `json:"status"`
	Changes  []Difference    `json:"changes,omitempty"`
}

// Difference is one thing that a rule says otherwise: Old and New, or what was
// Added to a list or a condition and Removed from it.
type Difference struct {
	Field   string   `json:"field"`             // as in a rule file: severity, correlate.count, explain.ja
	Part    string   `json:"part,omitempty"`    // of a condition: the part that changes; "" for all of it
	Old     string   `json:"old,omitempty"`     // "" when it was not there
	New     string   `json:"new,omitempty"`     // "" when it is gone
	Added   []string `json:"added,omitempty"`   // in order
	Removed []string `json:"removed,omitempty"` // in order
	Effect  Effect   `json:"effect,omitempty"`
}

// Effect says what a change of a condition does by itself.
type Effect string

// The effects. Without one it cannot be told, or the change is no condition's.
const (
	Narrower Effect = "narrower" // it holds for fewer events, or as many
	Wider    Effect = "wider"    // it holds for more events, or as many
)

// Compare says what changes from one set to another.
func Compare(before, after *Set) Diff {
	d := Diff{Added: []RuleDiff{}, Removed: []RuleDiff{}, Changed: []RuleDiff{}}
	old := byID(before)
	for _, r := range after.rules {
		was := old[r.ID]
		if was == nil {
			d.Added = append(d.Added, named(r))
			continue
		}
		x := named(r)
		if x.Changes = was.Differences(r); len(x.Changes) > 0 {
			d.Changed = append(d.Changed, x)
		} else {
			d.Same++
		}
	}
	now := byID(after)
	for _, r := range before.rules {
		if now[r.ID] == nil {
			d.Removed = append(d.Removed, named(r))
		}
	}
	return d
}

func byID(s *Set) map[string]*Rule {
	out := make(map[string]*Rule, len(s.rules))
	for _, r := range s.rules {
		out[r.ID] = r
	}
	return out
}

func named(r *Rule) RuleDiff {
	return RuleDiff{ID: r.ID, Title: r.Title, Severity: r.Severity.String(), Status: r.Status}
}
