package lang

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"mimamori/event"
	"mimamori/internal/place"
)

// MaxSource bounds a condition's text, in bytes.
const MaxSource = 1 << 20

// Error is a mistake in a condition, at a line and column of its source.
type Error = place.Error

// Parse reads and checks a condition. Its error is an *Error.
func Parse(src string) (*Expr, error) {
	if len(src) > MaxSource {
		return nil, &Error{Text: src[:80], Line: 1, Col: 1, Msg: fmt.Sprintf("the condition is longer than %d bytes", MaxSource)}
	}
	config := conf.CreateNew()
	tree, err := parser.ParseWithConfig(src, config)
	if err != nil {
		var fe *file.Error
		if ok := asFileError(err, &fe); ok {
			return nil, &Error{Text: src, Line: fe.Line, Col: fe.Column + 1, Msg: strings.TrimSpace(fe.Message)}
		}
		return nil, &Error{Text: src, Line: 1, Col: 1, Msg: err.Error()}
	}
	c := checker{src: src}
	root, cerr := c.cond(tree.Node)
	if cerr != nil {
		return nil, cerr
	}
	return &Expr{Source: src, Root: root}, nil
}

func asFileError(err error, target **file.Error) bool {
	fe, ok := err.(*file.Error) //nolint:errorlint // the parser returns it bare
	*target = fe
	return ok
}

type checker struct{ src string }

func (c *checker) fail(n ast.Node, hint, format string, args ...any) *Error {
	line, col := place.Of(c.src, n.Location().From) // expr counts characters
	return &Error{Text: c.src, Line: line, Col: col, Msg: fmt.Sprintf(format, args...), Hint: hint}
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
			return nil, c.fail(n, "", "only functions by name can be called")
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
			return nil, c.fail(n, "compare it, or has("+f.Name()+")", "%s is of type %s and no condition by itself", f.Name(), f.Type())
		}
		return &Test{Field: f, Op: Eq, Values: []event.Value{event.Bool(true)}}, nil
	}
	return nil, c.fail(n, "fields, ==, !=, <, <=, >, >=, in, and, or, not, ?:, has, contains, like, matches, inCIDR, inList", "this is not part of the condition language")
}

func (c *checker) ternary(n *ast.ConditionalNode) (Node, *Error) {
	cond, err := c.cond(n.Cond)
	if err != nil {
		return nil, err
	}
	yes, err := c.cond(n.Exp1)
	if err != nil {
		return nil, err
	}
	no, err := c.cond(n.Exp2)
	if err != nil {
		return nil, err
	}
	return Or{And{cond, yes}, And{Not{cond}, no}}, nil
}

var flipped = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

func (c *checker) binary(n *ast.BinaryNode) (Node, *Error) {
	switch n.Operator {
	case "and", "&&", "or", "||":
		l, err := c.cond(n.Left)
		if err != nil {
			return nil, err
		}
		r, err := c.cond(n.Right)
		if err != nil {
			return nil, err
		}
		if n.Operator == "and" || n.Operator == "&&" {
			return join[And](l, r), nil
		}
		return join[Or](l, r), nil
	case "==", "!=", "<", "<=", ">", ">=":
		left, right, op := n.Left, n.Right, n.Operator
		if isConst(left) && !isConst(right) {
			left, right, op = right, left, flipped[op]
		}
		node, err := c.compare(left, right, op)
		if err == nil && op == "!=" {
			node = Not{node}
		}
		return node, err
	case "in", "not in":
		return c.in(n)
	case "contains", "startsWith", "endsWith", "matches":
		return c.call(n, n.Operator, []ast.Node{n.Left, n.Right})
	}
	return nil, c.fail(n, "", "the operator %q is not part of the condition language", n.Operator)
}

// join flattens a and b into one list of And or Or.
func join[T And | Or](a, b Node) Node {
	var out T
	for _, n := range []Node{a, b} {
		if t, ok := n.(T); ok {
			out = append(out, t...)
		} else {
			out = append(out, n)
		}
	}
	return any(out).(Node)
}

func (c *checker) compare(left, right ast.Node, op string) (Node, *Error) {
	f, fold, err := c.field(left)
	if err != nil {
		return nil, err
	}
	code := map[string]Op{"==": Eq, "!=": Eq, "<": Lt, "<=": Le, ">": Gt, ">=": Ge}[op]
	if !isConst(right) {
		g, fold2, err := c.field(right)
		if err != nil {
			return nil, err
		}
		if class(f) != class(g) || code != Eq && class(f) == classText {
			return nil, c.fail(right, "", "%s (%s) and %s (%s) can't be compared by %s", f.Name(), f.Type(), g.Name(), g.Type(), op)
		}
		return FieldTest{f, g, code, fold || fold2}, nil
	}
	if _, null := right.(*ast.NilNode); null {
		if code != Eq {
			return nil, c.fail(right, "", "nil can only be compared by == and !=")
		}
		return Not{&Test{Field: f, Op: Has}}, nil
	}
	v, err := c.value(f, right, fold)
	if err != nil {
		return nil, err
	}
	if code != Eq && class(f) == classText {
		return nil, c.fail(left, "", "%s is of type %s and has no order", f.Name(), f.Type())
	}
	return &Test{Field: f, Op: code, Values: []event.Value{v}, Fold: fold}, nil
}

func (c *checker) in(n *ast.BinaryNode) (Node, *Error) {
	f, fold, err := c.field(n.Left)
	if err != nil {
		return nil, err
	}
	items, ok := elements(n.Right)
	if !ok {
		return nil, c.fail(n.Right, `x in ["a", "b"]`, "in needs a list of constants")
	}
	t := &Test{Field: f, Op: Eq, Fold: fold}
	for _, it := range items {
		v, err := c.value(f, it, fold)
		if err != nil {
			return nil, err
		}
		t.Values = append(t.Values, v)
	}
	if n.Operator == "not in" {
		return Not{t}, nil
	}
	return t, nil
}

func elements(n ast.Node) ([]ast.Node, bool) {
	switch n := n.(type) {
	case *ast.ArrayNode:
		return n.Nodes, true
	case *ast.ConstantNode:
		if arr, ok := n.Value.([]any); ok {
			out := make([]ast.Node, len(arr))
			for i, v := range arr {
				out[i] = &ast.ConstantNode{Value: v}
			}
			return out, true
		}
	}
	return nil, false
}

type valueClass uint8

const (
	classText valueClass = iota
	classNumber
	classDate
	classBool
)

func class(f event.Field) valueClass {
	switch f.Type() {
	case event.Long, event.Double:
		return classNumber
	case event.Date:
		return classDate
	case event.Boolean:
		return classBool
	}
	return classText
}

// field reads a field name: dotted identifiers, or lower(name).
func (c *checker) field(n ast.Node) (event.Field, bool, *Error) {
	if call, ok := n.(*ast.BuiltinNode); ok && (call.Name == "lower" || call.Name == "upper") && len(call.Arguments) == 1 {
		f, _, err := c.field(call.Arguments[0])
		if err == nil && class(f) != classText {
			err = c.fail(n, "", "%s needs a text field, %s is of type %s", call.Name, f.Name(), f.Type())
		}
		return f, true, err
	}
	name, ok := dotted(n)
	if !ok {
		return 0, false, c.fail(n, "", "want the name of a field here")
	}
	f, known := event.Lookup(name)
	if known {
		return f, false, nil
	}
	// A name space that the registry does not know, nor anything like it, is a vendor's.
	near := ""
	if !strings.HasPrefix(name, "winlog.event_data.") { // open: whatever a provider names
		near = event.Nearest(name)
	}
	if space, _, isDotted := strings.Cut(name, "."); isDotted && !knownSpace(space) && near == "" {
		if f, ok := event.Intern(name); ok {
			return f, false, nil
		}
	}
	hint := ""
	if near != "" {
		hint = "did you mean " + near + "?"
	}
	return 0, false, c.fail(leftmost(n), hint, "unknown field %q", name)
}

// leftmost finds where a dotted name begins.
func leftmost(n ast.Node) ast.Node {
	for {
		m, ok := n.(*ast.MemberNode)
		if !ok {
			return n
		}
		n = m.Node
	}
}

func knownSpace(space string) bool {
	if space == "winlog" {
		return false // winlog.event_data.* is open
	}
	for _, f := range event.Fields() {
		if n := f.Name(); len(n) > len(space) && n[len(space)] == '.' && n[:len(space)] == space {
			return true
		}
	}
	return false
}

func dotted(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if n.Value == "timestamp" {
			return "@timestamp", true
		}
		return n.Value, true
	case *ast.ChainNode:
		return dotted(n.Node)
	case *ast.MemberNode:
		prefix, ok := dotted(n.Node)
		prop, isString := n.Property.(*ast.StringNode)
		if !ok || !isString {
			return "", false
		}
		return prefix + "." + prop.Value, true
	}
	return "", false
}

func isConst(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NilNode, *ast.ConstantNode, *ast.BytesNode:
		return true
	case *ast.UnaryNode:
		return (n.Operator == "-" || n.Operator == "+") && isConst(n.Node)
	}
	return false
}

// constant returns a constant's Go value.
func constant(n ast.Node) any {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.IntegerNode:
		return int64(n.Value)
	case *ast.FloatNode:
		return n.Value
	case *ast.BoolNode:
		return n.Value
	case *ast.ConstantNode:
		if i, ok := n.Value.(int); ok {
			return int64(i)
		}
		return n.Value
	case *ast.UnaryNode:
		switch v := constant(n.Node).(type) {
		case int64:
			if n.Operator == "-" {
				return -v
			}
			return v
		case float64:
			if n.Operator == "-" {
				return -v
			}
			return v
		}
	}
	return nil
}

// value converts a constant to the field's type.
func (c *checker) value(f event.Field, n ast.Node, fold bool) (event.Value, *Error) {
	if !isConst(n) {
		return event.Value{}, c.fail(n, "", "want a constant here")
	}
	k := constant(n)
	clash := func(hint string) *Error {
		return c.fail(n, hint, "%s is of type %s, which %v is not", f.Name(), f.Type(), describe(k))
	}
	switch class(f) {
	case classText:
		s, ok := k.(string)
		if !ok {
			return event.Value{}, clash("put it in quotes")
		}
		if f.Type() == event.IP {
			v, ok := event.ParseIP(s)
			if !ok {
				return event.Value{}, clash(`for networks: inCIDR(` + f.Name() + `, "10.0.0.0/8")`)
			}
			return v, nil
		}
		if fold {
			s = strings.ToLower(s)
		}
		return event.String(s), nil
	case classBool:
		b, ok := k.(bool)
		if !ok {
			return event.Value{}, clash("true or false")
		}
		return event.Bool(b), nil
	case classDate:
		s, _ := k.(string)
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return event.Value{}, clash(`"2026-11-22T09:00:00+09:00"`)
		}
		return event.Time(at.UnixNano()), nil
	}
	switch v := k.(type) {
	case int64:
		if f.Type() == event.Double {
			return event.Float(float64(v)), nil
		}
		return event.Int(v), nil
	case float64:
		return event.Float(v), nil
	}
	return event.Value{}, clash("a number without quotes")
}

func describe(k any) string {
	if s, ok := k.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(k)
}

var textOps = map[string]Op{
	"contains": Contains, "icontains": Contains, "startsWith": StartsWith, "istartsWith": StartsWith,
	"endsWith": EndsWith, "iendsWith": EndsWith, "like": Like, "ilike": Like, "iequals": Eq, "matches": Matches, "imatches": Matches,
}

// call reads the language's functions.
func (c *checker) call(at ast.Node, name string, args []ast.Node) (Node, *Error) {
	if name == "text" && len(args) == 1 {
		s, ok := constant(args[0]).(string)
		if !ok {
			return nil, c.fail(args[0], "", "text needs a constant string")
		}
		return Words{strings.ToLower(s)}, nil
	}
	op, isText := textOps[name]
	if !isText && name != "has" && name != "inCIDR" && name != "inList" {
		return nil, c.fail(at, "has, contains, startsWith, endsWith, like, matches, their i… forms, inCIDR, inList, lower, text", "unknown function %q", name)
	}
	if len(args) == 0 || name == "has" && len(args) != 1 || name != "has" && len(args) < 2 {
		return nil, c.fail(at, "", "%s: wrong number of arguments", name)
	}
	f, fold, err := c.field(args[0])
	if err != nil {
		return nil, err
	}
	if name == "has" {
		return &Test{Field: f, Op: Has}, nil
	}
	var words []string
	for _, a := range args[1:] {
		items, isList := elements(a)
		if !isList {
			items = []ast.Node{a}
		}
		for _, it := range items {
			s, ok := constant(it).(string)
			if !ok {
				return nil, c.fail(it, "", "%s needs constant strings", name)
			}
			words = append(words, s)
		}
	}
	if class(f) != classText {
		return nil, c.fail(args[0], "", "%s needs a text field, %s is of type %s", name, f.Name(), f.Type())
	}
	fold = fold || isText && name[0] == 'i'
	switch name {
	case "matches", "imatches":
		return c.regexp(args[1], f, words, fold)
	case "inCIDR":
		return c.cidr(args[1], f, words)
	case "inList":
		return &Test{Field: f, Op: InList, Values: []event.Value{event.String(words[0])}}, nil
	}
	t := &Test{Field: f, Op: op, Fold: fold}
	for _, s := range words {
		if fold {
			s = strings.ToLower(s)
		}
		t.Values = append(t.Values, event.String(s))
	}
	return t, nil
}

func (c *checker) regexp(at ast.Node, f event.Field, words []string, fold bool) (Node, *Error) {
	var alternatives []Node
	for _, w := range words {
		if fold {
			w = "(?i)" + w
		}
		re, err := regexp.Compile(w)
		if err != nil {
			return nil, c.fail(at, "the syntax is RE2's: https://github.com/google/re2/wiki/Syntax", "%v", err)
		}
		alternatives = append(alternatives, &Test{Field: f, Op: Matches, Regexp: re, Fold: fold})
	}
	if len(alternatives) == 1 {
		return alternatives[0], nil
	}
	return Or(alternatives), nil
}

func (c *checker) cidr(at ast.Node, f event.Field, words []string) (Node, *Error) {
	t := &Test{Field: f, Op: InCIDR}
	for _, w := range words {
		p, err := netip.ParsePrefix(w)
		if err != nil {
			a, aerr := netip.ParseAddr(w)
			if aerr != nil {
				return nil, c.fail(at, `"10.0.0.0/8"`, "%q is no network", w)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		t.Values = append(t.Values, event.String(p.Masked().String()))
	}
	return t, nil
}
