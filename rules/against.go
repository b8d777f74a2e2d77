package rules

import (
	"cmp"
	"slices"
)

// Differences says what another version of the rule says otherwise, in the order of
// a rule file; nothing where both mean the same.
func (r *Rule) Differences(after *Rule) []Difference {
	was, is := r.aspects(), after.aspects()
	var out []Difference
	for _, a := range was {
		i := slices.IndexFunc(is, func(b aspect) bool { return b.field == a.field })
		if i < 0 {
			out = append(out, a.against(aspect{field: a.field})...)
			continue
		}
		out = append(out, a.against(is[i])...)
		is = slices.Delete(is, i, i+1)
	}
	for _, b := range is {
		out = append(out, aspect{field: b.field}.against(b)...)
	}
	return out
}

// against compares one aspect of two versions.
func (a aspect) against(b aspect) []Difference {
	if a.cond != nil && b.cond != nil {
		return compareConditions(a.field, *a.cond, *b.cond)
	}
	a.text, b.text = cmp.Or(a.text, a.cond.written()), cmp.Or(b.text, b.cond.written())
	added, removed := without(b.items, a.items), without(a.items, b.items)
	switch {
	case len(added)+len(removed) > 0:
		return []Difference{{Field: a.field, Added: added, Removed: removed}}
	case a.text != b.text:
		return []Difference{{Field: a.field, Old: a.text, New: b.text}}
	case a.exact != b.exact:
		return []Difference{{Field: a.field, Old: a.text, New: b.text + " (" + cmp.Or(b.note, a.note) + ")"}}
	}
	return nil
}

// without lists what is in a and not in b, in order, each once.
func without(a, b []string) []string {
	have := make(map[string]bool, len(b))
	for _, s := range b {
		have[s] = true
	}
	var out []string
	for _, s := range a {
		if !have[s] {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
