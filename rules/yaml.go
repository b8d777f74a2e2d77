package rules

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of a rule file: what is larger is refused before it is parsed.
const (
	maxFile  = 1 << 20
	maxDepth = 64
)

// ynode is a YAML value with its place (both from 1, columns in characters).
type ynode struct {
	line, col int
	value     any      // string, int64, uint64, float64, bool or nil for scalars
	text      string   // scalars: as written, without quotes
	pairs     []ypair  // mappings
	items     []*ynode // sequences
	kind      yamlKind
}

type ypair struct {
	key       string
	line, col int
	value     *ynode
}

type yamlKind uint8

const (
	yamlScalar yamlKind = iota
	yamlMap
	yamlSeq
	yamlNull
)

func (k yamlKind) String() string {
	return [...]string{"a value", "a mapping", "a list", "nothing"}[k]
}

// parseYAML reads one document. Anchors, aliases and tags are refused: a rule
// file says what it means in place, and an alias can't blow it up.
func parseYAML(src string) (n *ynode, err *Error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = nil, &Error{Line: 1, Col: 1, Msg: fmt.Sprintf("this is no YAML that can be read: %v", p)}
		}
	}()
	if len(src) > maxFile {
		return nil, &Error{Line: 1, Col: 1, Msg: fmt.Sprintf("the file is larger than %d bytes", maxFile)}
	}
	if line := TooDeep(src); line > 0 {
		return nil, &Error{Line: line, Col: 1, Msg: "nested too deeply"}
	}
	file, perr := parser.ParseBytes([]byte(src), 0)
	if perr != nil {
		return nil, syntaxError(perr)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, &Error{Line: 1, Col: 1, Msg: "the file is empty"}
	}
	if len(file.Docs) > 1 {
		line := 1
		if file.Docs[1].Start != nil {
			line = file.Docs[1].Start.Position.Line
		}
		return nil, &Error{Line: line, Col: 1, Msg: "more than one document", Hint: "one rule a file"}
	}
	return convert(file.Docs[0].Body, 0)
}

// TooDeep finds text that would nest without bound, before a recursive parser
// meets it. It returns the line, 0 when there is none.
func TooDeep(src string) int {
	depth, line := 0, 0
	for l := range strings.Lines(src) {
		line++
		if c := l[0]; 'a' <= c && c <= 'z' {
			depth = 0
		}
		lead := strings.TrimLeft(l, "-? \t")
		if strings.Count(l[:len(l)-len(lead)], "-")+strings.Count(l[:len(l)-len(lead)], "?") > maxDepth {
			return line
		}
		if strings.Count(l, ": ") > 0 && len(l)-len(strings.TrimLeft(l, " ")) > 4*maxDepth {
			return line
		}
		for i := range len(l) {
			switch l[i] {
			case '[', '{':
				if depth++; depth > 4*maxDepth {
					return line
				}
			case ']', '}':
				depth = max(0, depth-1)
			}
		}
	}
	return 0
}

func syntaxError(err error) *Error {
	var withToken interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &withToken) && withToken.GetToken() != nil {
		p := withToken.GetToken().Position
		return &Error{Line: p.Line, Col: p.Column, Msg: withToken.GetMessage()}
	}
	return &Error{Line: 1, Col: 1, Msg: err.Error()}
}

func convert(n ast.Node, depth int) (*ynode, *Error) {
	p := n.GetToken().Position
	out := &ynode{line: p.Line, col: p.Column}
	fail := func(msg, hint string) (*ynode, *Error) {
		return nil, &Error{Line: p.Line, Col: p.Column, Msg: msg, Hint: hint}
	}
	if depth > maxDepth {
		return fail("nested too deeply", "")
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return out.mapping(n.Values, depth)
	case *ast.MappingValueNode:
		return out.mapping([]*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		out.kind = yamlSeq
		for _, v := range n.Values {
			item, err := convert(v, depth+1)
			if err != nil {
				return nil, err
			}
			out.items = append(out.items, item)
		}
	case *ast.NullNode:
		out.kind = yamlNull
	case *ast.StringNode:
		out.value, out.text = n.Value, n.Value
	case *ast.LiteralNode:
		out.value, out.text = n.Value.Value, n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		out.value, out.text = n.(ast.ScalarNode).GetValue(), n.GetToken().Value
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return fail("anchors and aliases are not supported", "write the value out, or put * or & in quotes")
	case *ast.TagNode:
		return fail("tags are not supported", "put ! in quotes")
	default:
		return fail(fmt.Sprintf("%s is not supported here", n.Type()), "put it in quotes")
	}
	return out, nil
}

func (n *ynode) mapping(values []*ast.MappingValueNode, depth int) (*ynode, *Error) {
	n.kind = yamlMap
	seen := make(map[string]bool, len(values))
	for i, v := range values {
		t := v.Key.GetToken()
		if i == 0 {
			n.line, n.col = t.Position.Line, t.Position.Column
		}
		key := t.Value
		if seen[key] {
			return nil, &Error{Line: t.Position.Line, Col: t.Position.Column, Msg: fmt.Sprintf("the key %q is there twice", key)}
		}
		seen[key] = true
		value, err := convert(v.Value, depth+1)
		if err != nil {
			return nil, err
		}
		n.pairs = append(n.pairs, ypair{key, t.Position.Line, t.Position.Column, value})
	}
	return n, nil
}

// plain returns the node as Go maps, slices and scalars.
func (n *ynode) plain() any {
	switch n.kind {
	case yamlMap:
		m := make(map[string]any, len(n.pairs))
		for _, p := range n.pairs {
			m[p.key] = p.value.plain()
		}
		return m
	case yamlSeq:
		l := make([]any, len(n.items))
		for i, it := range n.items {
			l[i] = it.plain()
		}
		return l
	}
	return n.value
}
