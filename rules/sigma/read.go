package sigma

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"mimamori/rules"
)

// rule is a Sigma document: a detection, a correlation or a filter.
type rule struct {
	Title          string        `yaml:"title"`
	ID             string        `yaml:"id"`
	Name           string        `yaml:"name"`
	Action         string        `yaml:"action"`
	Taxonomy       string        `yaml:"taxonomy"`
	Status         string        `yaml:"status"`
	Description    string        `yaml:"description"`
	License        string        `yaml:"license"`
	Author         any           `yaml:"author"`
	References     any           `yaml:"references"`
	Tags           any           `yaml:"tags"`
	LogSource      logSource     `yaml:"logsource"`
	Detection      yaml.MapSlice `yaml:"detection"`
	FalsePositives any           `yaml:"falsepositives"`
	Level          string        `yaml:"level"`
	Correlation    *correlation  `yaml:"correlation"`
	Filter         yaml.MapSlice `yaml:"filter"`
	Generate       *bool         `yaml:"generate"`
}

type logSource struct {
	Product  string `yaml:"product"`
	Category string `yaml:"category"`
	Service  string `yaml:"service"`
}

// key names the log source as mappings.yaml does: product/category/service.
func (l logSource) key() string {
	dash := func(s string) string {
		if s == "" {
			return "-"
		}
		return strings.ToLower(s)
	}
	return dash(l.Product) + "/" + dash(l.Category) + "/" + dash(l.Service)
}

// document is one document of a file, and how it is imported.
type document struct {
	path string
	rule rule
	err  error // why it can't be read

	id      string      // of our rule, and so its file's name
	filters []*document // that apply to it
	part    string      // title of the correlation that it is only a part of
}

// readAll reads every document below src that is a rule, in order of paths.
func readAll(src fs.FS) ([]*document, error) {
	var all []*document
	err := fs.WalkDir(src, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".yml") && !strings.HasSuffix(path, ".yaml") {
			return err
		}
		data, err := fs.ReadFile(src, path)
		if err != nil {
			return err
		}
		all = append(all, readFile(path, data)...)
		return nil
	})
	return all, err
}

// readFile reads the documents of one file.
func readFile(path string, data []byte) []*document {
	var out []*document
	global := false
	for _, text := range split(data) {
		d := &document{path: path}
		d.err = decode(text, &d.rule)
		r := &d.rule
		global = global || r.Action == "global"
		if d.err == nil && r.Detection == nil && r.Correlation == nil && r.Filter == nil {
			continue // some other YAML file
		}
		out = append(out, d)
	}
	for _, d := range out {
		if global && d.err == nil {
			d.err = refuse("rule collection", "documents that share an action: global were given up by Sigma")
		}
	}
	return out
}

// split cuts a file at its --- lines.
func split(data []byte) [][]byte {
	var out [][]byte
	data = bytes.ReplaceAll(bytes.TrimPrefix(data, []byte("\uFEFF")), []byte("\r\n"), []byte("\n"))
	for d := range bytes.SplitSeq(append([]byte("\n"), data...), []byte("\n---")) {
		if len(bytes.TrimSpace(d)) > 0 {
			out = append(out, d)
		}
	}
	return out
}

// maxDocument bounds a Sigma document.
const maxDocument = 1 << 20

// decode reads one document. What could grow without bound, in depth or by
// aliases, is refused before it is decoded.
func decode(text []byte, r *rule) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = refuse("not readable", "%v", p)
		}
	}()
	if len(text) > maxDocument {
		return refuse("not readable", "the document is larger than %d bytes", maxDocument)
	}
	if line := rules.TooDeep(string(text)); line > 0 {
		return refuse("not readable", "line %d: nested too deeply", line)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return refuse("not readable", "%v", err)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil
	}
	var w aliases
	ast.Walk(&w, file.Docs[0].Body)
	if w > 0 {
		return refuse("not readable", "anchors and aliases are no part of a rule")
	}
	if err := yaml.NodeToValue(file.Docs[0].Body, r, yaml.UseOrderedMap()); err != nil {
		return refuse("not readable", "%v", err)
	}
	return nil
}

// aliases counts them.
type aliases int

// Visit is ast.Visitor's.
func (a *aliases) Visit(n ast.Node) ast.Visitor {
	if n.Type() == ast.AliasType || n.Type() == ast.AnchorType {
		*a++
	}
	return a
}

var notInID = regexp.MustCompile(`[^a-z0-9]+`)

// Sizes in ids that we make: of the title's part, and bytes of its hash.
const (
	maxSlug  = 60
	hashSize = 4
)

// ruleID is the id of our rule: Sigma's, or one made of the title, which stays
// the same from import to import.
func ruleID(r *rule) string {
	id := strings.ToLower(r.ID)
	if rules.ValidID(id) == nil {
		return id
	}
	text := r.ID
	if text == "" {
		text = cmp.Or(r.Name, r.Title)
	}
	slug := strings.Trim(notInID.ReplaceAllString(strings.ToLower(text), "-"), "-")
	if len(slug) > maxSlug {
		slug = slug[:maxSlug]
	}
	return "sigma-" + strings.Trim(slug+"-"+hash(text+r.Title), "-")
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:hashSize])
}

// texts reads a text or a list of texts.
func texts(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var out []string
		for _, x := range v {
			if x != nil {
				out = append(out, fmt.Sprint(x))
			}
		}
		return out
	}
	return []string{fmt.Sprint(v)}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
