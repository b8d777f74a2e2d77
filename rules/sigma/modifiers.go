package sigma

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// modifiers of a field, sorted by what they do.
type modifiers struct {
	key      string
	match    string // contains, startswith, endswith, re, cidr, fieldref, exists, gt, gte, lt, lte; "" for equals
	part     string // minute, hour, day, week, month, year: what of a time is compared
	all      bool
	cased    bool
	neq      bool
	expand   bool
	flags    string // of re
	encoding []string
}

// combine joins the tests of several values.
func (m modifiers) combine(parts []node) node {
	if m.all {
		return and(parts)
	}
	return or(parts)
}

// reFlags are the sub-modifiers of re, as RE2 spells them.
var reFlags = map[string]string{"i": "i", "ignorecase": "i", "m": "m", "multiline": "m", "s": "s", "dotall": "s"}

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
		case "minute", "hour", "day", "week", "month", "year":
			if m.part != "" {
				return m, refuse("modifier", "%q combines %s and %s", key, m.part, n)
			}
			m.part = n
		case "expand":
			m.expand = true
		case "i", "ignorecase", "m", "multiline", "s", "dotall":
			if m.match != "re" {
				return m, refuse("modifier", "%q: %s is for re", key, n)
			}
			m.flags += reFlags[n]
		case "windash", "base64", "base64offset", "wide", "utf16", "utf16le", "utf16be":
			m.encoding = append(m.encoding, n)
		default:
			return m, refuse("modifier", "%q uses the modifier %s", key, n)
		}
	}
	return m, m.check()
}

// check refuses modifiers that say nothing together.
func (m modifiers) check() error {
	plain := m.match == "" || m.match == "contains" || m.match == "startswith" || m.match == "endswith"
	ordered := m.match == "gt" || m.match == "gte" || m.match == "lt" || m.match == "lte"
	switch {
	case m.part != "" && !ordered && m.match != "":
		return refuse("modifier", "%q combines %s and %s", m.key, m.part, m.match)
	case len(m.encoding) > 0 && (!plain || m.part != ""):
		return refuse("modifier", "%q: %s is for texts", m.key, m.encoding[0])
	case m.expand && (len(m.encoding) > 0 || m.part != "" || !plain && m.match != "cidr"):
		return refuse("modifier", "%q: expand here", m.key)
	case m.cased && !plain && m.match != "re" && m.match != "fieldref":
		return refuse("modifier", "%q: cased here", m.key)
	}
	return nil
}

// encoded applies the encodings to one value; the result is alternatives.
func (m modifiers) encoded(s string) ([]pattern, error) {
	if len(m.encoding) == 0 {
		return []pattern{parsePattern(s)}, nil
	}
	encodings := m.encoding
	forms := []string{s}
	if encodings[0] == "windash" {
		if encodings, forms = encodings[1:], windash(s); forms == nil {
			return nil, refuse("modifier", "%q: %q has more dashes than windash can spell out", m.key, s)
		}
	}
	var out []pattern
	for _, form := range forms {
		p := parsePattern(form)
		if len(encodings) == 0 {
			out = append(out, p)
			continue
		}
		lit, ok := p.plain()
		if !ok {
			return nil, refuse("wildcard in encoded value", "%q: %q", m.key, s)
		}
		data, err := m.bytes([]byte(lit), encodings)
		if err != nil {
			return nil, err
		}
		for _, d := range data {
			out = append(out, pattern{{text: string(d)}})
		}
	}
	return out, nil
}

// bytes applies encodings in their order; only base64offset, which must be the
// last, gives more than one.
func (m modifiers) bytes(data []byte, encodings []string) ([][]byte, error) {
	for i, e := range encodings {
		switch last := i == len(encodings)-1; {
		case e == "base64":
			data = []byte(base64.StdEncoding.EncodeToString(data))
		case e == "base64offset" && last:
			return offsets(data), nil
		case strings.HasPrefix(e, "utf16") || e == "wide":
			if data = wide(string(data), e); last && !utf8.Valid(data) {
				return nil, refuse("modifier", "%q: what %s gives is no text", m.key, e)
			}
		default:
			return nil, refuse("modifier", "%q: %s here", m.key, e)
		}
	}
	return [][]byte{data}, nil
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

// What windash makes of one value is bounded: of four options, and so long.
const (
	maxForms = 625
	maxDash  = 1000
)

// windash writes a value with every dash before an option replaced by each
// kind, in all combinations; nothing when those are too many.
func windash(s string) []string {
	if len(s) > maxDash {
		return nil
	}
	word := func(c byte) bool {
		return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
	}
	out := []string{""}
	for i, n := 0, 0; i < len(s); i += n {
		dash := slices.IndexFunc(dashes, func(d string) bool { return strings.HasPrefix(s[i:], d) })
		n = 1
		if dash >= 0 {
			n = len(dashes[dash])
		}
		kinds := dashes
		if dash < 0 || i > 0 && word(s[i-1]) || i+n >= len(s) || !word(s[i+n]) {
			kinds = []string{s[i : i+n]}
		}
		if len(out)*len(kinds) > maxForms {
			return nil
		}
		next := make([]string, 0, len(out)*len(kinds))
		for _, o := range out {
			for _, k := range kinds {
				next = append(next, o+k)
			}
		}
		out = next
	}
	return out
}
