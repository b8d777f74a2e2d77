package sigma

import (
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

// test writes "field|modifiers: values" as a condition.
func (f field) test(m modifiers, values []any) (node, error) {
	switch m.match {
	case "re":
		return f.regexps(m, values)
	case "cidr":
		return f.networks(m, values)
	case "exists":
		return f.exists(m, values)
	case "gt", "gte", "lt", "lte":
		return f.order(m, values)
	}
	return f.texts(m, values)
}

func (f field) combine(m modifiers, parts []node) node {
	if m.all {
		return and(parts)
	}
	return or(parts)
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
	return f.combine(m, out), nil
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
	if m.all {
		return nil, refuse("modifier", "%q: cidr with all", m.key)
	}
	return call("inCIDR", f.ref(), nets), nil
}

func (f field) exists(m modifiers, values []any) (node, error) {
	want, ok := values[0].(bool)
	if s, isText := values[0].(string); isText {
		want, ok = s == "true" || s == "yes", true
	}
	if !ok || len(values) != 1 {
		return nil, refuse("value", "%q: %v", m.key, values)
	}
	if has := raw("has(" + f.ref() + ")"); want {
		return has, nil
	}
	return not{raw("has(" + f.ref() + ")")}, nil
}

func (f field) order(m modifiers, values []any) (node, error) {
	s, _ := scalar(values[0])
	if _, err := strconv.ParseFloat(s, 64); err != nil || len(values) != 1 {
		return nil, refuse("value", "%q: %v", m.key, values)
	}
	if !f.numeric() {
		return nil, refuse("order of text", "%q: %s is kept as text", m.key, f.name)
	}
	return raw(f.ref() + " " + map[string]string{"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}[m.match] + " " + s), nil
}

// texts is the ordinary case: equals, contains, startswith, endswith, with
// wildcards. Values that can be asked together go into one call.
func (f field) texts(m modifiers, values []any) (node, error) {
	var groups []node
	byShape := map[string][]string{}
	var order []string
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
				byShape[shape] = append(byShape[shape], lit)
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
	return f.combine(m, groups), nil
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
