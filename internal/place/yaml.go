package place

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

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
	if t := body.Type(); t != ast.MappingType && t != ast.MappingValueType {
		return nil, d.at(1, 1, "this is no list of keys", "one key: value to a line")
	}
	if err := d.check(body, keyOf(reflect.TypeOf(v).Elem()).below); err != nil {
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

// Written is the scalar at a path as it stands in the file, or value where it
// is no number: 010006 is a code, not octal.
func (d *Document) Written(path, value string) string {
	q, err := yaml.PathString(path)
	if err != nil || d.file == nil {
		return value
	}
	node, err := q.FilterFile(d.file)
	if err != nil {
		return value
	}
	if n, ok := node.(*ast.IntegerNode); ok {
		return n.GetToken().Value
	}
	return value
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

// key is what a file may have below a key: other keys, or a value that check
// can read. Both nil: anything.
type key struct {
	below keys
	check func(string) error
}

// keys are the keys that may stand in a mapping; "" stands for any.
type keys map[string]key

// byteUnmarshaler is a type that reads its own text.
type byteUnmarshaler interface{ UnmarshalYAML(text []byte) error }

// keyOf reads off a type, by its yaml tags, what may stand below a key.
func keyOf(t reflect.Type) key {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return key{check: func(s string) error {
			if _, err := time.ParseDuration(s); err != nil {
				return fmt.Errorf("%q is no duration; write a number and ms, s, m or h, such as 200ms", s)
			}
			return nil
		}}
	case reflect.PointerTo(t).Implements(reflect.TypeFor[byteUnmarshaler]()):
		return key{check: func(s string) error {
			u, _ := reflect.TypeAssert[byteUnmarshaler](reflect.New(t))
			return u.UnmarshalYAML([]byte(s))
		}}
	case t.Kind() == reflect.Map:
		return key{below: keys{"": keyOf(t.Elem())}}
	case t.Kind() != reflect.Struct:
		return key{}
	}
	out := keys{}
	for f := range t.Fields() {
		switch tag, option, _ := strings.Cut(f.Tag.Get("yaml"), ","); {
		case tag != "":
			out[tag] = keyOf(f.Type)
		case option == "inline":
			maps.Copy(out, keyOf(f.Type).below)
		}
	}
	return key{below: out}
}

// check finds the first key that is not known or whose value can't be read.
func (d *Document) check(n ast.Node, known keys) error {
	var entries []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.SequenceNode:
		for _, v := range n.Values {
			if err := d.check(v, known); err != nil {
				return err
			}
		}
	case *ast.MappingNode:
		entries = n.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{n}
	}
	for _, v := range entries {
		if err := d.entry(v, known); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) entry(v *ast.MappingValueNode, known keys) error {
	token := v.Key.GetToken()
	k, ok := known[token.Value]
	if free, isMap := known[""]; isMap {
		k, ok = free, true
	}
	if !ok {
		hint := ""
		if near := Nearest(token.Value, slices.Sorted(maps.Keys(known))); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		return d.at(token.Position.Line, token.Position.Column, fmt.Sprintf("unknown key %q", token.Value), hint)
	}
	if scalar, isScalar := v.Value.(ast.ScalarNode); isScalar && k.check != nil && v.Value.Type() != ast.NullType {
		if err := k.check(scalar.GetToken().Value); err != nil {
			at := scalar.GetToken().Position
			return d.at(at.Line, at.Column, token.Value+": "+err.Error(), "")
		}
	}
	if k.below == nil {
		return nil
	}
	return d.check(v.Value, k.below)
}
