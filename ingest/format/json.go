package format

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// view makes a string of bytes that are not written any more.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

const (
	maxDepth  = 24   // objects deeper than this stay as text
	maxTokens = 4096 // pairs of one line; more are counted and left in the line
)

// jsonCutter walks an object once and emits a token per leaf, without a tree.
type jsonCutter struct {
	p     *Parser
	space *keyspace
	s     string
	i     int
	slash int // where the next backslash stands, once it was looked for: len(s) for none
}

// cutJSON cuts a line that is a JSON object. It answers "" or why the text is no
// complete JSON; the tokens up to there stand.
func (p *Parser) cutJSON(s string) string {
	c := jsonCutter{p: p, space: &p.spaces[shapeJSON], s: s}
	if !c.object(c.space.start(), 0) {
		return "JSON is broken or cut off at byte " + strconv.Itoa(min(c.i, len(s)))
	}
	return ""
}

func (c *jsonCutter) blank() {
	for c.i < len(c.s) && (c.s[c.i] == ' ' || c.s[c.i] == '\n' || c.s[c.i] == '\t' || c.s[c.i] == '\r') {
		c.i++
	}
}

// object reads from '{' to behind '}'.
func (c *jsonCutter) object(o *object, depth int) bool {
	c.i++
	keys := chain{c.p, c.space, o, &o.first}
	for {
		c.blank()
		if c.i >= len(c.s) {
			return false
		}
		switch c.s[c.i] {
		case '}':
			c.i++
			return true
		case ',':
			c.i++
			continue
		case '"':
		default:
			return false
		}
		name, k, ok := c.str()
		if !ok {
			return false
		}
		if k == escaped {
			name = c.p.unescape(name)
		}
		c.blank()
		if c.i >= len(c.s) || c.s[c.i] != ':' {
			return false
		}
		c.i++
		if !c.value(keys.key(name), depth) {
			return false
		}
	}
}

// str reads a string from its quote to behind its end.
func (c *jsonCutter) str() (string, kind, bool) {
	s, i := c.s, c.i+1
	j := strings.IndexByte(s[i:], '"')
	if j < 0 {
		c.i = len(s)
		return "", plain, false
	}
	if c.slash < i { // looked for once for all strings up to it
		if c.slash = strings.IndexByte(s[i:], '\\') + i; c.slash < i {
			c.slash = len(s)
		}
	}
	if c.slash > i+j {
		c.i = i + j + 1
		return s[i : i+j], plain, true
	}
	j = c.slash
	for j < len(s) {
		switch s[j] {
		case '\\':
			j += 2
		case '"':
			c.i = j + 1
			return s[i:j], escaped, true
		default:
			j++
		}
	}
	c.i = len(s)
	return "", plain, false
}

// value reads a value and emits its tokens; e is nil when the key space is full.
func (c *jsonCutter) value(e *key, depth int) bool {
	c.blank()
	if c.i >= len(c.s) {
		return false
	}
	switch c.s[c.i] {
	case '"':
		text, k, ok := c.str()
		if ok {
			c.p.emit(e, text, k)
		}
		return ok
	case '{':
		if e == nil || depth >= maxDepth {
			return c.whole(e, objectText)
		}
		if e.mark >= 0 {
			c.p.mark(e)
		}
		return c.object(e.inside(), depth+1)
	case '[':
		return c.list(e, depth)
	}
	start := c.i
	for c.i < len(c.s) && c.s[c.i] != ',' && c.s[c.i] != '}' && c.s[c.i] != ']' && c.s[c.i] > ' ' {
		c.i++
	}
	text := c.s[start:c.i]
	if text == "" || c.i >= len(c.s) {
		return false
	}
	if text != "null" {
		c.p.emit(e, text, plain)
	}
	return true
}

// list emits an array as one token, or, where a format names keys inside it,
// walks its objects.
func (c *jsonCutter) list(e *key, depth int) bool {
	f := c.p.walker
	if e == nil || f == nil || !f.walk[e.path] || depth >= maxDepth {
		return c.whole(e, array)
	}
	if n := f.named[e.path]; n != nil {
		return c.namedList(e, n, depth)
	}
	c.i++
	for {
		c.blank()
		if c.i >= len(c.s) {
			return false
		}
		switch c.s[c.i] {
		case ']':
			c.i++
			return true
		case ',':
			c.i++
			continue
		}
		if !c.value(e, depth+1) {
			return false
		}
	}
}

// whole passes over a nested value, however deep, and emits its text.
func (c *jsonCutter) whole(e *key, k kind) bool {
	start, open := c.i, 0
	for c.i < len(c.s) {
		switch c.s[c.i] {
		case '"':
			c.str() // one that never ends goes to the end of the line
			continue
		case '{', '[':
			open++
		case '}', ']':
			if open--; open == 0 {
				c.i++
				c.p.emit(e, c.s[start:c.i], k)
				return true
			}
		}
		c.i++
	}
	if k == array {
		c.p.emit(e, c.s[start:], k)
	}
	return false
}

// unescape resolves the escapes of a JSON string.
func (p *Parser) unescape(s string) string {
	b := p.arena.room(len(s) + 4)
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 || i+1 >= len(s) {
			b = append(b, s...)
			return p.arena.keep(b)
		}
		b = append(b, s[:i]...)
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case 'n':
			b = append(b, '\n')
		case 't':
			b = append(b, '\t')
		case 'r':
			b = append(b, '\r')
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'u':
			r, n := hex4(s)
			s = s[n:]
			if utf16.IsSurrogate(r) && len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
				low, _ := hex4(s[2:])
				if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
					r, s = full, s[6:]
				}
			}
			b = utf8.AppendRune(b, r)
		default:
			b = append(b, c)
		}
	}
}

// hex4 reads the digits of \uXXXX and answers how many bytes they took.
func hex4(s string) (rune, int) {
	if len(s) < 4 {
		return utf8.RuneError, len(s)
	}
	n, err := strconv.ParseUint(s[:4], 16, 32)
	if err != nil {
		return utf8.RuneError, 0
	}
	return rune(n), 4
}

// elements calls do for each scalar of a JSON array's text, unescaped. It
// answers false when the array holds objects or arrays.
func (p *Parser) elements(text string, do func(string)) bool {
	c := jsonCutter{p: p, s: text, i: 1}
	for {
		c.blank()
		if c.i >= len(text) || text[c.i] == ']' {
			return true
		}
		switch text[c.i] {
		case ',':
			c.i++
		case '{', '[':
			return false
		case '"':
			s, k, ok := c.str()
			if !ok {
				return true
			}
			if k == escaped {
				s = p.unescape(s)
			}
			do(s)
		default:
			start := c.i
			for c.i < len(text) && text[c.i] != ',' && text[c.i] != ']' && text[c.i] > ' ' {
				c.i++
			}
			if c.i == start {
				c.i++
				continue
			}
			if s := text[start:c.i]; s != "null" {
				do(s)
			}
		}
	}
}
