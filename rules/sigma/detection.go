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
	conditions []string
}

func newDetection(src *source, items yaml.MapSlice) (*detection, error) {
	d := &detection{src: src, selections: map[string]node{}}
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
		}
		n, err := d.selection(it.Value)
		if err != nil {
			return nil, err
		}
		d.names = append(d.names, name)
		d.selections[name] = n
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
	return d.keyword(v)
}

// keyword searches the whole event.
func (d *detection) keyword(v any) (node, error) {
	s, ok := scalar(v)
	if !ok {
		return nil, refuse("keyword", "%v is no keyword", v)
	}
	shape, lit := parsePattern(s).star(true, true).shape()
	switch {
	case shape == "like": // as text does, in the line or the message
		return or{call("ilike", "event.original", []string{lit}), call("ilike", "message", []string{lit})}, nil
	case shape != "contains" || lit == "":
		return nil, refuse("keyword", "full text %q", s)
	}
	return raw("text(" + quoted(lit) + ")"), nil
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
	if parts[0] == "" {
		if len(parts) > 2 || len(parts) == 2 && parts[1] != "all" {
			return nil, refuse("keyword with modifier", "%q", key)
		}
		var out []node
		for _, v := range values {
			n, err := d.keyword(v)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
		if len(parts) == 2 {
			return and(out), nil
		}
		return or(out), nil
	}
	mods, err := parseModifiers(key, parts[1:])
	if err != nil {
		return nil, err
	}
	fields, err := d.src.field(parts[0])
	if err != nil {
		return nil, err
	}
	if mods.match == "fieldref" {
		return d.fieldref(mods, fields, values)
	}
	return aliases(mods, fields, values)
}

// aliases asks all the names of a field: one has the value, or each lacks it.
func aliases(m modifiers, fields []field, values []any) (node, error) {
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
		var absent and
		for _, f := range fields {
			absent = append(absent, not{raw("has(" + f.ref() + ")")})
		}
		if m.all && len(rest) > 0 {
			return nil, refuse("value", "%q: null and other values, all of them", m.key)
		}
		anyOf = append(anyOf, absent)
	}
	if len(anyOf) == 0 {
		return nil, refuse("value", "%q has no values", m.key)
	}
	if m.neq {
		return not{anyOf}, nil
	}
	return anyOf, nil
}

// fieldref compares with another field of the same event, letter case aside.
func (d *detection) fieldref(m modifiers, fields []field, values []any) (node, error) {
	var out []node
	for _, v := range values {
		others, err := d.src.field(fmt.Sprint(v))
		if err != nil {
			return nil, err
		}
		var anyOf or
		for i, f := range fields {
			o := others[min(i, len(others)-1)]
			if m.cased {
				anyOf = append(anyOf, raw(f.ref()+" == "+o.ref()))
			} else {
				anyOf = append(anyOf, raw("lower("+f.ref()+") == "+o.ref()))
			}
		}
		out = append(out, anyOf)
	}
	var n node = or(out)
	if m.all {
		n = and(out)
	}
	if m.neq {
		n = not{n}
	}
	return n, nil
}
