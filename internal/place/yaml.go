package place

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Document is a YAML file whose mistakes can be pointed at.
type Document struct {
	file *ast.File
	name string
	text string
}

// Decode reads one YAML document into the struct that v points to, whose
// fields carry yaml tags. Every key must be known. The error is an *Error.
func Decode(name string, text []byte, v any) (*Document, error) {
	d := &Document{name: name, text: string(text)}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, d.wrap(err)
	}
	d.file = file
	if len(file.Docs) == 0 || file.Docs[0].Body == nil || file.Docs[0].Body.Type() == ast.NullType || file.Docs[0].Body.Type() == ast.CommentType {
		return d, nil // an empty file: all defaults
	}
	body := file.Docs[0].Body
	if len(file.Docs) > 1 {
		return nil, d.at(1, 1, "one YAML document is wanted, this file has several", "")
	}
	if err := d.unknown(body, keysOf(reflect.TypeOf(v).Elem())); err != nil {
		return nil, err
	}
	if err := yaml.NodeToValue(body, v, yaml.Strict()); err != nil {
		return nil, d.wrap(err)
	}
	return d, nil
}

func (d *Document) at(line, col int, msg, hint string) *Error {
	return &Error{File: d.name, Line: line, Col: col, Msg: msg, Hint: hint, Text: d.text}
}

// ErrorAt makes an error at a path such as "$.inputs[0].listen", or at the
// nearest place above it that exists.
func (d *Document) ErrorAt(path, msg, hint string) *Error {
	for ; path != "" && path != "$"; path = path[:max(strings.LastIndexAny(path, ".["), 0)] {
		q, err := yaml.PathString(path)
		if err != nil {
			continue
		}
		if node, err := q.FilterFile(d.file); err == nil && node != nil {
			if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 {
				node = m.Values[0].Key // where the mapping begins
			}
			pos := node.GetToken().Position
			return d.at(pos.Line, pos.Column, msg, hint)
		}
	}
	return d.at(1, 1, msg, hint)
}

// wrap gives an error of the YAML library its place.
func (d *Document) wrap(err error) *Error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		pos := at.GetToken().Position
		return d.at(pos.Line, pos.Column, at.GetMessage(), "")
	}
	return d.at(1, 1, err.Error(), "")
}

// keys is the tree of keys that a file may have; nil where any may stand.
type keys map[string]keys

// keysOf reads the keys off a type's yaml tags. A map's keys are free, those
// of its values are under "".
func keysOf(t reflect.Type) keys {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Map {
		return keys{"": keysOf(t.Elem())}
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	out := keys{}
	for f := range t.Fields() {
		if tag, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); tag != "" {
			out[tag] = keysOf(f.Type)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// unknown finds the first key that the tree does not know.
func (d *Document) unknown(n ast.Node, known keys) error {
	switch n := n.(type) {
	case *ast.SequenceNode:
		for _, v := range n.Values {
			if err := d.unknown(v, known); err != nil {
				return err
			}
		}
	case *ast.MappingNode:
		for _, v := range n.Values {
			if err := d.unknown(v, known); err != nil {
				return err
			}
		}
	case *ast.MappingValueNode:
		token := n.Key.GetToken()
		below, ok := known[token.Value]
		if free, isMap := known[""]; isMap {
			below, ok = free, true
		}
		if !ok && known != nil {
			hint := ""
			if near := Nearest(token.Value, slices.Sorted(maps.Keys(known))); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			return d.at(token.Position.Line, token.Position.Column, fmt.Sprintf("unknown key %q", token.Value), hint)
		}
		if below != nil {
			return d.unknown(n.Value, below)
		}
	}
	return nil
}
