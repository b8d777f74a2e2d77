package lang

import (
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"mimamori/event"
	"mimamori/internal/calendar"
)

var views = map[string]View{"number": Number, "minute": Minute, "hour": Hour, "day": Day, "week": Week, "month": Month, "year": Year}

// String is the view's name in the language.
func (v View) String() string {
	for name, w := range views {
		if v == w {
			return name
		}
	}
	return ""
}

// viewOf reads number(x), hour(x) and their like.
func viewOf(n ast.Node) (View, ast.Node) {
	call, ok := n.(*ast.CallNode)
	if !ok || len(call.Arguments) != 1 {
		return Whole, nil
	}
	id, ok := call.Callee.(*ast.IdentifierNode)
	if !ok {
		return Whole, nil
	}
	return views[id.Value], call.Arguments[0]
}

// view compares a view of a field with numbers.
func (c *checker) view(v View, of ast.Node, op Op, numbers []ast.Node) (Node, *Error) {
	f, _, err := c.field(of)
	if err != nil {
		return nil, err
	}
	if k := class(f); k != classText && !(k == classNumber && v == Number) && !(k == classDate && v != Number) {
		return nil, c.fail(of, mistake{code: "view"}, "%s is of type %s and has no %s", f.Name(), f.Type(), v)
	}
	t := &Test{Field: f, View: v, Op: op}
	if class(f) == classNumber {
		t.View = Whole
	}
	for _, n := range numbers {
		switch k := constant(n).(type) {
		case int64:
			if v == Hour && (k < 0 || k > 24) {
				return nil, c.fail(n, mistake{"hour", "hour(@timestamp) >= 22"}, "an hour is a number from 0 to 24")
			}
			t.Values = append(t.Values, event.Int(k))
		case float64:
			t.Values = append(t.Values, event.Float(k))
		default:
			return nil, c.fail(n, mistake{"type", "a number without quotes"}, "%s(%s) is a number, which %v is not", v, f.Name(), describe(k))
		}
	}
	return t, nil
}

// viewProgram tests a view; of a list, any element.
func viewProgram(t *Test) Program {
	f, dated := t.Field, class(t.Field) == classDate
	return func(r Reader) bool {
		v, ok := r.Get(f)
		switch {
		case !ok:
			return false
		case dated && v.Kind() == event.Date:
			at := time.Unix(0, v.Int()).In(calendar.JST())
			return t.holds(float64(partOf(at, t.View)))
		case v.Kind() == event.List:
			for _, s := range v.List() {
				if x, ok := viewText(s, t.View); ok && t.holds(x) {
					return true
				}
			}
			return false
		case v.Kind() == event.Keyword || v.Kind() == event.Text || v.Kind() == event.IP:
			x, ok := viewText(v.Str(), t.View)
			return ok && t.holds(x)
		}
		return t.View == Number && (v.Kind() == event.Long || v.Kind() == event.Double) && t.holds(v.Float())
	}
}

func (t *Test) holds(x float64) bool {
	for _, v := range t.Values {
		y := v.Float()
		if t.Op == Eq && x == y || t.Op == Lt && x < y || t.Op == Le && x <= y || t.Op == Gt && x > y || t.Op == Ge && x >= y {
			return true
		}
	}
	return false
}

func partOf(at time.Time, v View) int {
	switch v {
	case Minute:
		return at.Minute()
	case Hour:
		return at.Hour()
	case Day:
		return at.Day()
	case Week:
		_, w := at.ISOWeek()
		return w
	case Month:
		return int(at.Month())
	}
	return at.Year()
}

func viewText(s string, v View) (float64, bool) {
	if v == Number {
		if !decimal(s) {
			return 0, false
		}
		x, err := strconv.ParseFloat(s, 64)
		return x, err == nil
	}
	const form = "2006-01-02T15:04"
	if len(s) < len(form) || s[10] != 'T' && s[10] != ' ' {
		return 0, false
	}
	at, err := time.Parse("2006-01-02", s[:10])
	if err != nil {
		return 0, false
	}
	clock, err := time.Parse("15:04", s[11:16])
	if err != nil {
		return 0, false
	}
	if v == Minute || v == Hour {
		return float64(partOf(clock, v)), true
	}
	return float64(partOf(at, v)), true
}

// decimal tells whether s is digits with a sign before them and a fraction
// after them, or not.
func decimal(s string) bool {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	whole, fraction, dotted := strings.Cut(s, ".")
	digits := func(s string) bool {
		for i := range len(s) {
			if s[i] < '0' || s[i] > '9' {
				return false
			}
		}
		return s != "" && len(s) <= 300
	}
	return digits(whole) && (!dotted || digits(fraction))
}
