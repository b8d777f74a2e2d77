package lang

import (
	"time"

	"github.com/expr-lang/expr/ast"

	"mimamori/event"
	"mimamori/internal/calendar"
)

// date reads the field that a function of time is of.
func (c *checker) date(at, arg ast.Node, name string) (event.Field, *Error) {
	f, _, err := c.field(arg)
	if err == nil && f.Type() != event.Date {
		err = c.fail(at, mistake{"date", name + "(@timestamp)"}, "%s needs a date, %s is of type %s", name, f.Name(), f.Type())
	}
	return f, err
}

func holidayProgram(n Holiday) Program {
	return func(r Reader) bool {
		v, ok := r.Get(n.Field)
		return ok && v.Kind() == event.Date && calendar.Day(time.Unix(0, v.Int())).Off()
	}
}
