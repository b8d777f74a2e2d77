package rules

// maxPairs and maxTries bound the work of finding which parts of two conditions are
// versions of each other; beyond, they are told as removed and added.
const (
	maxPairs = 10_000
	maxTries = 64 // below one of them
)

// compareConditions says which parts of a condition changed.
func compareConditions(field string, a, b shape) []Difference {
	c := comparison{field: field}
	c.compare(a, b, "", false)
	return c.out
}

type comparison struct {
	field string
	out   []Difference
}

// compare finds what was added to and removed from the parts that an and or an
// or joins, and goes on in those that are versions of each other. inverted is
// whether it lies below an odd number of nots.
func (c *comparison) compare(a, b shape, part string, inverted bool) {
	switch {
	case a.text == b.text:
		return
	case a.join == "not" && b.join == "not":
		c.compare(a.parts[0], b.parts[0], part, !inverted)
		return
	case a.head != "" && a.head == b.head:
		c.tell(part, without(b.values, a.values), without(a.values, b.values), !inverted)
		return
	}
	join, common := overlap(a, b)
	was, is := lacking(a.of(join), common), lacking(b.of(join), common)
	pairs := c.pairs(&was, &is)
	if len(common)+len(pairs) == 0 && len(a.of(join)) > 0 && len(b.of(join)) > 0 {
		c.out = append(c.out, Difference{Field: c.field, Part: part, Old: a.text, New: b.text})
		return
	}
	c.tell(part, texts(is), texts(was), (join == "or") != inverted)
	for _, p := range pairs {
		at := p[0].name(p[1])
		if part != "" {
			at = part + " › " + at
		}
		c.compare(p[0], p[1], at, inverted)
	}
}

// tell notes what was added and removed; widens is whether more parts hold for
// more events.
func (c *comparison) tell(part string, added, removed []string, widens bool) {
	effect := Effect("")
	switch {
	case len(added)+len(removed) == 0:
		return
	case len(added) > 0 && len(removed) > 0:
	case widens == (len(added) > 0):
		effect = Wider
	default:
		effect = Narrower
	}
	c.out = append(c.out, Difference{Field: c.field, Part: part, Added: added, Removed: removed, Effect: effect})
}
