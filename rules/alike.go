package rules

import "slices"

// pairs takes out of both lists what are versions of each other.
func (c *comparison) pairs(was, is *[]shape) (out [][2]shape) {
	if len(*was)*len(*is) > maxPairs {
		return nil
	}
	*was = slices.DeleteFunc(*was, func(a shape) bool {
		i := slices.IndexFunc(*is, func(b shape) bool { return alike(a, b) })
		if i >= 0 {
			out = append(out, [2]shape{a, (*is)[i]})
			*is = slices.Delete(*is, i, i+1)
		}
		return i >= 0
	})
	return out
}

// alike tells whether two parts are versions of one another: tests of one kind,
// or with parts in common, or with parts that are alike.
func alike(a, b shape) bool {
	switch {
	case a.join == "not" && b.join == "not":
		return alike(a.parts[0], b.parts[0])
	case a.head != "":
		return a.head == b.head
	case a.join == "" || b.join == "":
		return false
	}
	if _, common := overlap(a, b); len(common) > 0 {
		return true
	}
	i, _ := firstAlike(a, b)
	return i >= 0
}

// firstAlike finds parts of two conditions of one join that are versions of one
// another; -1 for none.
func firstAlike(a, b shape) (i, j int) {
	if a.join != b.join || len(a.parts)*len(b.parts) > maxTries {
		return -1, -1
	}
	for i, x := range a.parts {
		if j := slices.IndexFunc(b.parts, func(y shape) bool { return alike(x, y) }); j >= 0 {
			return i, j
		}
	}
	return -1, -1
}

// overlap finds the join by which two conditions have most parts in common, and
// those.
func overlap(a, b shape) (join string, common []shape) {
	join = "and"
	if a.join == "or" && b.join != "and" || b.join == "or" && a.join != "and" {
		join = "or"
	}
	common = both(a.of(join), b.of(join))
	other := map[string]string{"and": "or", "or": "and"}[join]
	if more := both(a.of(other), b.of(other)); len(more) > len(common) {
		return other, more
	}
	return join, common
}

// both lists the parts of a that are in b, lacking those that are not.
func both(a, b []shape) []shape    { return sift(a, b, true) }
func lacking(a, b []shape) []shape { return sift(a, b, false) }

func sift(a, b []shape, in bool) []shape {
	have := make(map[string]bool, len(b))
	for _, s := range b {
		have[s.text] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(s shape) bool { return have[s.text] != in })
}

func texts(list []shape) (out []string) {
	for _, s := range list {
		out = append(out, s.text)
	}
	return out
}
