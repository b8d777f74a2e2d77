package format

import (
	"regexp"
	"strings"
)

// cutter cuts a text body into tokens. It answers false when the line is not of
// its form after all. A cutter keeps no state: parsers share it.
type cutter interface {
	// names lists the keys that the cutter emits; it emits by index.
	names() []string
	cut(p *Parser, own []*key, s string) bool
}

const cutKinds = "kv, json, cef, columns, dissect, regex, none"

// cut compiles the cutter.
func (c *compiler) cut(n node) *Error {
	if !n.isMap() {
		kind, err := n.text()
		if err != nil {
			return err
		}
		switch kind {
		case "kv":
			c.f.shape = shapeKV
		case "json":
			c.f.shape = shapeJSON
		case "cef":
			c.f.shape = shapeCEF
		case "none":
			c.f.cut = &nothing{}
		default:
			return n.fail("unknown way to cut %q (known: %s)", kind, cutKinds)
		}
		return nil
	}
	return n.each(func(kind string, at, val node) (err *Error) {
		switch kind {
		case "columns":
			c.f.cut, err = c.columns(val)
		case "dissect":
			c.f.cut, err = c.dissect(val)
		case "regex":
			c.f.cut, err = c.regex(val)
		default:
			return at.unknown(kind, cutKinds)
		}
		return err
	})
}

// nothing leaves the body whole, under the key body.
type nothing struct{}

func (*nothing) names() []string { return []string{"body"} }

func (*nothing) cut(p *Parser, own []*key, s string) bool {
	p.emit(own[0], s, plain)
	return true
}

// pattern is text with keys in it: %{method} for %{user} from %{ip}
type pattern struct {
	head  string // text before the first key
	parts []part
	block *block // what else a match does, or nil
}

// part is a key and the text behind it.
type part struct {
	own    int // index of the key, -1 to pass over
	after  string
	repeat bool // the text behind may stand several times
}

// pattern compiles a dissect pattern; names gathers its keys.
func (c *compiler) pattern(n node, text string, names *[]string) (pattern, *Error) {
	var p pattern
	for i := 0; ; i++ {
		open := strings.Index(text, "%{")
		if open < 0 {
			open = len(text)
		}
		lit := text[:open]
		if i == 0 {
			p.head = lit
		} else {
			p.parts[i-1].after = lit
			if lit == "" && open < len(text) {
				return p, n.fail("two keys need text between them")
			}
		}
		if open == len(text) {
			return p, nil
		}
		end := strings.IndexByte(text[open:], '}')
		if end < 0 {
			return p, n.fail("%%{ without }")
		}
		name := text[open+2 : open+end]
		text = text[open+end+1:]
		name, repeat := strings.CutSuffix(name, "->")
		q := part{own: -1, repeat: repeat}
		if name != "" && name[0] != '?' {
			q.own = ownIndex(names, name)
		}
		p.parts = append(p.parts, q)
	}
}

func ownIndex(names *[]string, name string) int {
	for i, n := range *names {
		if n == name {
			return i
		}
	}
	*names = append(*names, name)
	return len(*names) - 1
}

// match cuts s by the pattern. Tokens are emitted only as the match goes on, so
// a failed match takes its own back.
func (q *pattern) match(p *Parser, own []*key, s string) bool {
	if !strings.HasPrefix(s, q.head) {
		return false
	}
	s = s[len(q.head):]
	n := len(p.tokens)
	for i := range q.parts {
		t := &q.parts[i]
		end := len(s)
		if t.after != "" {
			if end = strings.Index(s, t.after); end < 0 {
				p.tokens = p.tokens[:n]
				return false
			}
		}
		if t.own >= 0 {
			p.emit(own[t.own], s[:end], plain)
		}
		s = s[end+len(t.after):]
		for t.repeat && t.after != "" && strings.HasPrefix(s, t.after) {
			s = s[len(t.after):]
		}
	}
	if len(q.parts) == 0 || q.parts[len(q.parts)-1].after != "" {
		if strings.TrimRight(s, " \r\n") != "" {
			p.tokens = p.tokens[:n]
			return false
		}
	}
	return true
}

// dissector tries patterns in order.
type dissector struct {
	keys     []string
	patterns []pattern
}

func (d *dissector) names() []string { return d.keys }

func (d *dissector) cut(p *Parser, own []*key, s string) bool {
	for i := range d.patterns {
		if q := &d.patterns[i]; q.match(p, own, s) {
			p.extra = q.block
			return true
		}
	}
	return false
}

func (c *compiler) dissect(n node) (cutter, *Error) {
	d := &dissector{}
	for _, it := range n.items() {
		at, text, b, err := c.patternItem(it)
		if err != nil {
			return nil, err
		}
		q, err := c.pattern(at, text, &d.keys)
		if err != nil {
			return nil, err
		}
		q.block = b
		d.patterns = append(d.patterns, q)
	}
	return d, nil
}

// patternItem reads a pattern, or a pattern and what it sets.
func (c *compiler) patternItem(n node) (at node, text string, b *block, err *Error) {
	if !n.isMap() {
		text, err = n.text()
		return n, text, nil, err
	}
	b = &block{}
	at = n
	err = n.each(func(key string, place, val node) (err *Error) {
		if key == "pattern" {
			at = val
			text, err = val.text()
			return err
		}
		known, err := c.blockKey(b, key, val)
		if !known {
			return place.unknown(key, "pattern, "+blockKeys)
		}
		return err
	})
	if err == nil && text == "" {
		err = n.fail("`pattern` is missing")
	}
	return at, text, b, err
}

// matcher tries regular expressions (RE2) in order; named groups are keys.
type matcher struct {
	keys     []string
	patterns []expression
}

type expression struct {
	re    *regexp.Regexp
	own   []int // per group, -1 for those without a name
	block *block
}

func (m *matcher) names() []string { return m.keys }

func (m *matcher) cut(p *Parser, own []*key, s string) bool {
	for i := range m.patterns {
		q := &m.patterns[i]
		at := q.re.FindStringSubmatchIndex(s)
		if at == nil {
			continue
		}
		for g, o := range q.own {
			if o >= 0 && at[2*g] >= 0 {
				p.emit(own[o], s[at[2*g]:at[2*g+1]], plain)
			}
		}
		p.extra = q.block
		return true
	}
	return false
}

func (c *compiler) regex(n node) (cutter, *Error) {
	m := &matcher{}
	for _, it := range n.items() {
		at, text, b, err := c.patternItem(it)
		if err != nil {
			return nil, err
		}
		re, bad := regexp.Compile(text)
		if bad != nil {
			return nil, at.fail("%v (the syntax is RE2's)", bad)
		}
		q := expression{re: re, block: b}
		for _, name := range re.SubexpNames() {
			o := -1
			if name != "" {
				o = ownIndex(&m.keys, name)
			}
			q.own = append(q.own, o)
		}
		m.patterns = append(m.patterns, q)
	}
	return m, nil
}
