package sigma

import (
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mimamori/event"
)

// field is one name under which the events carry a Sigma field.
type field struct {
	name   string            // in the expression language
	values map[string]string // how this source spells values, by lower-case Sigma value
}

// numeric tells whether the registry holds the field as a number.
func (f field) numeric() bool {
	x, ok := event.Lookup(f.name)
	return ok && (x.Type() == event.Long || x.Type() == event.Double)
}

func (f field) boolean() bool {
	x, ok := event.Lookup(f.name)
	return ok && x.Type() == event.Boolean
}

func (f field) ip() bool {
	x, ok := event.Lookup(f.name)
	return ok && x.Type() == event.IP
}

// ref writes the name; parts that are no identifiers go into brackets.
func (f field) ref() string {
	var b strings.Builder
	for i, p := range strings.Split(f.name, ".") {
		switch {
		case identifier.MatchString(p):
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(p)
		default:
			b.WriteString("[" + strconv.Quote(p) + "]")
		}
	}
	return b.String()
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (f field) date() bool {
	x, ok := event.Lookup(f.name)
	return ok && x.Type() == event.Date
}

// test writes "field|modifiers: values" as a condition.
func (f field) test(m modifiers, values []any) (node, error) {
	switch {
	case m.expand:
		return f.placeholders(m, values)
	case m.match == "re":
		return f.regexps(m, values)
	case m.match == "cidr":
		return f.networks(m, values)
	case m.part != "" || m.match == "gt" || m.match == "gte" || m.match == "lt" || m.match == "lte":
		return f.numbers(m, values)
	}
	return f.texts(m, values)
}

func (f field) regexps(m modifiers, values []any) (node, error) {
	var out []node
	for _, v := range values {
		s, ok := scalar(v)
		if !ok {
			return nil, refuse("value", "%q: %v", m.key, v)
		}
		if flags := strings.ReplaceAll(m.flags, "i", ""); flags != "" {
			s = "(?" + flags + ")" + s
		}
		if _, err := regexp.Compile(s); err != nil {
			return nil, refuse("regular expression", "%q: %v", m.key, err)
		}
		if strings.Contains(m.flags, "i") {
			out = append(out, call("imatches", f.ref(), []string{s}))
			continue
		}
		out = append(out, raw(f.ref()+" matches "+quoted(s)))
	}
	return m.combine(out), nil
}

func (f field) networks(m modifiers, values []any) (node, error) {
	var nets []string
	for _, v := range values {
		s, _ := scalar(v)
		if _, err := netip.ParsePrefix(s); err != nil {
			if _, err := netip.ParseAddr(s); err != nil {
				return nil, refuse("value", "%q: %q is no network", m.key, s)
			}
		}
		nets = append(nets, s)
	}
	if !m.all {
		return call("inCIDR", f.ref(), nets), nil
	}
	var each and
	for _, n := range nets {
		each = append(each, call("inCIDR", f.ref(), []string{n}))
	}
	return each, nil
}

var comparisons = map[string]string{"": "==", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

// numbers compares the field, the number that it is as text, or a part of the
// time that it is.
func (f field) numbers(m modifiers, values []any) (node, error) {
	what := f.ref()
	switch {
	case m.part != "" && f.numeric() || f.boolean() || m.part == "" && f.date():
		return nil, refuse("modifier", "%q: %s is no such value", m.key, f.name)
	case m.part != "":
		what = m.part + "(" + what + ")"
	case !f.numeric():
		what = "number(" + what + ")"
	}
	var out []node
	for _, v := range values {
		s, _ := scalar(v)
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
			return nil, refuse("value", "%q: %v is no number", m.key, v)
		}
		out = append(out, raw(what+" "+comparisons[m.match]+" "+strconv.FormatFloat(n, 'f', -1, 64)))
	}
	return m.combine(out), nil
}

// placeholder is a value that a named list gives.
var placeholder = regexp.MustCompile(`^%([^%]+)%$`)

// placeholders asks named lists. A star in a list's name stands for the rest of
// the field's text around one of its members.
func (f field) placeholders(m modifiers, values []any) (node, error) {
	var out []node
	for _, v := range values {
		s, ok := v.(string)
		list := placeholder.FindStringSubmatch(s)
		switch {
		case !ok || list == nil && strings.Contains(strings.ReplaceAll(s, `\%`, ""), "%"):
			return nil, refuse("placeholder", "%q: %v: a list can't be asked for a part of a text", m.key, v)
		case list == nil:
			m := m
			m.expand = false
			n, err := f.test(m, []any{strings.ReplaceAll(s, `\%`, "%")})
			if err != nil {
				return nil, err
			}
			out = append(out, n)
			continue
		case f.numeric() || f.boolean() || f.date():
			return nil, refuse("placeholder", "%q: %s is no text", m.key, f.name)
		}
		name := list[1]
		if m.match == "contains" || m.match == "endswith" {
			name = "*" + name
		}
		if m.match == "contains" || m.match == "startswith" {
			name += "*"
		}
		out = append(out, call("inList", f.ref(), []string{name}))
	}
	return m.combine(out), nil
}

// maxValues bounds the values of one field.
const maxValues = 5000

// texts is the ordinary case: equals, contains, startswith, endswith, with
// wildcards. Values that can be asked together go into one call.
func (f field) texts(m modifiers, values []any) (node, error) {
	var groups []node
	byShape := map[string][]string{}
	var order []string
	if len(values) > maxValues {
		return nil, refuse("value", "%q has more than %d values", m.key, maxValues)
	}
	for _, v := range values {
		s, ok := scalar(v)
		if !ok {
			return nil, refuse("value", "%q: %v", m.key, v)
		}
		if other, ok := f.values[strings.ToLower(s)]; ok {
			s = other
		}
		alternatives, err := m.encoded(s)
		if err != nil {
			return nil, err
		}
		var each []node
		for _, p := range alternatives {
			shape, lit := p.star(m.match == "contains" || m.match == "endswith", m.match == "contains" || m.match == "startswith").shape()
			if !m.all {
				if byShape[shape] == nil {
					order = append(order, shape)
				}
				if !slices.Contains(byShape[shape], lit) {
					byShape[shape] = append(byShape[shape], lit)
				}
				continue
			}
			n, err := f.ask(m, shape, []string{lit})
			if err != nil {
				return nil, err
			}
			each = append(each, n)
		}
		if m.all {
			groups = append(groups, or(each))
		}
	}
	for _, shape := range order {
		n, err := f.ask(m, shape, byShape[shape])
		if err != nil {
			return nil, err
		}
		groups = append(groups, n)
	}
	return m.combine(groups), nil
}

// ask writes one test of one shape.
func (f field) ask(m modifiers, shape string, lits []string) (node, error) {
	if shape == "any" {
		return raw("has(" + f.ref() + ")"), nil
	}
	if f.numeric() || f.boolean() {
		return f.askNumber(m, shape, lits)
	}
	if f.ip() && shape == "equals" {
		for _, l := range lits {
			if _, ok := event.ParseIP(l); !ok {
				return nil, refuse("value", "%q: %q is no address", m.key, l)
			}
		}
	}
	digits := !slices.ContainsFunc(lits, func(s string) bool { return strings.ToLower(s) != strings.ToUpper(s) })
	if shape == "equals" && (m.cased || digits || f.ip()) {
		if len(lits) == 1 {
			return raw(f.ref() + " == " + quoted(lits[0])), nil
		}
		q := make([]string, len(lits))
		for i, l := range lits {
			q[i] = quoted(l)
		}
		return raw(f.ref() + " in [" + strings.Join(q, ", ") + "]"), nil
	}
	if m.cased {
		if shape == "like" {
			return call("like", f.ref(), lits), nil
		}
		q := make([]string, len(lits))
		for i, l := range lits {
			q[i] = quoted(l)
		}
		return raw(f.ref() + " " + shape + " [" + strings.Join(q, ", ") + "]"), nil
	}
	return call("i"+shape, f.ref(), lits), nil
}

func (f field) askNumber(m modifiers, shape string, lits []string) (node, error) {
	if shape != "equals" && f.name == "http.response.status_code" {
		return f.askStatus(shape, lits), nil
	}
	if shape != "equals" {
		return nil, refuse("text test of a number", "%q: %s is a number", m.key, f.name)
	}
	for _, l := range lits {
		if _, err := strconv.ParseFloat(l, 64); err != nil && !(f.boolean() && (l == "true" || l == "false")) {
			return nil, refuse("value", "%q: %q is no number", m.key, l)
		}
	}
	if len(lits) == 1 {
		return raw(f.ref() + " == " + lits[0]), nil
	}
	return raw(f.ref() + " in [" + strings.Join(lits, ", ") + "]"), nil
}

// askStatus spells out the HTTP status codes that a text test would find.
func (f field) askStatus(shape string, lits []string) node {
	before, after := shape == "contains" || shape == "endsWith", shape == "contains" || shape == "startsWith"
	var codes []string
	for code := range 500 {
		text := strconv.Itoa(100 + code)
		if slices.ContainsFunc(lits, func(lit string) bool { return parsePattern(lit).star(before, after).regexp().MatchString(text) }) {
			codes = append(codes, text)
		}
	}
	return raw(f.ref() + " in [" + strings.Join(codes, ", ") + "]")
}
