package lint

import (
	"cmp"
	"fmt"
	"go/ast"
	"slices"
)

// The bounds of the house rules.
const (
	maxFileLines    = 500
	medianFileLines = 120
	p95FuncLines    = 50
	maxMethods      = 3
	maxParameters   = 5
)

// sized is something with a length, at its place.
type sized struct {
	n  int
	at finding
}

// longest sorts by length, the longest first.
func longest(all []sized) {
	slices.SortStableFunc(all, func(a, b sized) int { return cmp.Compare(b.n, a.n) })
}

func fileLengths(t *tree) []finding {
	var out []finding
	var all []sized
	for _, s := range t.written(true) {
		if s.lines > maxFileLines {
			out = append(out, finding{s.path, maxFileLines + 1, fmt.Sprintf("%d lines: a file has at most %d: split it by what its parts do", s.lines, maxFileLines)})
		}
		if !s.test {
			all = append(all, sized{s.lines, finding{s.path, 1, fmt.Sprintf("%d lines", s.lines)}})
		}
	}
	longest(all)
	if len(all) > 0 && all[len(all)/2].n > medianFileLines {
		out = append(out, finding{all[0].at.file, 1, fmt.Sprintf("half of all files have more than %d lines (the bound is %d): split the longest:%s",
			all[len(all)/2].n-1, medianFileLines, top(all, 5))})
	}
	return out
}

func functionLengths(t *tree) []finding {
	var all []sized
	for _, s := range t.written(false) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				n := s.line(f.End()) - s.line(f.Pos()) + 1
				all = append(all, sized{n, s.at(f, "%s has %d lines", f.Name.Name, n)})
			}
		}
	}
	longest(all)
	// The 95th percentile is within the bound when at most one in twenty is above it.
	above := 0
	for above < len(all) && all[above].n > p95FuncLines {
		above++
	}
	if above*20 <= len(all) {
		return nil
	}
	f := all[0].at
	f.msg = fmt.Sprintf("%d of %d functions have more than %d lines, at most one in twenty may: split the longest:%s", above, len(all), p95FuncLines, top(all, 10))
	return []finding{f}
}

func top(all []sized, n int) string {
	s := ""
	for _, x := range all[:min(n, len(all))] {
		s += "\n\t" + x.at.String()
	}
	return s
}

func interfaces(t *tree) []finding {
	var out []finding
	for _, files := range packages(t.written(true)) {
		named := map[string]*ast.InterfaceType{}
		for _, s := range files {
			ast.Inspect(s.file, func(n ast.Node) bool {
				if ts, ok := n.(*ast.TypeSpec); ok {
					if it, ok := ts.Type.(*ast.InterfaceType); ok {
						named[ts.Name.Name] = it
					}
				}
				return true
			})
		}
		for _, s := range files {
			ast.Inspect(s.file, func(n ast.Node) bool {
				if it, ok := n.(*ast.InterfaceType); ok {
					if m := methods(it, named); m > maxMethods {
						out = append(out, s.at(it, "interface with %d methods: at most %d; the consumer declares the one or two that it needs", m, maxMethods))
					}
				}
				return true
			})
		}
	}
	return out
}

// methods counts an interface's methods. An embedded interface of another
// package counts as one.
func methods(it *ast.InterfaceType, named map[string]*ast.InterfaceType) int {
	n := 0
	for _, f := range it.Methods.List {
		switch x := f.Type.(type) {
		case *ast.FuncType:
			n += len(f.Names)
		case *ast.Ident:
			if e := named[x.Name]; e != nil && e != it {
				n += methods(e, named)
			}
		case *ast.SelectorExpr:
			n++
		}
	}
	return n
}

func parameters(t *tree) []finding {
	var out []finding
	for _, s := range t.written(true) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if f, ok := n.(*ast.FuncType); ok {
				if p := f.Params.NumFields(); p > maxParameters {
					out = append(out, s.at(f, "%d parameters: at most %d; pass a struct, or split the function", p, maxParameters))
				}
			}
			return true
		})
	}
	return out
}
