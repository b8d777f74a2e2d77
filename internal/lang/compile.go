package lang

import (
	"net/netip"
	"strings"

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

func fieldProgram(n FieldTest) Program {
	return func(r Reader) bool {
		a, ok := r.Get(n.Left)
		if !ok {
			return false
		}
		b, ok := r.Get(n.Right)
		if !ok {
			return false
		}
		switch n.Op {
		case Lt:
			return a.Float() < b.Float()
		case Le:
			return a.Float() <= b.Float()
		case Gt:
			return a.Float() > b.Float()
		case Ge:
			return a.Float() >= b.Float()
		}
		if class(n.Left) != classText {
			return a.Float() == b.Float()
		}
		for _, x := range a.List() {
			for _, y := range b.List() {
				if x == y || n.Fold && strings.EqualFold(x, y) {
					return true
				}
			}
		}
		return false
	}
}

func testProgram(t *Test, lists Lists) Program {
	f := t.Field
	if t.Op == Has {
		return func(r Reader) bool { _, ok := r.Get(f); return ok }
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
		for _, s := range v.List() {
			if match(s) {
				return true
			}
		}
		return false
	}
}

func numberProgram(t *Test) Program {
	f := t.Field
	if t.Op == Eq {
		values := t.Values
		return func(r Reader) bool {
			v, ok := r.Get(f)
			if !ok {
				return false
			}
			for _, w := range values {
				if number(v) && v.Kind() == w.Kind() && v.Int() == w.Int() && v.Float() == w.Float() || number(v) && v.Kind() != w.Kind() && v.Float() == w.Float() {
					return true
				}
			}
			return false
		}
	}
	w := t.Values[0]
	order := func(v event.Value) int {
		if v.Kind() != event.Double && w.Kind() != event.Double {
			switch a, b := v.Int(), w.Int(); {
			case a < b:
				return -1
			case a > b:
				return 1
			}
			return 0
		}
		switch a, b := v.Float(), w.Float(); {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	}
	op := t.Op
	return func(r Reader) bool {
		v, ok := r.Get(f)
		if !ok {
			return false
		}
		if !number(v) {
			return false
		}
		c := order(v)
		return op == Lt && c < 0 || op == Le && c <= 0 || op == Gt && c > 0 || op == Ge && c >= 0
	}
}

// number tells whether a value can be compared as a number. What could not be
// read as one is kept as text, and is no number.
func number(v event.Value) bool {
	k := v.Kind()
	return k == event.Long || k == event.Double || k == event.Date || k == event.Boolean
}

// textMatcher returns the comparison of one string.
func textMatcher(t *Test, lists Lists) func(string) bool {
	switch t.Op {
	case Eq:
		return equalMatcher(t)
	case Matches:
		return t.Regexp.MatchString
	case InCIDR:
		return cidrMatcher(t)
	case InList:
		name := t.Values[0].Str()
		return func(s string) bool { return lists != nil && lists.Contains(name, s) }
	}
	one := map[Op]func(s, w string) bool{Contains: strings.Contains, StartsWith: strings.HasPrefix, EndsWith: strings.HasSuffix, Like: like}[t.Op]
	if t.Fold {
		one = map[Op]func(s, w string) bool{Contains: ContainsFold, StartsWith: hasPrefixFold, EndsWith: hasSuffixFold, Like: likeFold}[t.Op]
	}
	words := texts(t)
	if len(words) == 1 {
		w := words[0]
		return func(s string) bool { return one(s, w) }
	}
	return func(s string) bool {
		for _, w := range words {
			if one(s, w) {
				return true
			}
		}
		return false
	}
}

func texts(t *Test) []string {
	out := make([]string, len(t.Values))
	for i, v := range t.Values {
		out[i] = v.Str()
	}
	return out
}

func equalMatcher(t *Test) func(string) bool {
	words := texts(t)
	if len(words) == 1 {
		w := words[0]
		if t.Fold {
			return func(s string) bool { return equalFold(s, w) }
		}
		return func(s string) bool { return s == w }
	}
	set := make(map[string]struct{}, len(words))
	for _, w := range words {
		set[w] = struct{}{}
	}
	if t.Fold {
		return func(s string) bool { _, ok := set[strings.ToLower(s)]; return ok }
	}
	return func(s string) bool { _, ok := set[s]; return ok }
}

func cidrMatcher(t *Test) func(string) bool {
	nets := make([]netip.Prefix, len(t.Values))
	for i, v := range t.Values {
		nets[i] = netip.MustParsePrefix(v.Str())
	}
	return func(s string) bool {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return false
		}
		for _, n := range nets {
			if n.Contains(a) {
				return true
			}
		}
		return false
	}
}
