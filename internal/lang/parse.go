package lang

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/parser/lexer"

	"mimamori/event"
	"mimamori/internal/place"
)

// MaxSource bounds a condition's text, in bytes.
const MaxSource = 1 << 20

// Error is a mistake in a condition, at a line and column of its source.
type Error = place.Error

// Parse reads and checks a condition. A vendor field that nobody named before
// is added to the registry. Its error is an *Error.
func Parse(src string) (*Expr, error) { return (*Macros)(nil).Parse(src) }

// parse reads a condition with a checker that knows no more than what it may use.
func parse(src string, c checker) (*Expr, *checker, *Error) {
	if len(src) > MaxSource {
		return nil, nil, &Error{Text: src[:80], Line: 1, Col: 1, Msg: fmt.Sprintf("the condition is longer than %d bytes", MaxSource), Code: "too-long", Args: []string{strconv.Itoa(MaxSource)}}
	}
	text := atTimestamp(src)
	if at := tooDeep(text); at >= 0 {
		line, col := place.Of(src, at)
		return nil, nil, &Error{Text: src, Line: line, Col: col, Msg: fmt.Sprintf("brackets nest deeper than %d, or as many signs stand in a row", maxNesting), Hint: "split the condition", Code: "too-deep", Args: []string{strconv.Itoa(maxNesting)}}
	}
	tree, err := parser.Parse(text)
	if err != nil {
		var fe *file.Error
		if ok := asFileError(err, &fe); ok {
			return nil, nil, &Error{Text: src, Line: fe.Line, Col: fe.Column + 1, Msg: strings.TrimSpace(fe.Message), Code: "syntax", Args: []string{strings.TrimSpace(fe.Message)}}
		}
		return nil, nil, &Error{Text: src, Line: 1, Col: 1, Msg: err.Error(), Code: "syntax", Args: []string{err.Error()}}
	}
	c.src = src
	shown, cerr := c.cond(tree.Node)
	if cerr != nil {
		return nil, nil, cerr
	}
	e := &Expr{Source: src, Root: shown, Shown: shown, Calls: c.calls}
	if len(c.calls) > 0 {
		e.Root = written(shown)
	}
	return e, &c, nil
}

// maxNesting bounds brackets within brackets, and signs before signs: the parser
// goes as deep as they do, and a stack that is too deep would end the program.
const maxNesting = 200

// tooDeep finds the bracket or sign that nests too deep, -1 for none.
func tooDeep(src string) int {
	if marks := strings.Count(src, "not"); !manyMarks(src, marks) {
		return -1
	}
	tokens, err := lexer.Lex(file.NewSource(src))
	if err != nil {
		return -1 // the parser says what is wrong
	}
	depth, signs := 0, 0
	for _, t := range tokens {
		switch {
		case t.Is(lexer.Operator, prefixes...):
			signs++
		case t.Is(lexer.Bracket, "(", "[", "{"):
			depth, signs = depth+1, 0
		case t.Kind == lexer.Bracket:
			depth, signs = depth-1, 0
		default:
			signs = 0
		}
		if max(depth, signs) > maxNesting {
			return t.From
		}
	}
	return -1
}

// prefixes are the signs that stand before what they change.
var prefixes = []string{"!", "not", "-", "+"}

// manyMarks tells whether a text has so many brackets and signs that they could
// nest too deep.
func manyMarks(src string, marks int) bool {
	for i := range len(src) {
		switch src[i] {
		case '(', '[', '{', '!', '-', '+':
			marks++
		}
	}
	return marks > maxNesting
}

// atTimestamp writes @timestamp as a name that expr's syntax knows, of the same
// length. Texts in quotes stay as they are.
func atTimestamp(src string) string {
	if !strings.Contains(src, "@timestamp") {
		return src
	}
	out, quote := []byte(src), byte(0)
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case quote != 0 && c == '\\' && quote != '`':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '@' && strings.HasPrefix(src[i:], "@timestamp"):
			out[i] = '_'
		}
	}
	return string(out)
}

func asFileError(err error, target **file.Error) bool {
	fe, ok := err.(*file.Error) //nolint:errorlint // the parser returns it bare
	*target = fe
	return ok
}

// checker turns expr's syntax tree into ours.
type checker struct {
	src    string
	room   int // so many fields are left free in the registry
	macros *Macros

	calls        []string // the macros called, each once
	depth, parts int      // of the macros called: the deepest, and all together
}

// mistake is what a person should read of a mistake.
type mistake struct {
	code string // its kind, for translations
	hint string
}

func (c *checker) fail(n ast.Node, m mistake, format string, args ...any) *Error {
	line, col := place.Of(c.src, n.Location().From) // expr counts characters
	e := &Error{Text: c.src, Line: line, Col: col, Msg: fmt.Sprintf(format, args...), Hint: m.hint, Code: m.code}
	for _, a := range args {
		e.Args = append(e.Args, fmt.Sprint(a))
	}
	return e
}

// cond reads a node that must be a condition.
func (c *checker) cond(n ast.Node) (Node, *Error) {
	switch n := n.(type) {
	case *ast.BoolNode:
		return Const(n.Value), nil
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			x, err := c.cond(n.Node)
			if err != nil {
				return nil, err
			}
			return Not{x}, nil
		}
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		return c.ternary(n)
	case *ast.CallNode:
		id, ok := n.Callee.(*ast.IdentifierNode)
		if !ok {
			return nil, c.fail(n, mistake{code: "not-language"}, "only functions by name can be called")
		}
		return c.call(n, id.Value, n.Arguments)
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments)
	case *ast.IdentifierNode, *ast.MemberNode:
		f, _, err := c.field(n)
		if err != nil {
			return nil, err
		}
		if f.Type() != event.Boolean {
			return nil, c.fail(n, mistake{"no-condition", "compare it, or has(" + f.Name() + ")"}, "%s is of type %s and no condition by itself", f.Name(), f.Type())
		}
		return &Test{Field: f, Op: Eq, Values: []event.Value{event.Bool(true)}}, nil
	}
	return nil, c.fail(n, mistake{"not-language", "fields, ==, !=, <, <=, >, >=, in, and, or, not, ?:, has, contains, like, matches, inCIDR, inList"}, "this is not part of the condition language")
}
