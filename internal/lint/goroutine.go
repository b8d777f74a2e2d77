package lint

import (
	"go/ast"
	"go/token"
)

// goroutines wants every go statement (and WaitGroup.Go) to be waited for:
// either the function that starts it also waits, or the goroutine signals on a
// field (close(x.done), x.wg.Done()) that another function of the package
// waits on.
func goroutines(t *tree) []finding {
	var out []finding
	for _, files := range packages(t.written(true)) {
		awaited := map[string]bool{}
		for _, s := range files {
			for _, name := range waits(s.file) {
				awaited[name] = true
			}
		}
		for _, s := range files {
			for _, d := range s.file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
					out = append(out, unawaited(s, f, awaited)...)
				}
			}
		}
	}
	return out
}

func unawaited(s *source, f *ast.FuncDecl, awaited map[string]bool) []finding {
	var started []ast.Node
	groups := map[ast.Node]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			started = append(started, n)
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Go" && len(n.Args) == 1 {
				started = append(started, n)
				groups[n] = lastName(sel.X)
			}
		}
		return true
	})
	if len(started) == 0 || len(waits(f)) > 0 {
		return nil
	}
	var out []finding
next:
	for _, g := range started {
		names := signals(g)
		if name := groups[g]; name != "" {
			names = append(names, name)
		}
		for _, name := range names {
			if awaited[name] {
				continue next
			}
		}
		out = append(out, s.at(g, "a goroutine that nobody waits for: wait here (WaitGroup, channel), or let it signal a field that Close or Stop waits on"))
	}
	return out
}

// waits names what a piece of code waits on outside the goroutines it starts:
// the x of x.Wait(), <-x and range over x.
func waits(n ast.Node) []string {
	var out []string
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			return false
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				out = append(out, lastName(n.X))
			}
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Wait" {
				out = append(out, lastName(sel.X))
			}
		}
		return true
	})
	return out
}

// signals names what a goroutine reports its end on: the x of close(x),
// x.Done() and x <- v.
func signals(n ast.Node) []string {
	var out []string
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SendStmt:
			out = append(out, lastName(n.Chan))
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "close" && len(n.Args) == 1 {
				out = append(out, lastName(n.Args[0]))
			}
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Done" {
				out = append(out, lastName(sel.X))
			}
		}
		return true
	})
	return out
}

// lastName is the last name of an expression: done for c.done, s.done, done.
func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.CallExpr:
		return lastName(e.Fun)
	case *ast.UnaryExpr:
		return lastName(e.X)
	case *ast.IndexExpr:
		return lastName(e.X)
	}
	return ""
}
