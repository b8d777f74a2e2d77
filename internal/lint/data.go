package lint

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/goccy/go-yaml"
)

// dataTests wants every format and rule to be tested in its own file; a rule
// both by events that fire it and by events that do not.
func dataTests(t *tree) []finding {
	var out []finding
	note := func(name, format string, args ...any) {
		out = append(out, finding{name, 1, fmt.Sprintf(format, args...)})
	}
	for _, folder := range []string{"ingest/format/formats", "rules/library"} {
		names, _ := fs.Glob(t.fs, folder+"/*.y*ml") // the pattern is valid
		for _, name := range names {
			text, err := fs.ReadFile(t.fs, name)
			if err != nil {
				note(name, "%s", err)
				continue
			}
			var doc struct {
				ID    string
				Tests []struct{ Alerts *int }
			}
			if err := yaml.Unmarshal(text, &doc); err != nil {
				note(name, "no YAML: %s", err)
				continue
			}
			if len(doc.Tests) == 0 {
				note(name, "no tests: add `tests:` with at least one made example")
				continue
			}
			if folder != "rules/library" {
				continue
			}
			if stem := strings.TrimSuffix(path.Base(name), path.Ext(name)); doc.ID != stem {
				note(name, "id is %q: let it be the file's name, %q", doc.ID, stem)
			}
			fires, holds := false, false
			for _, x := range doc.Tests {
				fires = fires || x.Alerts != nil && *x.Alerts > 0
				holds = holds || x.Alerts != nil && *x.Alerts == 0
			}
			if !fires || !holds {
				note(name, "tests: want at least one with alerts above 0 and one with `alerts: 0`")
			}
		}
	}
	return out
}
