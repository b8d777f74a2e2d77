package testkit

import (
	"fmt"
	"regexp"
	"slices"
)

// value checks by a keyword that is of one value alone.
func (s Schema) value(word string, arg, x any, at string) error {
	ok := true
	switch n, list, obj := float(x), slice(x), object(x); word {
	case "type":
		kinds := slice(arg)
		if name, single := arg.(string); single {
			kinds = []any{name}
		}
		ok = slices.ContainsFunc(kinds, func(k any) bool { return k == typeOf(x) || k == "number" && typeOf(x) == "integer" })
	case "enum":
		ok = slices.Contains(arg.([]any), x)
	case "pattern":
		text, isText := x.(string)
		ok = !isText || regexp.MustCompile(arg.(string)).MatchString(text)
	case "required":
		for _, k := range arg.([]any) {
			if _, has := obj[k.(string)]; obj != nil && !has {
				return fmt.Errorf("%s: no %v", at, k)
			}
		}
	case "minimum":
		ok = n == nil || *n >= arg.(float64)
	case "maximum":
		ok = n == nil || *n <= arg.(float64)
	case "minItems":
		ok = list == nil || float64(len(list)) >= arg.(float64)
	case "maxItems":
		ok = float64(len(list)) <= arg.(float64)
	case "minProperties":
		ok = obj == nil || float64(len(obj)) >= arg.(float64)
	case "maxProperties":
		ok = float64(len(obj)) <= arg.(float64)
	default:
		return fmt.Errorf("%s: the test does not know the keyword %q", at, word)
	}
	if !ok {
		return fmt.Errorf("%s: %s: %v is not as %v wants it", at, word, x, arg)
	}
	return nil
}

func slice(x any) []any {
	l, _ := x.([]any)
	return l
}

func object(x any) map[string]any {
	m, _ := x.(map[string]any)
	return m
}

func float(x any) *float64 {
	var f float64
	switch x := x.(type) {
	case int64:
		f = float64(x)
	case uint64:
		f = float64(x)
	case float64:
		f = x
	default:
		return nil
	}
	return &f
}

func typeOf(x any) string {
	switch x := x.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case uint64, int64, int:
		return "integer"
	case float64:
		return "number"
	default:
		return fmt.Sprintf("%T", x)
	}
}
