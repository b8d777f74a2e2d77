package lint

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

var (
	ownPath    = regexp.MustCompile(`^\.?/?((?:cmd|event|frame|collector|ingest|rules|store|archive|soc|dashboards|deploy|internal)(?:/[^\s]*)?)$`)
	makeTarget = regexp.MustCompile(`^make ([a-z0-9-]+)`)
)

// documents checks that what README and DESIGN put in `quotes` exists: paths of
// this tree, up to the first placeholder, and make targets.
func documents(t *tree) []finding {
	makefile, _ := fs.ReadFile(t.fs, "Makefile") // without one, no target exists
	var out []finding
	for _, name := range []string{"README.md", "README.ja.md", "DESIGN.md"} {
		text, err := fs.ReadFile(t.fs, name)
		if err != nil {
			continue
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, q := range quotedIn(line) {
				if m := makeTarget.FindStringSubmatch(q); m != nil && !regexp.MustCompile(`(?m)^`+m[1]+`\s*:`).Match(makefile) {
					out = append(out, finding{name, i + 1, fmt.Sprintf("`%s`: the Makefile has no such target", q)})
				}
				if m := ownPath.FindStringSubmatch(q); m != nil && !exists(t.fs, m[1]) {
					out = append(out, finding{name, i + 1, fmt.Sprintf("`%s` does not exist: write what is there", q)})
				}
			}
		}
	}
	return out
}

// exists tells whether a path is there, as far as it is spelled out.
func exists(fsys fs.FS, p string) bool {
	if i := strings.IndexAny(p, "<*…"); i >= 0 {
		p = path.Dir(p[:i] + "x")
	}
	if i := strings.Index(p, "/..."); i >= 0 {
		p = p[:i]
	}
	_, err := fs.Stat(fsys, strings.TrimSuffix(p, "/"))
	return err == nil
}

// dependencyMark stands in DESIGN.md on the line before the dependency table.
const dependencyMark = "<!-- dependency table, read by internal/lint -->"

// dependencies wants one row of DESIGN.md's table for each module that the code
// imports, and no row for one that it does not.
func dependencies(t *tree) []finding {
	table, err := markdownTable(t.fs, "DESIGN.md", dependencyMark)
	if err != nil {
		return []finding{{"DESIGN.md", 1, err.Error()}}
	}
	used := map[string]bool{}
	for _, cells := range table {
		for _, m := range quotedIn(cells[0]) {
			used[m] = false
		}
	}
	var out []finding
	for _, s := range t.files {
	next:
		for _, spec := range s.file.Imports {
			p := importPath(spec)
			if first, _, _ := strings.Cut(p, "/"); !strings.Contains(first, ".") {
				continue
			}
			for m := range used {
				if below(p, m) {
					used[m] = true
					continue next
				}
			}
			used[p] = true // said once
			out = append(out, s.at(spec, "%s has no row in the dependency table of DESIGN.md: add its module, why it is used, its licence and upkeep", p))
		}
	}
	for m, ok := range used {
		if !ok {
			out = append(out, finding{"DESIGN.md", 1, fmt.Sprintf("dependency table: nothing imports %s: remove its row", m)})
		}
	}
	return out
}
