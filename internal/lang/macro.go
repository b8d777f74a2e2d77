package lang

import (
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
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
