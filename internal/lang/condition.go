package lang

import (
	"github.com/expr-lang/expr/ast"

	"mimamori/event"
)

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
	return nil, c.fail(n, mistake{code: "operator"}, "the operator %q is not part of the condition language", n.Operator)
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
	code := map[string]Op{"==": Eq, "!=": Eq, "<": Lt, "<=": Le, ">": Gt, ">=": Ge}[op]
	if v, of := viewOf(left); v != Whole {
		return c.view(v, of, code, []ast.Node{right})
	}
	f, fold, err := c.field(left)
	if err != nil {
		return nil, err
	}
	if !isConst(right) {
		g, fold2, err := c.field(right)
		if err != nil {
			return nil, err
		}
		if class(f) != class(g) || code != Eq && class(f) == classText {
			return nil, c.fail(right, mistake{code: "compare"}, "%s (%s) and %s (%s) can't be compared by %s", f.Name(), f.Type(), g.Name(), g.Type(), op)
		}
		return FieldTest{f, g, code, fold || fold2}, nil
	}
	if _, null := right.(*ast.NilNode); null {
		if code != Eq {
			return nil, c.fail(right, mistake{code: "nil"}, "nil can only be compared by == and !=")
		}
		return Not{&Test{Field: f, Op: Has}}, nil
	}
	v, err := c.value(f, right, fold)
	if err != nil {
		return nil, err
	}
	if code != Eq && class(f) == classText {
		return nil, c.fail(left, mistake{code: "order"}, "%s is of type %s and has no order", f.Name(), f.Type())
	}
	return &Test{Field: f, Op: code, Values: []event.Value{v}, Fold: fold}, nil
}

func (c *checker) in(n *ast.BinaryNode) (Node, *Error) {
	items, ok := elements(n.Right)
	if !ok {
		return nil, c.fail(n.Right, mistake{"list", `x in ["a", "b"]`}, "in needs a list of constants")
	}
	if v, of := viewOf(n.Left); v != Whole {
		t, err := c.view(v, of, Eq, items)
		if err == nil && n.Operator == "not in" {
			t = Not{t}
		}
		return t, err
	}
	f, fold, err := c.field(n.Left)
	if err != nil {
		return nil, err
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
