package rules

import (
	"fmt"
	"strconv"
	"strings"

	"mimamori/event"
	"mimamori/internal/lang"
)

var opText = map[lang.Op]string{
	lang.Contains: "contains", lang.StartsWith: "startsWith", lang.EndsWith: "endsWith", lang.Like: "like",
	lang.Matches: "matches", lang.InCIDR: "inCIDR", lang.InList: "inList",
}

var compareText = map[lang.Op]string{lang.Eq: "==", lang.Lt: "<", lang.Le: "<=", lang.Gt: ">", lang.Ge: ">="}

// nodeText writes a test as its author would. Long lists are cut.
func nodeText(n lang.Node) string {
	switch n := n.(type) {
	case lang.Const:
		return strconv.FormatBool(bool(n))
	case lang.And:
		return "and"
	case lang.Or:
		return "or"
	case lang.Not:
		return "not"
	case lang.Words:
		return "text(" + strconv.Quote(n.Text) + ")"
	case lang.FieldTest:
		return n.Left.Name() + " " + compareText[n.Op] + " " + n.Right.Name()
	case *lang.Test:
		return testText(n)
	case lang.Call:
		return n.Name + "()"
	case lang.Holiday:
		return "holiday(" + n.Field.Name() + ")"
	}
	return fmt.Sprintf("%T", n)
}

func testText(t *lang.Test) string {
	values := testValues(t)
	if n := len(values) - 8; n > 0 {
		values = append(values[:8], fmt.Sprintf("… %d more", n))
	}
	return testWith(t, values)
}

func testValues(t *lang.Test) []string {
	values := make([]string, len(t.Values))
	for i, v := range t.Values {
		values[i] = valueText(v)
	}
	return values
}

// testWith writes a test of any of the values.
func testWith(t *lang.Test, values []string) string {
	name := t.Field.Name()
	if t.View != lang.Whole {
		name = t.View.String() + "(" + name + ")"
	}
	if t.Op == lang.Has {
		return "has(" + name + ")"
	}
	if t.Op == lang.Matches {
		return name + " matches " + strconv.Quote(t.Regexp.String())
	}
	if op, ok := compareText[t.Op]; ok {
		if t.Fold {
			name = "lower(" + name + ")"
		}
		if len(values) == 1 {
			return name + " " + op + " " + values[0]
		}
		return name + " in [" + strings.Join(values, ", ") + "]"
	}
	op := opText[t.Op]
	if t.Fold {
		op = "i" + op
	}
	return op + "(" + name + ", " + strings.Join(values, ", ") + ")"
}

func valueText(v event.Value) string {
	switch v.Kind() {
	case event.Long, event.Double, event.Boolean:
		return v.Text()
	}
	return strconv.Quote(v.Text())
}
