package lint

import (
	"go/ast"
	"regexp"
	"strings"
)

// errorish are names that hold an error by our habits: err, closeErr, errClose.
var errorish = regexp.MustCompile(`^(err|[a-z]\w*Err|[a-z]?err\d?|err[A-Z]\w*|Err[A-Z]\w*)$`)

func wraps(t *tree) []finding {
	var out []finding
	each(t.written(true), func(s *source, n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return
		}
		if pkg, name := s.selected(call.Fun); pkg != "fmt" || name != "Errorf" {
			return
		}
		passed := 0
		for _, a := range call.Args[1:] {
			if isError(a) {
				passed++
			}
		}
		if format, ok := call.Args[0].(*ast.BasicLit); ok && strings.Count(format.Value, "%w") < passed {
			out = append(out, s.at(n, "fmt.Errorf is given an error without %%w: write %%w, so that errors.Is and errors.As find it"))
		}
	})
	return out
}

// isError tells whether an argument is an error: err, x.closeErr, ctx.Err() or
// err.Error(), which only hides that it is one.
func isError(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return errorish.MatchString(e.Name)
	case *ast.SelectorExpr:
		return e.Sel.Name != "Err" && errorish.MatchString(e.Sel.Name) // a field Err may be text
	case *ast.CallExpr:
		if sel, ok := e.Fun.(*ast.SelectorExpr); ok && len(e.Args) == 0 {
			return sel.Sel.Name == "Err" || sel.Sel.Name == "Error" && isError(sel.X)
		}
	}
	return false
}
