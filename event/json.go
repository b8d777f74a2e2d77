package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// AppendJSON appends the event as one JSON object in ECS nesting
// ({"source":{"ip":…}}), keys sorted by name. Where a name is both a leaf and a
// parent, the leaf stays under its full dotted name. Bytes that are no UTF-8
// become U+FFFD; the record keeps the original.
func (e *Event) AppendJSON(dst []byte) []byte {
	return e.AppendJSONFunc(dst, func(Field) bool { return true })
}

// AppendJSONFunc is AppendJSON for the fields that keep accepts.
func (e *Event) AppendJSONFunc(dst []byte, keep func(Field) bool) []byte {
	order := nesting()
	picked := make([]pair, 0, len(e.slots))
	for f, v := range e.All {
		if keep(f) {
			picked = append(picked, pair{order.rank(f), f, v})
		}
	}
	slices.SortFunc(picked, func(a, b pair) int { return int(a.rank) - int(b.rank) })
	dst = append(dst, '{')
	var open []string
	first := true
	for i, p := range picked {
		path := order.path(p.field)
		if i+1 < len(picked) && strings.HasPrefix(order.name(picked[i+1].field), order.name(p.field)+".") || len(path) > 1 && hasLeafParent(picked[:i], order, path) {
			path = []string{order.name(p.field)}
		}
		shared := 0
		for shared < len(open) && shared < len(path)-1 && open[shared] == path[shared] {
			shared++
		}
		for range open[shared:] {
			dst = append(dst, '}')
			first = false
		}
		open = append(open[:0:0], open[:shared]...)
		if !first {
			dst = append(dst, ',')
		}
		for _, k := range path[shared : len(path)-1] {
			dst = append(AppendString(dst, k), ':', '{')
			open = append(open, k)
		}
		dst = append(AppendString(dst, path[len(path)-1]), ':')
		dst = p.value.AppendJSON(dst)
		first = false
	}
	for range open {
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

type pair struct {
	rank  int32
	field Field
	value Value
}

func hasLeafParent(before []pair, o *nestingOrder, path []string) bool {
	prefix := ""
	for _, k := range path[:len(path)-1] {
		prefix += k
		for _, p := range before {
			if o.name(p.field) == prefix {
				return true
			}
		}
		prefix += "."
	}
	return false
}

// nestingOrder caches, for a state of the registry, the order in which nested
// keys come and the split names.
type nestingOrder struct {
	infos []fieldInfo
	ranks []int32
	paths [][]string
}

func (o *nestingOrder) rank(f Field) int32    { return o.ranks[f] }
func (o *nestingOrder) path(f Field) []string { return o.paths[f] }
func (o *nestingOrder) name(f Field) string   { return o.infos[f].name }

var nestingCache struct {
	sync.Mutex
	order *nestingOrder
}

func nesting() *nestingOrder {
	infos := *fields.infos.Load()
	nestingCache.Lock()
	defer nestingCache.Unlock()
	if o := nestingCache.order; o != nil && len(o.infos) >= len(infos) {
		return o
	}
	o := &nestingOrder{infos, make([]int32, len(infos)), make([][]string, len(infos))}
	sorted := make([]Field, len(infos))
	for i, info := range infos {
		sorted[i] = Field(i)
		o.paths[i] = strings.Split(info.name, ".")
	}
	slices.SortFunc(sorted, func(a, b Field) int { return slices.Compare(o.paths[a], o.paths[b]) })
	for r, f := range sorted {
		o.ranks[f] = int32(r)
	}
	nestingCache.order = o
	return o
}

// AppendJSON appends the value as JSON: dates as RFC 3339 in UTC, lists as
// arrays, numbers that JSON lacks (NaN, Inf) as null.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.kind {
	case Keyword, Text, IP:
		return AppendString(dst, v.Str())
	case List:
		dst = append(dst, '[')
		for i, s := range v.List() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendString(dst, s)
		}
		return append(dst, ']')
	case Long:
		return strconv.AppendInt(dst, v.Int(), 10)
	case Double:
		f := v.Float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return append(dst, "null"...)
		}
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	case Boolean:
		return strconv.AppendBool(dst, v.Bool())
	default:
		dst = append(dst, '"')
		dst = time.Unix(0, v.Int()).UTC().AppendFormat(dst, time.RFC3339Nano)
		return append(dst, '"')
	}
}

// AppendString appends s as a JSON string. HTML characters stay as they are.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(append(dst, s[start:i]...), "\uFFFD"...)
			i++
			start = i
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

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
