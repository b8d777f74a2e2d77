package sigma

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf16"
)

// modifiers of a field, sorted by what they do.
type modifiers struct {
	key      string
	match    string // contains, startswith, endswith, re, cidr, fieldref, exists, gt, gte, lt, lte; "" for equals
	all      bool
	cased    bool
	neq      bool
	flags    string // of re
	encoding []string
}

func parseModifiers(key string, names []string) (modifiers, error) {
	m := modifiers{key: key}
	for _, n := range names {
		switch n {
		case "contains", "startswith", "endswith", "re", "cidr", "fieldref", "exists", "gt", "gte", "lt", "lte":
			if m.match != "" {
				return m, refuse("modifier", "%q combines %s and %s", key, m.match, n)
			}
			m.match = n
		case "all":
			m.all = true
		case "cased":
			m.cased = true
		case "neq":
			m.neq = true
		case "i", "m", "s", "ignorecase", "multiline", "dotall":
			m.flags += n[:1]
			if n == "ignorecase" {
				m.flags = strings.TrimSuffix(m.flags, "i") + "i"
			} else if n == "dotall" {
				m.flags = strings.TrimSuffix(m.flags, "d") + "s"
			}
		case "windash", "base64", "base64offset", "wide", "utf16", "utf16le", "utf16be":
			m.encoding = append(m.encoding, n)
		case "expand":
			return m, refuse("placeholder", "%q needs a list to expand", key)
		default:
			return m, refuse("modifier", "%q uses the modifier %s", key, n)
		}
	}
	return m, nil
}

// encoded applies the encodings to one value; the result is alternatives.
func (m modifiers) encoded(s string) ([]pattern, error) {
	if len(m.encoding) == 0 {
		return []pattern{parsePattern(s)}, nil
	}
	if slices.Equal(m.encoding, []string{"windash"}) {
		var out []pattern
		for _, v := range windash(s) {
			out = append(out, parsePattern(v))
		}
		return out, nil
	}
	lit, ok := parsePattern(s).plain()
	if !ok {
		return nil, refuse("wildcard in encoded value", "%q: %q", m.key, s)
	}
	data := [][]byte{[]byte(lit)}
	for i, e := range m.encoding {
		last := i == len(m.encoding)-1
		switch {
		case (e == "wide" || e == "utf16le" || e == "utf16be" || e == "utf16") && !last:
			data[0] = wide(string(data[0]), e)
		case e == "base64" && last:
			data[0] = []byte(base64.StdEncoding.EncodeToString(data[0]))
		case e == "base64offset" && last:
			data = offsets(data[0])
		default:
			return nil, refuse("modifier", "%q: %s here", m.key, e)
		}
	}
	out := make([]pattern, len(data))
	for i, d := range data {
		out[i] = pattern{{text: string(d)}}
	}
	return out, nil
}

func wide(s, encoding string) []byte {
	var out []byte
	put := func(u uint16) {
		if encoding == "utf16be" {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	if encoding == "utf16" {
		put(0xfeff)
	}
	for _, u := range utf16.Encode([]rune(s)) {
		put(u)
	}
	return out
}

// offsets gives the three forms that text takes inside base64, without the
// characters that its neighbours decide.
func offsets(data []byte) [][]byte {
	var out [][]byte
	for i, start := range []int{0, 2, 3} {
		enc := base64.StdEncoding.EncodeToString(append(make([]byte, i), data...))
		end := len(enc) - []int{0, 3, 2}[(len(data)+i)%3]
		if start < end {
			out = append(out, []byte(enc[start:end]))
		}
	}
	return out
}

// dashes are what Windows programs take for the dash before an option.
var dashes = []string{"-", "/", "–", "—", "―"}

// windash writes a value with every dash before an option replaced by each
// kind, in all combinations.
func windash(s string) []string {
	out := []string{""}
	word := func(c byte) bool {
		return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
	}
	for i := range len(s) {
		c := s[i]
		option := (c == '-' || c == '/') && (i == 0 || !word(s[i-1])) && i+1 < len(s) && word(s[i+1])
		if !option {
			for j := range out {
				out[j] += string([]byte{c})
			}
			continue
		}
		var next []string
		for _, o := range out {
			for _, d := range dashes {
				next = append(next, o+d)
			}
		}
		out = next
	}
	return out
}
