package sigma

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// detection is the parsed detection section.
type detection struct {
	src        *source
	names      []string // selections, in order
	selections map[string]node
	sizes      map[string]int // of the selections, written out
	written    int            // bytes that the condition has used of them
	conditions []string
	isFilter   bool // its key rules names the rules that it applies to
}

func newDetection(src *source, items yaml.MapSlice, isFilter bool) (*detection, error) {
	d := &detection{src: src, selections: map[string]node{}, sizes: map[string]int{}, isFilter: isFilter}
	for _, it := range items {
		name := fmt.Sprint(it.Key)
		switch name {
		case "condition":
			switch v := it.Value.(type) {
			case string:
				d.conditions = []string{v}
			case []any:
				for _, x := range v {
					d.conditions = append(d.conditions, fmt.Sprint(x))
				}
			}
			continue
		case "timeframe":
			return nil, refuse("aggregation", "the rule has a timeframe")
		case "rules":
			if d.isFilter {
				continue
			}
		}
		n, err := d.selection(it.Value)
		if err != nil {
			return nil, err
		}
		d.names = append(d.names, name)
		d.selections[name], d.sizes[name] = n, len(text(n, 0))
	}
	return d, nil
}

// selection: a mapping is an and of its fields; a list an or of its items.
func (d *detection) selection(v any) (node, error) {
	switch v := v.(type) {
	case yaml.MapSlice:
		var out and
		for _, it := range v {
			n, err := d.item(fmt.Sprint(it.Key), it.Value)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
		return out, nil
	case []any:
		var out or
		for _, x := range v {
			n, err := d.selection(x)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
		return out, nil
	}
	return d.keyword(modifiers{}, v)
}

// keyword searches the whole event: the line, or the message in it.
func (d *detection) keyword(m modifiers, v any) (node, error) {
	s, ok := scalar(v)
	if !ok {
		return nil, refuse("keyword", "%v is no keyword", v)
	}
	places := []field{{name: "event.original"}, {name: "message"}}
	var out or
	if m.match == "re" {
		for _, f := range places {
			n, err := f.regexps(m, []any{s})
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
		return out, nil
	}
	alternatives, err := m.encoded(s)
	if err != nil {
		return nil, err
	}
	for _, p := range alternatives {
		shape, lit := p.star(true, true).shape()
		switch {
		case shape == "any":
			return nil, refuse("keyword", "full text %q", s)
		case shape == "contains" && !m.cased:
			out = append(out, raw("text("+quoted(lit)+")"))
			continue
		}
		for _, f := range places {
			n, err := f.ask(m, shape, []string{lit})
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
	}
	return out, nil
}

// keywords are the values of a key without a field: '|all': […].
func (d *detection) keywords(m modifiers, values []any) (node, error) {
	switch m.match {
	case "", "contains", "re":
	default:
		return nil, refuse("keyword with modifier", "%q", m.key)
	}
	if m.expand || m.part != "" {
		return nil, refuse("keyword with modifier", "%q", m.key)
	}
	var out []node
	for _, v := range values {
		n, err := d.keyword(m, v)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return m.combine(out), nil
}

// scalar returns the text of a value as logs write it.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool, int, int64, uint64:
		return fmt.Sprint(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

// item is one "field|modifiers: values".
func (d *detection) item(key string, value any) (node, error) {
	parts := strings.Split(key, "|")
	values, isList := value.([]any)
	if !isList {
		values = []any{value}
	}
	mods, err := parseModifiers(key, parts[1:])
	if err != nil {
		return nil, err
	}
	if parts[0] == "" {
		return d.keywords(mods, values)
	}
	fields, err := d.src.field(parts[0])
	if err != nil {
		return nil, err
	}
	switch mods.match {
	case "fieldref":
		return d.fieldref(mods, fields, values)
	case "exists":
		return exists(mods, fields, values)
	}
	return anyName(mods, fields, values)
}

// anyName asks all the names of a field: one has the value, or each lacks it.
func anyName(m modifiers, fields []field, values []any) (node, error) {
	rest := slices.DeleteFunc(slices.Clone(values), func(v any) bool { return v == nil })
	var anyOf or
	for _, f := range fields {
		if len(rest) == 0 {
			break
		}
		n, err := f.test(m, rest)
		if err != nil {
			return nil, err
		}
		anyOf = append(anyOf, n)
	}
	if len(rest) < len(values) { // null: no name has a value
		if m.all && len(rest) > 0 {
			return nil, refuse("value", "%q: null and other values, all of them", m.key)
		}
		anyOf = append(anyOf, not{present(fields)})
	}
	if len(anyOf) == 0 {
		return nil, refuse("value", "%q has no values", m.key)
	}
	if m.neq {
		return not{anyOf}, nil
	}
	return anyOf, nil
}

// present is true when one of the names is there.
func present(fields []field) node {
	var out or
	for _, f := range fields {
		out = append(out, raw("has("+f.ref()+")"))
	}
	return out
}

// exists asks whether any name of a field is there.
func exists(m modifiers, fields []field, values []any) (node, error) {
	if len(values) != 1 {
		return nil, refuse("value", "%q: %v", m.key, values)
	}
	want, isBool := values[0].(bool)
	if s, ok := values[0].(string); ok {
		want, isBool = strings.EqualFold(s, "true") || strings.EqualFold(s, "yes"), true
	}
	if !isBool {
		return nil, refuse("value", "%q: %v", m.key, values)
	}
	if want != m.neq {
		return present(fields), nil
	}
	return not{present(fields)}, nil
}

// fieldref compares with another field of the same event, letter case aside.
func (d *detection) fieldref(m modifiers, fields []field, values []any) (node, error) {
	var out []node
	for _, v := range values {
		name, ok := v.(string)
		if !ok {
			return nil, refuse("value", "%q: %v is no field", m.key, v)
		}
		others, err := d.src.field(name)
		if err != nil {
			return nil, err
		}
		var anyOf or
		for i, f := range fields {
			o := others[min(i, len(others)-1)]
			left := f.ref()
			if !m.cased && !f.numeric() && !f.boolean() && !f.date() {
				left = "lower(" + left + ")"
			}
			anyOf = append(anyOf, raw(left+" == "+o.ref()))
		}
		out = append(out, anyOf)
	}
	if m.neq {
		return not{m.combine(out)}, nil
	}
	return m.combine(out), nil
}
