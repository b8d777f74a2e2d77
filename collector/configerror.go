package collector

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// ConfigError is a mistake in a configuration file and its place.
type ConfigError struct {
	File      string
	Line, Col int    // from 1; Col counts characters
	Msg       string // what is wrong
	Hint      string // what to do; may be ""
	source    string // the line
}

// Error shows the place, the mistake, the line and a caret below it.
func (e *ConfigError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg)
	if e.Hint != "" {
		fmt.Fprintf(&b, "; %s", e.Hint)
	}
	if e.source != "" {
		fmt.Fprintf(&b, "\n  %s\n  %s^", e.source, strings.Repeat(" ", max(e.Col-1, 0)))
	}
	return b.String()
}

// document is the text that errors point into.
type document struct{ name, text string }

func (d *document) errorAt(line, col int, msg, hint string) *ConfigError {
	e := &ConfigError{File: d.name, Line: line, Col: col, Msg: msg, Hint: hint}
	if lines := strings.Split(d.text, "\n"); line >= 1 && line <= len(lines) {
		e.source = strings.TrimRight(lines[line-1], "\r")
	}
	return e
}

// place finds the node of a problem, or the nearest one above it that exists.
func (d *document) place(file *ast.File, p *problem) *ConfigError {
	for path := p.path; path != "$"; path = path[:strings.LastIndexAny(path, ".[")] {
		q, err := yaml.PathString(path)
		if err != nil {
			continue
		}
		if node, err := q.FilterFile(file); err == nil && node != nil {
			pos := first(node).GetToken().Position
			return d.errorAt(pos.Line, pos.Column, p.msg, p.hint)
		}
	}
	return d.errorAt(1, 1, p.msg, p.hint)
}

// first is the node where a mapping begins: its first key.
func first(n ast.Node) ast.Node {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return m.Values[0].Key
	}
	return n
}

// keys is the tree of keys that a file may have.
type keys map[string]key

// key is what may stand behind one: further keys, or text that check accepts.
type key struct {
	below keys
	check func(string) error
}

func configKeys() keys { return keysOf(reflect.TypeFor[Config]()) }

// keysOf reads the keys off the yaml tags of a type; nil where it has none.
func keysOf(t reflect.Type) keys {
	for t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	out := keys{}
	for f := range t.Fields() {
		k := key{below: keysOf(f.Type)}
		switch f.Type {
		case reflect.TypeFor[Size]():
			k.check = func(s string) error { return new(Size).UnmarshalYAML([]byte(s)) }
		case reflect.TypeFor[time.Duration]():
			k.check = func(s string) error {
				if _, err := time.ParseDuration(s); err != nil {
					return fmt.Errorf("%q is no duration; write a number and ms, s, m or h, such as 200ms", s)
				}
				return nil
			}
		}
		out[f.Tag.Get("yaml")] = k
	}
	return out
}

// unknown returns an error for the first key that the tree does not know, with
// the nearest one that it does, or for the first value that cannot be read.
func (d *document) unknown(n ast.Node, known keys) error {
	switch n := n.(type) {
	case *ast.SequenceNode:
		for _, v := range n.Values {
			if err := d.unknown(v, known); err != nil {
				return err
			}
		}
	case *ast.MappingNode:
		for _, v := range n.Values {
			if err := d.entry(v, known); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *document) entry(v *ast.MappingValueNode, known keys) error {
	at := v.Key.GetToken()
	k, ok := known[at.Value]
	if !ok {
		return d.errorAt(at.Position.Line, at.Position.Column, fmt.Sprintf("unknown key %q", at.Value), suggest(at.Value, known))
	}
	if scalar, ok := v.Value.(ast.ScalarNode); ok && k.check != nil {
		if err := k.check(scalar.GetToken().Value); err != nil {
			pos := scalar.GetToken().Position
			return d.errorAt(pos.Line, pos.Column, at.Value+": "+err.Error(), "")
		}
	}
	if k.below == nil {
		return nil
	}
	return d.unknown(v.Value, k.below)
}

// suggest names the known key that is fewest changes away.
func suggest(word string, known keys) string {
	best, least := "", len(word)/2+2
	for k := range known {
		if n := distance(word, k); n < least || n == least && k < best {
			best, least = k, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// distance is how many characters must be added, removed or replaced.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
