package elastic

import (
	"mimamori/event"
	"mimamori/internal/lang"
)

// bound is a condition as the index can be asked for it: every event that
// matches is among most, and every one of least matches. Where both are the
// same, the index knows the answer.
type bound struct{ most, least body }

func exactly(q body) bound { return bound{q, q} }

// within is a condition of which the index only knows where to look.
func within(q body) bound { return bound{q, nothing()} }

func everything() body { return body{"match_all": body{}} }

func nothing() body { return body{"match_none": body{}} }

func constant(is bool) bound {
	if is {
		return exactly(everything())
	}
	return exactly(nothing())
}

func (b bound) not() bound { return bound{none(b.least), none(b.most)} }

func none(q ...body) body { return body{"bool": body{"must_not": q}} }

func all(q ...body) body { return body{"bool": body{"filter": q}} }

func either(q ...body) body {
	if len(q) == 0 {
		return nothing()
	}
	return body{"bool": body{"should": q, "minimum_should_match": 1}}
}

// joined joins bounds by all or either.
func joined(list []bound, by func(...body) body) bound {
	most, least := make([]body, len(list)), make([]body, len(list))
	for i, b := range list {
		most[i], least[i] = b.most, b.least
	}
	return bound{by(most...), by(least...)}
}

func term(field string, value any) body { return body{"term": body{field: body{"value": value}}} }

func exists(field string) body { return body{"exists": body{"field": field}} }

func between(field string, limits body) body { return body{"range": body{field: limits}} }

// odd are the events whose value of a field the index does not have, or not whole.
func odd(f event.Field) body { return term(oddField, f.Name()) }

// path is where the index has a field.
func path(f event.Field) string {
	if f.Known() {
		return f.Name()
	}
	return vendorField + "." + f.Name()
}

// has are the events that have a field in the index.
func has(f event.Field) body {
	if f == atField { // every document has one
		return none(body{"terms": body{oddField: []string{untimed, f.Name()}}})
	}
	return exists(path(f))
}

// translator translates conditions for a product.
type translator struct{ product }

// node translates a condition.
func (x translator) node(n lang.Node) bound {
	switch n := n.(type) {
	case lang.Const:
		return constant(bool(n))
	case lang.Not:
		return x.node(n.Node).not()
	case lang.And:
		return joined(x.nodes(n), all)
	case lang.Or:
		return joined(x.nodes(n), either)
	case lang.Words:
		return joined([]bound{whole(words(originalField, n.Text), originalField), whole(words(messageField, n.Text), messageField)}, either)
	case lang.FieldTest:
		return bound{all(either(has(n.Left), odd(n.Left)), either(has(n.Right), odd(n.Right))), nothing()}
	case *lang.Test:
		return x.test(n)
	case lang.Holiday:
		if n.Field == atField {
			return whole(exactly(term(localField+"off", true)), n.Field)
		}
		return whole(within(has(n.Field)), n.Field)
	}
	return within(everything()) // a node that is newer than this: the programs decide
}

func (x translator) nodes(list []lang.Node) []bound {
	out := make([]bound, len(list))
	for i, n := range list {
		out[i] = x.node(n)
	}
	return out
}

// whole adds the events of which the index does not know.
func whole(b bound, f event.Field) bound { return bound{either(b.most, odd(f)), b.least} }

// test translates one test.
func (x translator) test(t *lang.Test) bound {
	f := t.Field
	if t.Op == lang.Has {
		if f == atField {
			return exactly(none(term(oddField, untimed)))
		}
		return exactly(either(has(f), odd(f)))
	}
	if t.View != lang.Whole {
		return whole(view(t), f)
	}
	var b bound
	switch f.Type() {
	case event.Long, event.Double, event.Boolean, event.Date:
		b = number(t)
	case event.IP:
		b = address(t)
	case event.Text:
		b = line(t)
	default:
		b = x.keyword(t)
	}
	return whole(b, f)
}

// view translates a test of a number in a field.
func view(t *lang.Test) bound {
	if t.Field != atField {
		return within(has(t.Field))
	}
	var parts []bound
	for _, v := range t.Values {
		parts = append(parts, longTest(localField+t.View.String(), t.Op, v))
	}
	return joined(parts, either)
}
