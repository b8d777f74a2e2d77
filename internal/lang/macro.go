package lang

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"

	"mimamori/internal/place"
)

// The bounds of macros: how many stand within each other, how much they may add
// to one condition, and how much all of them are, written out. A part is a node
// of the tree or a value in it.
const (
	maxMacroDepth = 16
	maxMacroParts = 10_000
	maxAllParts   = 1_000_000
)

// Macros are conditions with names, which other conditions call without
// arguments: adminTools(). A nil *Macros has none. What is defined never
// changes; any number of goroutines may use it.
type Macros struct {
	all     map[string]*macro
	reading []string // those that are being read, the outermost first
	parts   int
}

type macro struct {
	source string
	expr   *Expr // nil until it is read
	err    *Error
	depth  int // macros within each other, itself among them
	parts  int
}

// Define reads macros, by name. Each that has a mistake is in the errors, at its
// place in its own text; it stands for false, so that the mistakes of what calls
// it can be found too.
func Define(sources map[string]string) (*Macros, map[string]*Error) {
	m := &Macros{all: make(map[string]*macro, len(sources))}
	for name, src := range sources {
		m.all[name] = &macro{source: src}
	}
	wrong := map[string]*Error{}
	for _, name := range m.Names() {
		if m.all[name].expr == nil {
			m.read(name)
		}
		if err := m.all[name].err; err != nil {
			wrong[name] = err
		}
	}
	return m, wrong
}

// Names are the macros' names, sorted.
func (m *Macros) Names() []string {
	if m == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(m.all))
}

// Parse is the function Parse for a condition that may call the macros.
func (m *Macros) Parse(src string) (*Expr, error) {
	e, _, err := parse(src, checker{macros: m})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Uses are the macros that a condition needs which calls these ones, sorted: with
// those that they call in turn. Names of no macro are among them.
func (m *Macros) Uses(calls []string) []string {
	all := map[string]bool{}
	var add func(names []string)
	add = func(names []string) {
		for _, n := range names {
			if all[n] {
				continue
			}
			all[n] = true
			if x := m.get(n); x != nil {
				add(x.expr.Calls)
			}
		}
	}
	add(calls)
	return slices.Sorted(maps.Keys(all))
}

// Text is what a macro stands for, as it is written; "" for no macro.
func (m *Macros) Text(name string) string {
	if x := m.get(name); x != nil {
		return x.source
	}
	return ""
}

func (m *Macros) get(name string) *macro {
	if m == nil {
		return nil
	}
	return m.all[name]
}

// read parses a macro and, before it, those that it calls.
func (m *Macros) read(name string) {
	x := m.all[name]
	m.reading = append(m.reading, name)
	e, c, err := parse(x.source, checker{macros: m})
	m.reading = m.reading[:len(m.reading)-1]
	if err != nil {
		x.err, e, c = err, &Expr{Source: x.source, Root: Const(false), Shown: Const(false)}, &checker{}
	}
	x.expr, x.depth, x.parts = e, c.depth+1, parts(e.Root)
	m.parts += x.parts
}

// macro reads a call of a macro.
func (c *checker) macro(at ast.Node, name string, args []ast.Node) (Node, *Error) {
	m := c.macros
	if len(args) > 0 {
		return nil, c.fail(at, mistake{"arguments", name + "()"}, "%s is a macro and takes no arguments", name)
	}
	if i := slices.Index(m.reading, name); i >= 0 {
		return nil, c.fail(at, mistake{code: "macro"}, "the macro %s calls itself: %s", name, chain(append(m.reading[i:], name)))
	}
	x, outer := m.all[name], len(m.reading)
	if x.expr == nil && outer < maxMacroDepth {
		m.read(name)
	}
	if x.expr == nil || outer+x.depth > maxMacroDepth {
		return nil, c.fail(at, mistake{code: "macro"}, "macros call each other more than %d deep: %s", maxMacroDepth, chain(append(m.reading, name)))
	}
	if c.parts += x.parts; c.parts > maxMacroParts || outer > 0 && m.parts+c.parts > maxAllParts {
		return nil, c.fail(at, mistake{"macro", "make a named list of what is long: inList(f, \"name\")"}, "with %s the condition becomes too large: its macros, written out, have more than %d parts", name, maxMacroParts)
	}
	c.depth = max(c.depth, x.depth)
	if !slices.Contains(c.calls, name) {
		c.calls = append(c.calls, name)
	}
	return Call{name, x.expr.Shown, x.expr.Root}, nil
}

func chain(names []string) string { return strings.Join(names, "() → ") + "()" }

// written puts what macros stand for in the place of their calls.
func written(n Node) Node {
	switch n := n.(type) {
	case Call:
		return n.root
	case Not:
		return Not{written(n.Node)}
	case And:
		return joined(n)
	case Or:
		return joined(n)
	}
	return n
}

func joined[T And | Or](nodes T) Node {
	var out T
	for _, n := range nodes {
		w := written(n)
		if t, ok := w.(T); ok {
			out = append(out, t...)
		} else {
			out = append(out, w)
		}
	}
	return any(out).(Node)
}

func parts(n Node) int {
	size := 1
	switch n := n.(type) {
	case Not:
		size += parts(n.Node)
	case And:
		for _, x := range n {
			size += parts(x)
		}
	case Or:
		for _, x := range n {
			size += parts(x)
		}
	case *Test:
		size += len(n.Values)
	}
	return size
}

// MacroName says what is wrong with the name of a macro, "" for nothing.
func MacroName(name string) string {
	if utf8.RuneCountInString(name) > 64 {
		return "a macro's name has at most 64 characters"
	}
	if slices.Contains(functions(), name) {
		return "there is a function " + name + " already"
	}
	// Whatever expr itself knows by the name is not parsed as a call of a function.
	if tree, err := parser.ParseWithConfig(name+"()", conf.CreateNew()); err == nil {
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
