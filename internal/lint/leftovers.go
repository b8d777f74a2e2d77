package lint

import (
	"go/ast"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	later    = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|HA` + `CK)\b`)
	unbuilt  = regexp.MustCompile(`(?i)\b(not (yet )?(implemented|supported yet)|unimplemented)\b`)
	textExts = []string{".templ", ".ts", ".css", ".yaml", ".yml", ".sql", ".sh", ".html"}
)

// leftovers finds notes for later, and code that says it is not there yet.
func leftovers(t *tree) []finding {
	var out []finding
	for _, s := range t.written(true) {
		for _, group := range s.file.Comments {
			for _, c := range group.List {
				if m := later.FindString(c.Text); m != "" {
					out = append(out, s.at(c, "%s: do it now, or open an issue and leave the code whole", m))
				}
			}
		}
	}
	each(t.written(false), func(s *source, n ast.Node) {
		if call, ok := n.(*ast.CallExpr); ok && raises(s, call) {
			for _, a := range call.Args {
				if lit, ok := a.(*ast.BasicLit); ok && lit.Kind == token.STRING && unbuilt.MatchString(lit.Value) {
					out = append(out, s.at(n, "a stub: build it, or leave out what would call it"))
				}
			}
		}
	})
	_ = walk(t.fs, func(name string) error { // what cannot be read has no lines to judge
		if !slices.Contains(textExts, path.Ext(name)) {
			return nil
		}
		text, err := fs.ReadFile(t.fs, name)
		for i, line := range strings.Split(string(text), "\n") {
			if m := later.FindString(line); m != "" {
				out = append(out, finding{name, i + 1, m + ": do it now, or open an issue"})
			}
		}
		return err
	})
	return out
}

// raises tells whether a call ends in an error or a panic.
func raises(s *source, call *ast.CallExpr) bool {
	if id, ok := call.Fun.(*ast.Ident); ok {
		return id.Name == "panic"
	}
	pkg, name := s.selected(call.Fun)
	return pkg == "errors" && name == "New" || pkg == "fmt" && name == "Errorf"
}
