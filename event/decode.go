package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Decode sets fields from a JSON object, nested or with dotted keys, as rule
// tests and stored rows write it. An unknown name is interned. It returns an
// error that names the field when a value does not fit the field's type.
func (x *Builder) Decode(data []byte) error {
	var obj map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&obj); err != nil {
		return fmt.Errorf("event: %w", err)
	}
	return x.SetMap(obj)
}

// SetMap sets fields from nested maps such as YAML or JSON decoders give.
// Numbers may be any Go number or json.Number.
func (x *Builder) SetMap(obj map[string]any) error { return x.setMap("", obj) }

func (x *Builder) setMap(prefix string, obj map[string]any) error {
	for k, v := range obj {
		name := prefix + k
		if v == nil {
			continue
		}
		if sub, ok := v.(map[string]any); ok {
			if err := x.setMap(name+".", sub); err != nil {
				return err
			}
			continue
		}
		f, ok := Intern(name)
		if !ok {
			return fmt.Errorf("event: field %q: no valid name, or more than %d fields", name, MaxFields)
		}
		val, err := Convert(f.Type(), v)
		if err != nil {
			return fmt.Errorf("event: field %s: %w", name, err)
		}
		x.Set(f, val)
	}
	return nil
}

// Convert turns a decoded Go value into a Value of the given type. Dates are
// RFC 3339 text or integers in nanoseconds.
func Convert(t Type, v any) (Value, error) {
	switch t {
	case List:
		items, ok := v.([]any)
		if !ok {
			items = []any{v}
		}
		list := make([]string, len(items))
		for i, it := range items {
			list[i] = plainText(it)
		}
		return Strings(list), nil
	case Keyword, Text:
		if items, ok := v.([]any); ok {
			list := make([]string, len(items))
			for i, it := range items {
				list[i] = plainText(it)
			}
			return Strings(list), nil
		}
		s := String(plainText(v))
		s.kind = t
		return s, nil
	}
	val, ok := ParseAs(t, plainText(v))
	if !ok {
		return Value{}, fmt.Errorf("%q is no %s", plainText(v), t)
	}
	return val, nil
}

func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}

// ParseAs reads text as a value of the given type; false when it does not fit.
func ParseAs(t Type, s string) (Value, bool) {
	switch t {
	case Keyword:
		return String(s), true
	case Text:
		v := String(s)
		v.kind = Text
		return v, true
	case List:
		return Strings([]string{s}), true
	case Long:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			f, ferr := strconv.ParseFloat(s, 64)
			if ferr != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
				return Value{}, false
			}
			n = int64(f)
		}
		return Int(n), true
	case Double:
		f, err := strconv.ParseFloat(s, 64)
		return Float(f), err == nil
	case Boolean:
		switch strings.ToLower(s) {
		case "true", "1", "yes":
			return Bool(true), true
		case "false", "0", "no":
			return Bool(false), true
		}
		return Value{}, false
	case IP:
		return ParseIP(s)
	default:
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			n, nerr := strconv.ParseInt(s, 10, 64)
			return Time(n), nerr == nil
		}
		return Time(at.UnixNano()), true
	}
}
