package lint

import (
	"go/ast"
	"strings"
)

// importGroups wants the standard library, third parties and this module in
// this order, a blank line between.
func importGroups(t *tree) []finding {
	class := func(spec *ast.ImportSpec) int {
		p := importPath(spec)
		first, _, _ := strings.Cut(p, "/")
		switch {
		case first == module:
			return 3
		case strings.Contains(first, "."):
			return 2
		}
		return 1
	}
	var out []finding
	for _, s := range t.written(true) {
		for i, spec := range s.file.Imports {
			if i == 0 {
				continue
			}
			before := s.file.Imports[i-1]
			blank := s.line(spec.Pos()) > s.line(before.End())+1 || s.between(before, spec)
			if a, b := class(before), class(spec); a > b || a != b && !blank {
				out = append(out, s.at(spec, "import %s: order imports as standard library, third party, %s/…, with a blank line between the groups", spec.Path.Value, module))
			}
		}
	}
	return out
}

// between tells whether two imports stand in declarations of their own.
func (s *source) between(a, b *ast.ImportSpec) bool {
	for _, d := range s.file.Decls {
		if d.Pos() > a.End() && d.Pos() <= b.Pos() {
			return true
		}
	}
	return false
}
