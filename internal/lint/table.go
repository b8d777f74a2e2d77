package lint

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// testRow is the row of what every test may import besides.
const testRow = "*_test.go"

// tableMark stands in DESIGN.md on the line before the import table.
const tableMark = "<!-- import table, read by internal/lint -->"

// row says what the packages of one pattern may import. "store/..." means
// store and what is below it; packages of one row may import each other.
type row struct {
	pattern    string
	may        []string // patterns of this module's packages
	everything bool
	stdOnly    bool     // no third party either
	owns       []string // third-party modules that no other row may import
}

var quoted = regexp.MustCompile("`([^`]+)`")

// markdownTable gives the cells of the table below a mark, without its head.
func markdownTable(fsys fs.FS, name, mark string) ([][]string, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	_, rest, ok := strings.Cut(string(text), mark)
	if !ok {
		return nil, fmt.Errorf("%s: no line %q: write it before the table", name, mark)
	}
	var rows [][]string
	for line := range strings.Lines(strings.TrimLeft(rest, "\n")) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		rows = append(rows, strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"))
	}
	if len(rows) < 3 {
		return nil, fmt.Errorf("%s: no table follows %q", name, mark)
	}
	return rows[2:], nil
}

// importTable reads the table of DESIGN.md: package, what it may import, what
// it alone may import.
func importTable(fsys fs.FS) ([]row, error) {
	table, err := markdownTable(fsys, "DESIGN.md", tableMark)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, cells := range table {
		if len(cells) != 3 {
			return nil, fmt.Errorf("DESIGN.md: import table: want 3 cells, have %q", cells)
		}
		names := quotedIn(cells[0])
		if len(names) != 1 {
			return nil, fmt.Errorf("DESIGN.md: import table: want one `package`, have %q", cells[0])
		}
		rows = append(rows, row{
			pattern: names[0], may: quotedIn(cells[1]), owns: quotedIn(cells[2]),
			everything: strings.Contains(cells[1], "everything"), stdOnly: strings.Contains(cells[1], "standard library only"),
		})
	}
	return rows, nil
}

func quotedIn(s string) []string {
	var out []string
	for _, m := range quoted.FindAllStringSubmatch(s, -1) {
		out = append(out, m[1])
	}
	return out
}

// within tells whether a folder belongs to a pattern.
func within(dir, pattern string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return below(dir, base)
	}
	return dir == pattern
}

// below tells whether a path is base or stands under it.
func below(p, base string) bool { return p == base || strings.HasPrefix(p, base+"/") }

// rowOf finds a folder's row: the longest pattern that holds it.
func rowOf(rows []row, dir string) *row {
	var best *row
	for i := range rows {
		if within(dir, rows[i].pattern) && (best == nil || len(rows[i].pattern) > len(best.pattern)) {
			best = &rows[i]
		}
	}
	return best
}
