package lint

import (
	"go/ast"
	"path"
	"strconv"
	"strings"
)

// imported gives the import path that a name stands for in this file, "" when
// it is no import.
func (s *source) imported(name string) string {
	for _, spec := range s.file.Imports {
		p := importPath(spec)
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && packageName(p) == name {
			return p
		}
	}
	return ""
}

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return p
}

// packageName guesses the name of a package from its path.
func packageName(p string) string {
	base := path.Base(p)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(p))
	}
	return base
}

// selected splits an expression such as time.Now into the import path and the
// name; "" and "" for anything else.
func (s *source) selected(e ast.Expr) (pkg, name string) {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	if pkg = s.imported(x.Name); pkg == "" {
		return "", ""
	}
	return pkg, sel.Sel.Name
}
