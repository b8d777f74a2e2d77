package event

import (
	"math"
	"slices"
	"strconv"
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
		if i+1 < len(picked) && within(order.name(picked[i+1].field), order.name(p.field)) || order.hasLeafParent(picked[:i], p.field) {
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
		open = open[:shared]
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

// within tells whether a field lies below another: a.b.c is within a.b.
func within(name, above string) bool {
	return len(name) > len(above) && name[len(above)] == '.' && name[:len(above)] == above
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
