package lint

import (
	"fmt"
	"slices"
	"strings"
)

func imports(t *tree) []finding {
	rows, err := importTable(t.fs)
	if err != nil {
		return []finding{{"DESIGN.md", 1, err.Error()}}
	}
	var out []finding
	for _, s := range t.files {
		r := rowOf(rows, s.dir)
		if r == nil {
			out = append(out, s.at(s.file, "package %s is not in the import table of DESIGN.md: add a row that says what it may import", s.dir))
			continue
		}
		for _, spec := range s.file.Imports {
			if why := r.refuses(rows, s, importPath(spec)); why != "" {
				out = append(out, s.at(spec, "%s", why))
			}
		}
	}
	return out
}

// testMay is what every test may import.
func testMay(rows []row) []string {
	for _, r := range rows {
		if r.pattern == testRow {
			return r.may
		}
	}
	return nil
}

// refuses says why the row does not allow an import, "" when it does.
func (r *row) refuses(rows []row, s *source, p string) string {
	if dir, ok := strings.CutPrefix(p, module+"/"); ok {
		may := r.may
		if s.test {
			may = slices.Concat(may, testMay(rows))
		}
		if r.everything || within(dir, r.pattern) || slices.ContainsFunc(may, func(m string) bool { return within(dir, m) }) {
			return ""
		}
		return fmt.Sprintf("%s may not import %s (DESIGN.md, import table): declare the small interface you need here and let internal/app connect the two", s.dir, dir)
	}
	first, _, _ := strings.Cut(p, "/")
	if !strings.Contains(first, ".") {
		return ""
	}
	if r.stdOnly && !s.test {
		return fmt.Sprintf("%s imports the standard library only, not %s", s.dir, p)
	}
	owners, mine := "", false
	for i := range rows {
		for _, o := range rows[i].owns {
			if below(p, o) {
				owners += " " + rows[i].pattern
				mine = mine || &rows[i] == r
			}
		}
	}
	if owners != "" && !mine {
		return fmt.Sprintf("%s belongs to%s alone (DESIGN.md, import table): use that package instead", p, owners)
	}
	return ""
}
