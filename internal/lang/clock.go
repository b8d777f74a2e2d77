package lang

import (
	"time"

	"github.com/expr-lang/expr/ast"

	"mimamori/event"
	"mimamori/internal/calendar"
)

const (
	hour  = int64(time.Hour)
	japan = 9 * hour // ahead of UTC, in every year that has logs
)

// hourCall answers the argument of hour(…), nil for anything else.
func hourCall(n ast.Node) ast.Node {
	call, ok := n.(*ast.CallNode)
	if !ok || len(call.Arguments) != 1 {
		return nil
	}
	if id, ok := call.Callee.(*ast.IdentifierNode); !ok || id.Value != "hour" {
		return nil
	}
	return call.Arguments[0]
}

// hours reads hour(field) op list: a set of the 24.
func (c *checker) hours(at, arg ast.Node, op string, list []ast.Node) (Node, *Error) {
	f, err := c.date(at, arg, "hour")
	if err != nil {
		return nil, err
	}
	h := Hours{Field: f}
	for _, it := range list {
		n, ok := constant(it).(int64)
		if !ok || n < 0 || n > 24 {
			return nil, c.fail(it, mistake{"hour", "hour(@timestamp) >= 22"}, "an hour is a number from 0 to 24")
		}
		for i := range 24 {
			if i := int64(i); op == "==" && i == n || op == "<" && i < n || op == "<=" && i <= n || op == ">" && i > n || op == ">=" && i >= n {
				h.Set |= 1 << i
			}
		}
	}
	return h, nil
}

// date reads the field that a function of time is of.
func (c *checker) date(at, arg ast.Node, name string) (event.Field, *Error) {
	f, _, err := c.field(arg)
	if err == nil && f.Type() != event.Date {
		err = c.fail(at, mistake{"date", name + "(@timestamp)"}, "%s needs a date, %s is of type %s", name, f.Name(), f.Type())
	}
	return f, err
}

// HourOf is the hour of a time in nanoseconds since 1970, in Japan.
func HourOf(ns int64) int {
	off := (ns + japan) % (24 * hour)
	if off < 0 {
		off += 24 * hour
	}
	return int(off / hour)
}

func hoursProgram(n Hours) Program {
	return func(r Reader) bool {
		v, ok := r.Get(n.Field)
		return ok && v.Kind() == event.Date && n.Set>>HourOf(v.Int())&1 == 1
	}
}

func holidayProgram(n Holiday) Program {
	return func(r Reader) bool {
		v, ok := r.Get(n.Field)
		return ok && v.Kind() == event.Date && calendar.Day(time.Unix(0, v.Int())).Off()
	}
}
