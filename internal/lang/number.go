package lang

import (
	"strings"

	"mimamori/event"
	"mimamori/internal/aho"
)

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
				if x == y || n.Fold && sameLower(x, y) {
					return true
				}
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

// sameLower compares two texts by their lower case, as every other fold here does.
func sameLower(x, y string) bool {
	if aho.IsASCII(x) && aho.IsASCII(y) {
		return strings.EqualFold(x, y)
	}
	return equalFold(x, strings.ToLower(y))
}
