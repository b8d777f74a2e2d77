package event

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"
	"unsafe"
)

// Value is one slot of an event: 24 bytes, no allocation of its own. Strings
// are views into memory that the batch owns (the unpacked frame, or constants
// of a format); whoever keeps a Value beyond the batch clones it.
type Value struct {
	ptr  unsafe.Pointer // string data or first list element
	num  uint64         // length, number, or time
	kind Type
}

// String makes a keyword value.
func String(s string) Value {
	return Value{unsafe.Pointer(unsafe.StringData(s)), uint64(len(s)), Keyword}
}

// Strings makes a list value. The list is kept, not copied.
func Strings(list []string) Value {
	return Value{unsafe.Pointer(unsafe.SliceData(list)), uint64(len(list)), List}
}

// Int makes a long value.
func Int(n int64) Value { return Value{num: uint64(n), kind: Long} }

// Float makes a double value.
func Float(f float64) Value { return Value{num: math.Float64bits(f), kind: Double} }

// Bool makes a boolean value.
func Bool(b bool) Value {
	if b {
		return Value{num: 1, kind: Boolean}
	}
	return Value{kind: Boolean}
}

// Time makes a date value from nanoseconds since the epoch.
func Time(ns int64) Value { return Value{num: uint64(ns), kind: Date} }

// Addr makes an ip value from canonical text. The text is not checked; use
// ParseIP for outside input.
func Addr(s string) Value { return Value{unsafe.Pointer(unsafe.StringData(s)), uint64(len(s)), IP} }

// ParseIP makes an ip value from text, in canonical spelling; false when the
// text is no address. IPv4 inside IPv6 (::ffff:192.0.2.1) becomes IPv4, and a
// zone (%eth0) is dropped.
func ParseIP(s string) (Value, bool) {
	if plainIPv4(s) {
		return Addr(s), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return Value{}, false
	}
	c := a.Unmap().WithZone("").String()
	if c == s {
		c = s
	}
	return Addr(c), true
}

// plainIPv4 is the fast path for what nearly every address on the way is:
// four canonical decimal octets, which are their own canonical spelling.
func plainIPv4(s string) bool {
	if len(s) < 7 || len(s) > 15 {
		return false
	}
	dots, n, digits := 0, 0, 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '.':
			if digits == 0 {
				return false
			}
			dots++
			n, digits = 0, 0
		case '0' <= c && c <= '9':
			if digits > 0 && n == 0 {
				return false // leading zero
			}
			n, digits = n*10+int(c-'0'), digits+1
			if n > 255 {
				return false
			}
		default:
			return false
		}
	}
	return dots == 3 && digits > 0
}

// Kind returns the type of what the value holds.
func (v Value) Kind() Type { return v.kind }

// Str returns the text of a keyword, text or ip value, and "" for others.
func (v Value) Str() string {
	if v.kind == Keyword || v.kind == IP || v.kind == Text {
		return unsafe.String((*byte)(v.ptr), int(v.num))
	}
	return ""
}

// List returns the elements of a list value; a single string counts as a list
// of one. The result is shared: do not change it.
func (v Value) List() []string {
	switch v.kind {
	case List:
		return unsafe.Slice((*string)(v.ptr), int(v.num))
	case Keyword, Text, IP:
		return []string{v.Str()}
	}
	return nil
}

// Int returns the number of a long, date or boolean value, and 0 for others.
func (v Value) Int() int64 {
	switch v.kind {
	case Long, Date, Boolean:
		return int64(v.num)
	case Double:
		return int64(math.Float64frombits(v.num))
	}
	return 0
}

// Float returns a long or double value as a float, and 0 for others.
func (v Value) Float() float64 {
	switch v.kind {
	case Double:
		return math.Float64frombits(v.num)
	case Long, Date, Boolean:
		return float64(int64(v.num))
	}
	return 0
}

// Bool returns a boolean value.
func (v Value) Bool() bool { return v.kind == Boolean && v.num == 1 }

// IP returns the address of an ip value; the zero Addr when it is none.
func (v Value) IP() netip.Addr {
	a, err := netip.ParseAddr(v.Str())
	if err != nil {
		return netip.Addr{}
	}
	return a
}

// Text returns the value as a person would read it: numbers in decimal, dates
// in RFC 3339 with nanoseconds (UTC), lists joined by ", ".
func (v Value) Text() string {
	switch v.kind {
	case Keyword, Text, IP:
		return v.Str()
	case List:
		l := v.List()
		if len(l) == 1 {
			return l[0]
		}
		var b []byte
		for i, s := range l {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(b, s...)
		}
		return string(b)
	case Long:
		return strconv.FormatInt(v.Int(), 10)
	case Double:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case Boolean:
		return strconv.FormatBool(v.Bool())
	default:
		return time.Unix(0, v.Int()).UTC().Format(time.RFC3339Nano)
	}
}

// Equal tells whether two values are of one kind and hold the same.
func (v Value) Equal(w Value) bool {
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case Keyword, Text, IP:
		return v.Str() == w.Str()
	case List:
		return slices.Equal(v.List(), w.List())
	}
	return v.num == w.num
}

// Clone copies the text that the value points to, so that it outlives its batch.
func (v Value) Clone() Value {
	switch v.kind {
	case Keyword, Text, IP:
		c := String(string([]byte(v.Str())))
		c.kind = v.kind
		return c
	case List:
		l := make([]string, len(v.List()))
		for i, s := range v.List() {
			l[i] = string([]byte(s))
		}
		return Strings(l)
	}
	return v
}
