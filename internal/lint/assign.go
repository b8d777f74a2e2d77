package lint

import (
	"go/ast"
	"go/token"
)

// assignments finds functions that change a package variable.
func assignments(t *tree) []finding {
	var out []finding
	for dir, files := range packages(t.written(false)) {
		vars := map[string]bool{}
		for _, s := range files {
			eachVar(s, func(_ *ast.GenDecl, spec *ast.ValueSpec, i int) {
				if name := spec.Names[i].Name; registries[dir+"."+name] == "" {
					vars[name] = true
				}
			})
		}
		for _, s := range files {
			for _, d := range s.file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
					for _, id := range changed(f) {
						if vars[id.Name] {
							out = append(out, s.at(id, "package variable %s is changed at run time: make it a field of the type that needs it", id.Name))
						}
					}
				}
			}
		}
	}
	return out
}

// changed lists the names that a function assigns to without declaring them.
func changed(f *ast.FuncDecl) []*ast.Ident {
	local := map[string]bool{}
	var set []*ast.Ident
	note := func(e ast.Expr) {
		for {
			switch x := e.(type) {
			case *ast.IndexExpr:
				e = x.X
			case *ast.SelectorExpr:
				e = x.X
			case *ast.ParenExpr:
				e = x.X
			case *ast.StarExpr:
				e = x.X
			case *ast.Ident:
				set = append(set, x)
				return
			default:
				return
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, id := range n.Names {
				local[id.Name] = true
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				local[id.Name] = true
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					local[id.Name] = true
				}
			}
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					local[id.Name] = true
					continue
				}
				note(e)
			}
		case *ast.IncDecStmt:
			note(n.X)
		}
		return true
	})
	var out []*ast.Ident
	for _, id := range set {
		if !local[id.Name] {
			out = append(out, id)
		}
	}
	return out
}
