package format

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	yamltoken "github.com/goccy/go-yaml/token"

	"mimamori/internal/place"
)

// Error is a mistake in a format file: its file, line and column, what is
// wrong and what to do.
type Error = place.Error

// source is one file's text, for error messages.
type source struct{ name, text string }

func (s *source) errAt(line, col int, format string, args ...any) *Error {
	return &Error{File: s.name, Line: line, Col: col, Msg: fmt.Sprintf(format, args...), Text: s.text}
}

// node is a YAML node with the file that it stands in.
type node struct {
	src *source
	ast ast.Node
}

// parseYAML reads a file's only document.
func parseYAML(name string, text []byte) (node, error) {
	src := &source{name, string(text)}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		var te tokenError
		if t, ok := err.(tokenError); ok {
			te = t
			return node{}, src.errAt(te.GetToken().Position.Line, te.GetToken().Position.Column, "%s", te.GetMessage())
		}
		return node{}, src.errAt(1, 1, "%v", err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return node{}, src.errAt(1, 1, "want exactly one YAML document")
	}
	return node{src, file.Docs[0].Body}, nil
}

// tokenError is what the YAML parser's syntax errors can tell.
type tokenError interface {
	GetMessage() string
	GetToken() *yamltoken.Token
}

// fail makes an error at the node's place.
func (n node) fail(format string, args ...any) *Error { return n.mark().fail(format, args...) }

// mark is a node's place, to keep when the tree is let go.
type mark struct {
	src       *source
	line, col int
}

func (n node) mark() mark {
	p := n.start().Position
	return mark{n.src, p.Line, p.Column}
}

func (m mark) fail(format string, args ...any) *Error {
	return m.src.errAt(m.line, m.col, format, args...)
}

func (n node) start() *yamltoken.Token {
	switch a := n.ast.(type) {
	case *ast.MappingNode:
		if len(a.Values) > 0 && !a.IsFlowStyle {
			return a.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		return a.Key.GetToken()
	}
	return n.ast.GetToken()
}

// at moves a message about a character inside the node's text (line and column
// from 1) to its place in the file.
func (n node) at(line, col int, msg string) *Error {
	p := n.start().Position
	if l, ok := n.ast.(*ast.LiteralNode); ok { // a block: its text begins on the next line
		first := p.Line + 1
		indent := 0
		if lines := strings.Split(n.src.text, "\n"); first-1 < len(lines) {
			text := lines[first-1]
			indent = len(text) - len(strings.TrimLeft(text, " "))
		}
		if l.Start.Type == yamltoken.FoldedType { // folded lines are one line of text
			return n.src.errAt(first, indent+1, "%s", msg)
		}
		return n.src.errAt(first+line-1, indent+col, "%s", msg)
	}
	quote := 0
	if t := n.ast.GetToken(); t != nil && (t.Type == yamltoken.SingleQuoteType || t.Type == yamltoken.DoubleQuoteType) {
		quote = 1
	}
	return n.src.errAt(p.Line+line-1, p.Column+quote+col-1, "%s", msg)
}

// text returns a scalar's text as written, whatever YAML takes it for, so that
// a table of port numbers needs no quotes.
func (n node) text() (string, *Error) {
	switch a := n.ast.(type) {
	case *ast.StringNode:
		return a.Value, nil
	case *ast.LiteralNode:
		return a.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return a.GetToken().Value, nil
	case *ast.NullNode:
		if a.GetToken().Value == "" {
			return "", nil
		}
	}
	return "", n.fail("want text here")
}

// integer reads a whole number.
func (n node) integer() (int, *Error) {
	s, err := n.text()
	if err != nil {
		return 0, err
	}
	i, bad := strconv.Atoi(s)
	if bad != nil {
		return 0, n.fail("%q is no whole number", s)
	}
	return i, nil
}

// yes reads true or false.
func (n node) yes() (bool, *Error) {
	s, err := n.text()
	if err == nil && s != "true" && s != "false" {
		err = n.fail("want true or false")
	}
	return s == "true", err
}

// isMap tells whether the node is a mapping, isList whether it is a list.
func (n node) isMap() bool {
	switch n.ast.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

func (n node) isList() bool { _, ok := n.ast.(*ast.SequenceNode); return ok }

// each calls do for every pair of a mapping, in the order of the file.
func (n node) each(do func(key string, at, val node) *Error) *Error {
	var pairs []*ast.MappingValueNode
	switch a := n.ast.(type) {
	case *ast.MappingNode:
		pairs = a.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{a}
	case *ast.NullNode:
		return nil
	default:
		return n.fail("want a mapping (key: value) here")
	}
	seen := make(map[string]bool, len(pairs))
	for _, p := range pairs {
		at := node{n.src, p.Key}
		key, err := at.text()
		if err != nil {
			return err
		}
		if seen[key] {
			return at.fail("%q stands here twice", key)
		}
		seen[key] = true
		if err := do(key, at, node{n.src, p.Value}); err != nil {
			return err
		}
	}
	return nil
}

// child returns the text under a key of a mapping; "" when there is none.
func (n node) child(name string) (text string) {
	_ = n.each(func(key string, _, val node) *Error {
		if key == name {
			text, _ = val.text()
		}
		return nil
	})
	return text
}

// has tells whether a mapping has a key.
func (n node) has(name string) (found bool) {
	_ = n.each(func(key string, _, _ node) *Error { found = found || key == name; return nil })
	return found
}

// items returns a list's elements; anything else is a list of one.
func (n node) items() []node {
	a, ok := n.ast.(*ast.SequenceNode)
	if !ok {
		return []node{n}
	}
	out := make([]node, len(a.Values))
	for i, v := range a.Values {
		out[i] = node{n.src, v}
	}
	return out
}

// texts returns a list of scalars; one scalar is a list of one.
func (n node) texts() ([]string, *Error) {
	var out []string
	for _, it := range n.items() {
		s, err := it.text()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// words is texts, with blanks separating words too: "date time tz".
func (n node) words() ([]string, *Error) {
	list, err := n.texts()
	if err != nil || n.isList() || len(list) == 0 {
		return list, err
	}
	return strings.Fields(list[0]), nil
}

// unknown makes the error about a key that the language does not have.
func (n node) unknown(key string, known string) *Error {
	return n.fail("unknown key %q (known here: %s)", key, known)
}
