package lint

import (
	"go/ast"
	"strings"
)

// each visits every node of every written file.
func each(files []*source, visit func(s *source, n ast.Node)) {
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if n != nil {
				visit(s, n)
			}
			return true
		})
	}
}

func sleeps(t *tree) []finding {
	var out []finding
	each(t.written(true), func(s *source, n ast.Node) {
		if e, ok := n.(ast.Expr); ok && s.test {
			if pkg, name := s.selected(e); pkg == "time" && name == "Sleep" {
				out = append(out, s.at(n, "time.Sleep in a test: wait for the thing itself (a channel, a deadline, testing/synctest)"))
			}
		}
	})
	return out
}

func inits(t *tree) []finding {
	var out []finding
	for _, s := range t.written(true) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				out = append(out, s.at(f, "init function: compute a table in its variable, or do the work in a constructor"))
			}
		}
	}
	return out
}

func fuzzTargets(t *tree) []finding {
	var out []finding
	for _, s := range t.written(true) {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !s.test || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			called := map[string]bool{}
			ast.Inspect(f, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					called[sel.Sel.Name] = true
				}
				return true
			})
			if !called["Add"] || !called["Fuzz"] {
				out = append(out, s.at(f, "%s must add at least one seed (f.Add) and call f.Fuzz", f.Name.Name))
			}
		}
	}
	return out
}
