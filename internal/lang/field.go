package lang

import (
	"strings"

	"github.com/expr-lang/expr/ast"

	"mimamori/event"
)

type valueClass uint8

const (
	classText valueClass = iota
	classNumber
	classDate
	classBool
)

func class(f event.Field) valueClass {
	switch f.Type() {
	case event.Long, event.Double:
		return classNumber
	case event.Date:
		return classDate
	case event.Boolean:
		return classBool
	}
	return classText
}

// field reads a field name: dotted identifiers, or lower(name).
func (c *checker) field(n ast.Node) (event.Field, bool, *Error) {
	if call, ok := n.(*ast.BuiltinNode); ok && (call.Name == "lower" || call.Name == "upper") && len(call.Arguments) == 1 {
		f, _, err := c.field(call.Arguments[0])
		if err == nil && class(f) != classText {
			err = c.fail(n, mistake{code: "text-field"}, "%s needs a text field, %s is of type %s", call.Name, f.Name(), f.Type())
		}
		return f, true, err
	}
	name, ok := dotted(n)
	if !ok {
		return 0, false, c.fail(n, mistake{code: "field"}, "want the name of a field here")
	}
	f, known := event.Lookup(name)
	if known {
		return f, false, nil
	}
	// A name space that the registry does not know, nor anything like it, is a vendor's.
	near := ""
	if !strings.HasPrefix(name, "winlog.event_data.") { // open: whatever a provider names
		near = event.Nearest(name)
	}
	if space, _, isDotted := strings.Cut(name, "."); isDotted && !knownSpace(space) && near == "" && event.Room() > c.room {
		if f, ok := event.Intern(name); ok {
			return f, false, nil
		}
	}
	hint := ""
	switch {
	case c.macros.get(name) != nil:
		near, hint = "", "a macro is called: "+name+"()"
	case near != "":
		hint = "did you mean " + near + "?"
	}
	err := c.fail(leftmost(n), mistake{"unknown-field", hint}, "unknown field %q", name)
	if near != "" {
		err.Args = append(err.Args, near)
	}
	return 0, false, err
}

// leftmost finds where a dotted name begins.
func leftmost(n ast.Node) ast.Node {
	for {
		m, ok := n.(*ast.MemberNode)
		if !ok {
			return n
		}
		n = m.Node
	}
}

func knownSpace(space string) bool {
	if space == "winlog" {
		return false // winlog.event_data.* is open
	}
	for _, f := range event.Fields() {
		if n := f.Name(); len(n) > len(space) && n[len(space)] == '.' && n[:len(space)] == space {
			return true
		}
	}
	return false
}

func dotted(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if n.Value == "timestamp" || n.Value == "_timestamp" {
			return "@timestamp", true
		}
		return n.Value, true
	case *ast.ChainNode:
		return dotted(n.Node)
	case *ast.MemberNode:
		prefix, ok := dotted(n.Node)
		prop, isString := n.Property.(*ast.StringNode)
		if !ok || !isString {
			return "", false
		}
		return prefix + "." + prop.Value, true
	}
	return "", false
}
