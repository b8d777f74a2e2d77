package lang

import (
	"fmt"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"mimamori/event"
)

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
		return event.Value{}, c.fail(n, mistake{code: "constant"}, "want a constant here")
	}
	k := constant(n)
	clash := func(hint string) *Error {
		return c.fail(n, mistake{"type", hint}, "%s is of type %s, which %v is not", f.Name(), f.Type(), describe(k))
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
