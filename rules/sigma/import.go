package sigma

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"mimamori/rules"
)

// Report says what an import did.
type Report struct {
	Total    int            `json:"total"` // rule documents seen
	Imported int            `json:"imported"`
	Refused  int            `json:"refused"`
	Reasons  map[string]int `json:"reasons"` // refused, by kind of reason
	Rules    []Refusal      `json:"-"`       // each refused rule
}

// Refusal is one rule that was not imported.
type Refusal struct {
	File, ID, Title string
	Kind            string // one of the keys of Report.Reasons
	Detail          string
}

// refusal is why a rule cannot be expressed.
type refusal struct{ kind, detail string }

// Error joins kind and detail.
func (r *refusal) Error() string { return r.kind + ": " + r.detail }

func refuse(kind, format string, args ...any) error {
	return &refusal{kind, fmt.Sprintf(format, args...)}
}

// rule is a Sigma rule document.
type rule struct {
	Title          string         `yaml:"title"`
	ID             string         `yaml:"id"`
	Status         string         `yaml:"status"`
	Description    string         `yaml:"description"`
	Author         any            `yaml:"author"`
	References     []string       `yaml:"references"`
	Tags           []string       `yaml:"tags"`
	LogSource      logSource      `yaml:"logsource"`
	Detection      yaml.MapSlice  `yaml:"detection"`
	FalsePositives any            `yaml:"falsepositives"`
	Level          string         `yaml:"level"`
	Correlation    map[string]any `yaml:"correlation"`
	Filter         map[string]any `yaml:"filter"`
}

type logSource struct {
	Product  string `yaml:"product"`
	Category string `yaml:"category"`
	Service  string `yaml:"service"`
}

// String names the log source as product/category/service.
func (l logSource) String() string { return l.Product + "/" + l.Category + "/" + l.Service }

// Import converts every rule below src and writes <id>.yaml into the folder
// out, which is made if need be. The error is about reading or writing; a rule
// that can't be expressed is in the report.
func Import(src fs.FS, out string) (Report, error) {
	rep := Report{Reasons: map[string]int{}}
	m, err := loadMappings()
	if err != nil {
		return rep, err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return rep, fmt.Errorf("sigma: %w", err)
	}
	seen := map[string]string{}
	err = fs.WalkDir(src, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".yml") && !strings.HasSuffix(path, ".yaml") {
			return err
		}
		data, err := fs.ReadFile(src, path)
		if err != nil {
			return err
		}
		for _, doc := range documents(data) {
			if err := rep.one(m, path, doc, out, seen); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return rep, fmt.Errorf("sigma: %w", err)
	}
	return rep, nil
}

// documents splits a file at its --- lines.
func documents(data []byte) [][]byte {
	var out [][]byte
	for d := range bytes.SplitSeq(append([]byte("\n"), data...), []byte("\n---")) {
		if len(bytes.TrimSpace(d)) > 0 {
			out = append(out, d)
		}
	}
	return out
}

// one imports one document. Its error is about writing.
func (rep *Report) one(m *mappings, path string, doc []byte, out string, seen map[string]string) error {
	var r rule
	if err := yaml.UnmarshalWithOptions(doc, &r, yaml.UseOrderedMap()); err != nil {
		rep.Total++
		rep.refuse(path, &r, refuse("not readable", "%v", err))
		return nil
	}
	if r.Detection == nil && r.Correlation == nil && r.Filter == nil {
		return nil // some other YAML file
	}
	rep.Total++
	text, err := convert(m, path, &r)
	if err == nil && seen[r.ID] != "" {
		err = refuse("duplicate id", "%s has the same id", seen[r.ID])
	}
	if err == nil {
		if _, perr := rules.Parse(r.ID+".yaml", []byte(text)); perr != nil {
			err = refuse("not expressible", "%v", perr)
		}
	}
	if err != nil {
		rep.refuse(path, &r, err)
		return nil
	}
	seen[r.ID] = path
	rep.Imported++
	if err := os.WriteFile(filepath.Join(out, r.ID+".yaml"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("sigma: %w", err)
	}
	return nil
}

func (rep *Report) refuse(path string, r *rule, err error) {
	x := &refusal{kind: "not expressible", detail: err.Error()}
	errors.As(err, &x)
	rep.Refused++
	rep.Reasons[x.kind]++
	rep.Rules = append(rep.Rules, Refusal{path, r.ID, r.Title, x.kind, x.detail})
}

// convert writes the rule file of a Sigma rule.
func convert(m *mappings, path string, r *rule) (string, error) {
	switch {
	case r.Correlation != nil:
		return "", refuse("correlation", "correlation rules are not imported yet")
	case r.Filter != nil:
		return "", refuse("filter", "filters are not imported yet")
	case r.ID == "":
		return "", refuse("no id", "the rule has no id")
	case !slices.Contains([]string{"", "stable", "test", "experimental", "deprecated"}, r.Status):
		return "", refuse("status "+r.Status, "its authors do not support it")
	}
	src, err := m.find(r.LogSource)
	if err != nil {
		return "", err
	}
	d, err := newDetection(src, r.Detection)
	if err != nil {
		return "", err
	}
	cond, err := d.condition()
	if err != nil {
		return "", err
	}
	if src.when != "" {
		cond = and{raw(src.when), cond}
	}
	return write(path, r, cond), nil
}
