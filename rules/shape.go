package rules

import (
	"cmp"
	"slices"
	"strings"

	"mimamori/internal/lang"
)

// shape is a condition without what does not change its meaning: the order and
// the nesting of and and or, of the values of a test, not of not.
type shape struct {
	join   string   // and, or, not; "" for a test
	parts  []shape  // in order of their texts, each once
	head   string   // of a test that any of values passes: all but them
	values []string // in order, each once
	text   string   // as an author would write it
}

// written is the text of a condition, "" of none.
func (s *shape) written() string {
	if s == nil {
		return ""
	}
	return s.text
}

func shapeOf(n lang.Node) shape {
	switch n := n.(type) {
	case lang.And:
		return joinShapes("and", n)
	case lang.Or:
		return joinShapes("or", n)
	case lang.Not:
		inner := shapeOf(n.Node)
		if inner.join == "not" {
			return inner.parts[0]
		}
		return shape{join: "not", parts: []shape{inner}, text: "not " + inner.enclosed()}
	case lang.FieldTest:
		if n.Fold {
			return shape{text: "lower(" + n.Left.Name() + ") " + compareText[n.Op] + " lower(" + n.Right.Name() + ")"}
		}
	case *lang.Test:
		values := slices.Compact(slices.Sorted(slices.Values(testValues(n))))
		s := shape{text: testWith(n, values)}
		switch n.Op {
		case lang.Eq, lang.Contains, lang.StartsWith, lang.EndsWith, lang.Like, lang.InCIDR:
			s.head, s.values = testWith(n, []string{"…"}), values
		}
		return s
	case lang.Const: // as what has no parts, which it may stand beside
		if n {
			return joinShapes("and", nil)
		}
		return joinShapes("or", nil)
	case nil:
		return joinShapes("and", nil)
	}
	return shape{text: nodeText(n)}
}

// joinShapes flattens and sorts; one part is itself.
func joinShapes(join string, nodes []lang.Node) shape {
	s := shape{join: join}
	for _, n := range nodes {
		s.parts = append(s.parts, shapeOf(n).of(join)...)
	}
	slices.SortFunc(s.parts, func(a, b shape) int { return strings.Compare(a.text, b.text) })
	s.parts = slices.CompactFunc(s.parts, func(a, b shape) bool { return a.text == b.text })
	if len(s.parts) == 1 {
		return s.parts[0]
	}
	texts := make([]string, len(s.parts))
	for i, p := range s.parts {
		if texts[i] = p.text; p.join == "or" && len(p.parts) > 0 {
			texts[i] = "(" + p.text + ")"
		}
	}
	sep, none := " && ", "true"
	if join == "or" {
		sep, none = " || ", "false"
	}
	s.text = cmp.Or(strings.Join(texts, sep), none)
	return s
}

// of are the parts that a join of that kind has of the shape.
func (s shape) of(join string) []shape {
	if s.join == join {
		return s.parts
	}
	return []shape{s}
}

// enclosed puts what is more than one call in brackets.
func (s shape) enclosed() string {
	if s.join == "" && strings.HasSuffix(s.text, ")") && !strings.HasPrefix(s.text, "lower(") {
		return s.text
	}
	return "(" + s.text + ")"
}

// name tells a part of a condition from its siblings, in short: what both
// versions have of it.
func (s shape) name(other shape) string {
	switch {
	case s.join == "not" && other.join == "not":
		return "not " + s.parts[0].name(other.parts[0])
	case s.head != "" && s.head == other.head:
		return s.head
	}
	join, common := overlap(s, other)
	first := ""
	if len(common) > 0 {
		first = common[0].text
	} else if i, j := firstAlike(s, other); i >= 0 {
		join, first = s.join, s.parts[i].name(other.parts[j])
	} else {
		return short(s.text)
	}
	sep := " && …"
	if join == "or" {
		sep = " || …"
	}
	return "(" + short(first) + sep + ")"
}

// maxName bounds the name of a part, in characters.
const maxName = 80

func short(s string) string {
	if r := []rune(s); len(r) > maxName {
		return string(r[:maxName]) + "…"
	}
	return s
}
