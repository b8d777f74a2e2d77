package lint

import (
	"go/ast"
	"slices"
	"strings"
)

func packageComments(t *tree) []finding {
	var out []finding
	for dir, files := range packages(t.files) {
		if !slices.ContainsFunc(files, func(s *source) bool { return strings.TrimSpace(s.file.Doc.Text()) != "" }) {
			out = append(out, files[0].at(files[0].file, "package %s has no comment: say what it does, and what under pressure (block, drop or count?), above its package clause", dir))
		}
	}
	return out
}

func exportedComments(t *tree) []finding {
	var out []finding
	for _, s := range t.written(false) {
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Doc.Text() == "" && d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d))) {
					out = append(out, s.at(d.Name, "%s has no comment: say what it does, how it ends, shapes, units and errors", d.Name.Name))
				}
			case *ast.GenDecl:
				for _, name := range bare(d) {
					out = append(out, s.at(name, "%s has no comment: say what it is, with shapes and units", name.Name))
				}
			}
		}
	}
	return out
}

// bare lists the exported names of a declaration that have no comment, neither
// their own nor their group's.
func bare(d *ast.GenDecl) []*ast.Ident {
	var out []*ast.Ident
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && d.Doc.Text()+spec.Doc.Text()+spec.Comment.Text() == "" {
				out = append(out, spec.Name)
			}
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				if name.IsExported() && d.Doc.Text()+spec.Doc.Text()+spec.Comment.Text() == "" {
					out = append(out, name)
				}
			}
		}
	}
	return out
}

// receiver names the type that a method belongs to.
func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}
