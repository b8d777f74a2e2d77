package elastic

import (
	"math"
	"sort"
	"time"

	"mimamori/event"
	"mimamori/internal/lang"
)

// number translates a test of a number, a date or a truth value.
func number(t *lang.Test) bound {
	f, parts := t.Field, []bound{}
	if f.Type() == event.Boolean {
		program := (&lang.Expr{Root: t}).Compile(nil)
		for _, is := range []bool{false, true} {
			if program(&one{f, event.Bool(is)}) {
				parts = append(parts, exactly(term(path(f), is)))
			}
		}
		return joined(parts, either)
	}
	for _, v := range t.Values {
		switch f.Type() {
		case event.Date:
			parts = append(parts, dateTest(f, t.Op, v.Int()))
		case event.Double:
			parts = append(parts, exactly(between(path(f), limits(t.Op, v.Float()))))
		default:
			parts = append(parts, longTest(path(f), t.Op, v))
		}
	}
	return joined(parts, either)
}

// one is an event of one field.
type one struct {
	field event.Field
	value event.Value
}

func (x *one) Get(f event.Field) (event.Value, bool) { return x.value, f == x.field }

func limits(op lang.Op, v any) body {
	switch op {
	case lang.Lt:
		return body{"lt": v}
	case lang.Le:
		return body{"lte": v}
	case lang.Gt:
		return body{"gt": v}
	case lang.Ge:
		return body{"gte": v}
	}
	return body{"gte": v, "lte": v}
}

// longTest compares a whole number. With a fraction the language compares both
// as floating point, where several whole numbers can be the same.
func longTest(field string, op lang.Op, v event.Value) bound {
	if v.Kind() != event.Double {
		return exactly(between(field, limits(op, v.Int())))
	}
	x := v.Float()
	// atLeast is the first whole number n for which fits(n), false for none.
	atLeast := func(fits func(n int64) bool) (int64, bool) {
		n := sort.Search(math.MaxInt64, func(i int) bool { return fits(int64(i)) })
		if n == 0 { // it may be a negative one: from the most negative up
			m := sort.Search(math.MaxInt64, func(i int) bool { return fits(math.MinInt64 + int64(i)) })
			if n := math.MinInt64 + int64(m); fits(n) {
				return n, true
			}
			return 0, true
		}
		return int64(n), n < math.MaxInt64 || fits(math.MaxInt64)
	}
	first, some := atLeast(func(n int64) bool { return float64(n) >= x })
	after, more := atLeast(func(n int64) bool { return float64(n) > x })
	parts := body{}
	if op == lang.Eq || op == lang.Ge {
		parts["gte"] = first
	}
	if op == lang.Gt {
		parts["gte"], some = after, more
	}
	switch {
	case op == lang.Lt && !some, op == lang.Le && !more:
		return exactly(between(field, body{"gte": int64(math.MinInt64)}))
	case op == lang.Lt:
		return exactly(between(field, body{"lt": first}))
	case op == lang.Le:
		return exactly(between(field, body{"lt": after}))
	case !some:
		return constant(false)
	case op == lang.Eq && more:
		parts["lt"] = after
	}
	return exactly(between(field, parts))
}

// dateTest compares a date. The index has those since 1970.
func dateTest(f event.Field, op lang.Op, ns int64) bound {
	if ns < 0 {
		if op == lang.Gt || op == lang.Ge {
			return exactly(has(f))
		}
		return constant(false)
	}
	b := between(path(f), limits(op, nanos(ns)))
	if f == atField {
		b = all(has(f), b) // what stands in the place of a missing time is none
	}
	return exactly(b)
}

// nanos writes a time with every digit, so that nothing is rounded.
func nanos(ns int64) string {
	return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000000Z")
}
