package lang

import (
	"net/netip"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"

	"mimamori/event"
)

var textOps = map[string]Op{
	"contains": Contains, "icontains": Contains, "startsWith": StartsWith, "istartsWith": StartsWith,
	"endsWith": EndsWith, "iendsWith": EndsWith, "like": Like, "ilike": Like, "iequals": Eq, "matches": Matches, "imatches": Matches,
}

// call reads the language's functions.
func (c *checker) call(at ast.Node, name string, args []ast.Node) (Node, *Error) {
	if name == "text" && len(args) == 1 {
		s, ok := constant(args[0]).(string)
		if !ok {
			return nil, c.fail(args[0], mistake{code: "constant-text"}, "text needs a constant string")
		}
		return Words{strings.ToLower(s)}, nil
	}
	if name == "holiday" && len(args) == 1 {
		f, err := c.date(at, args[0], name)
		return Holiday{f}, err
	}
	op, isText := textOps[name]
	if !isText && name != "has" && name != "inCIDR" && name != "inList" {
		if c.macros.get(name) != nil {
			return c.macro(at, name, args)
		}
		return nil, c.unknownCall(at, name)
	}
	if len(args) == 0 || name == "has" && len(args) != 1 || name != "has" && len(args) < 2 {
		return nil, c.fail(at, mistake{code: "arguments"}, "%s: wrong number of arguments", name)
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
				return nil, c.fail(it, mistake{code: "constant-text"}, "%s needs constant strings", name)
			}
			words = append(words, s)
		}
	}
	if class(f) != classText {
		return nil, c.fail(args[0], mistake{code: "text-field"}, "%s needs a text field, %s is of type %s", name, f.Name(), f.Type())
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
			return nil, c.fail(at, mistake{"pattern", "the syntax is RE2's: https://github.com/google/re2/wiki/Syntax"}, "%v", err)
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
				return nil, c.fail(at, mistake{"network", `"10.0.0.0/8"`}, "%q is no network", w)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		t.Values = append(t.Values, event.String(p.Masked().String()))
	}
	return t, nil
}
