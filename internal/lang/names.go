package lang

import (
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"mimamori/internal/place"
)

// MacroName says what is wrong with the name of a macro, "" for nothing.
func MacroName(name string) string {
	if utf8.RuneCountInString(name) > 64 {
		return "a macro's name has at most 64 characters"
	}
	if slices.Contains(functions(), name) {
		return "there is a function " + name + " already"
	}
	// Whatever expr itself knows by the name is not parsed as a call of a function.
	if tree, err := parser.Parse(name + "()"); err == nil {
		if call, ok := tree.Node.(*ast.CallNode); ok && len(call.Arguments) == 0 {
			if id, ok := call.Callee.(*ast.IdentifierNode); ok && id.Value == name {
				return ""
			}
		}
	}
	return "a macro's name is letters, digits and _, and no word of the language"
}

// functions are the names that the language itself can call.
func functions() []string {
	names := []string{"has", "inCIDR", "inList", "lower", "upper", "text", "holiday"}
	names = slices.AppendSeq(names, maps.Keys(textOps))
	return slices.AppendSeq(names, maps.Keys(views))
}

// unknownCall says that there is no such function or macro.
func (c *checker) unknownCall(at ast.Node, name string) *Error {
	hint := "has, contains, startsWith, endsWith, like, matches, their i… forms, inCIDR, inList, lower, text, holiday; number, minute, hour, day, week, month, year to compare"
	if near := place.Nearest(name, slices.Sorted(slices.Values(append(functions(), c.macros.Names()...)))); near != "" {
		hint = "did you mean " + near + "()?"
	}
	return c.fail(at, mistake{"unknown-function", hint}, "unknown function %q", name)
}
