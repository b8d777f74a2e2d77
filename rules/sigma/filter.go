package sigma

import (
	"slices"
	"strings"
)

// spread adds a filter to the rules that it names and whose log source is its
// own. The error says what is wrong with the filter.
func (c *converter) spread(f *document, docs []*document) error {
	var names []string
	var conditions []any
	for _, it := range f.rule.Filter {
		switch it.Key {
		case "rules":
			names = texts(it.Value)
		case "condition":
			conditions = append(conditions, it.Value)
		}
	}
	if len(names) == 0 || len(conditions) == 0 {
		return refuse("filter", "a filter names its rules and has a condition")
	}
	src, err := c.m.find(f.rule.LogSource, f.rule.Taxonomy)
	if err != nil {
		return err
	}
	if _, err := filterNode(src, f); err != nil {
		return err
	}
	every := slices.ContainsFunc(names, func(s string) bool { return strings.EqualFold(s, "any") })
	for _, d := range docs {
		r := &d.rule
		if d.err != nil || r.Detection == nil || r.LogSource != f.rule.LogSource {
			continue
		}
		if every || slices.Contains(names, r.ID) || r.Name != "" && slices.Contains(names, r.Name) {
			d.filters = append(d.filters, f)
			c.filtered[f]++
		}
	}
	return nil
}

// filterNode is what a filter adds to a rule's condition. A filter takes events
// out. Its condition says which, as in the specification's example; where all
// its selections stand under a not, as those who write for pySigma have them,
// it says which stay.
func filterNode(src *source, f *document) (node, error) {
	d, err := newDetection(src, f.rule.Filter, true)
	if err != nil {
		return nil, err
	}
	n, err := d.condition()
	if err != nil {
		return nil, err
	}
	if onlyNegated(simplify(n)) {
		return n, nil
	}
	return not{n}, nil
}

// onlyNegated tells whether every part of a condition stands under a not.
func onlyNegated(n node) bool {
	switch n := n.(type) {
	case not:
		return true
	case and:
		return !slices.ContainsFunc(n, func(x node) bool { return !onlyNegated(x) })
	case or:
		return !slices.ContainsFunc(n, func(x node) bool { return !onlyNegated(x) })
	}
	return false
}
