package lang

import (
	"slices"

	"mimamori/event"
)

// Compile turns the condition into a program. lists answers inList and may be
// nil, in which case no list has members.
func (e *Expr) Compile(lists Lists) Program { return compile(e.Root, lists) }

func compile(n Node, lists Lists) Program {
	switch n := n.(type) {
	case Const:
		return func(Reader) bool { return bool(n) }
	case Not:
		p := compile(n.Node, lists)
		return func(r Reader) bool { return !p(r) }
	case And:
		return all(programs(n, lists))
	case Or:
		return anyOf(programs(n, lists))
	case Words:
		return wordsProgram(n.Text)
	case FieldTest:
		return fieldProgram(n)
	case *Test:
		return testProgram(n, lists)
	case Holiday:
		return holidayProgram(n)
	case Call:
		return compile(n.root, lists)
	}
	panic("lang: unknown node")
}

func programs(nodes []Node, lists Lists) []Program {
	out := make([]Program, len(nodes))
	for i, n := range nodes {
		out[i] = compile(n, lists)
	}
	return out
}

func all(ps []Program) Program {
	if len(ps) == 2 {
		a, b := ps[0], ps[1]
		return func(r Reader) bool { return a(r) && b(r) }
	}
	return func(r Reader) bool {
		for _, p := range ps {
			if !p(r) {
				return false
			}
		}
		return true
	}
}

func anyOf(ps []Program) Program {
	if len(ps) == 2 {
		a, b := ps[0], ps[1]
		return func(r Reader) bool { return a(r) || b(r) }
	}
	return func(r Reader) bool {
		for _, p := range ps {
			if p(r) {
				return true
			}
		}
		return false
	}
}

var (
	fieldOriginal = event.MustLookup("event.original")
	fieldMessage  = event.MustLookup("message")
)

func wordsProgram(text string) Program {
	return func(r Reader) bool {
		if v, ok := r.Get(fieldOriginal); ok && ContainsFold(v.Str(), text) {
			return true
		}
		v, ok := r.Get(fieldMessage)
		return ok && ContainsFold(v.Str(), text)
	}
}

func testProgram(t *Test, lists Lists) Program {
	f := t.Field
	if t.Op == Has {
		return func(r Reader) bool { _, ok := r.Get(f); return ok }
	}
	if t.View != Whole {
		return viewProgram(t)
	}
	if class(f) != classText {
		return numberProgram(t)
	}
	match := textMatcher(t, lists)
	return func(r Reader) bool {
		v, ok := r.Get(f)
		if !ok {
			return false
		}
		if v.Kind() != event.List {
			if k := v.Kind(); k == event.Keyword || k == event.IP || k == event.Text {
				return match(v.Str())
			}
			return match(v.Text())
		}
		return slices.ContainsFunc(v.List(), match)
	}
}
