package format

import "strings"

// envelope says which value of a line is a line of its own.
type envelope struct {
	key      string
	slot     int
	optional bool // the event is whole without it
	app, pid int  // slots of keys that stand for its syslog header, -1 for none
}

// envelope compiles unwrap: key, or key? where lines inside need no format; or
// {text: key, app: key, pid: key}.
func (c *compiler) envelope(n node) (err *Error) {
	u := &c.f.unwrap
	u.app, u.pid = -1, -1
	if !n.isMap() {
		u.key, err = n.text()
	} else {
		err = n.each(func(key string, at, val node) *Error {
			name, err := val.text()
			switch key {
			case "text":
				u.key = name
			case "app":
				u.app = c.slot(name)
			case "pid":
				u.pid = c.slot(name)
			default:
				return at.unknown(key, "text, app, pid")
			}
			return err
		})
	}
	if err == nil && u.key == "" {
		err = n.fail("which key holds the line?")
	}
	u.key, u.optional = strings.CutSuffix(u.key, "?")
	u.slot = c.slot(u.key)
	return err
}

// unwrapped reads the line that stands in a value of a line that f has filled
// in: its format takes it from here, what f has set stays where it sets nothing.
// It answers nil when no format takes the line inside.
func (p *Parser) unwrapped(f *compiled, h *header) *compiled {
	line, ok := p.rawAt(f.unwrap.slot)
	if i := strings.IndexByte(h.body, '{'); !ok && i >= 0 {
		line, ok = p.member(h.body[i:], f.unwrap.key)
	}
	if !ok {
		if !f.unwrap.optional {
			p.fail("required field missing: " + f.unwrap.key)
			p.did("unwrap", node{})
		}
		return nil
	}
	inner := header{pri: -1, body: line}
	named := false
	if u := &f.unwrap; u.app >= 0 {
		inner.app, named = p.rawAt(u.app)
		if u.pid >= 0 {
			inner.proc, _ = p.rawAt(u.pid)
		}
	}
	p.resetTokens()
	p.header, p.broken, p.extra = "", "", p.extra[:0]
	p.nextLine()
	if !named {
		inner = p.cutHeader(line)
	}
	if !inner.timed {
		inner.time, inner.timed = p.claim, p.claim.Clock != NoClock
	}
	if g := p.recognised(&inner); g != nil && !(named && g.generic) {
		p.fill(g, &inner)
		return g
	}
	if !f.unwrap.optional {
		p.setText(p.fields.message, line)
		p.fail("no format")
		p.did("unwrap", node{})
	}
	return nil
}

// member finds a key at the root of a JSON object and answers its text: a
// string's without escapes, anything else as it stands.
func (p *Parser) member(s, name string) (string, bool) {
	c := jsonCutter{p: p, s: s, i: 1}
	for c.i < len(s) {
		switch s[c.i] {
		case '"':
		case ',', ' ', '\t', '\n', '\r':
			c.i++
			continue
		default:
			return "", false
		}
		key, _, _ := c.str()
		c.blank()
		if c.i >= len(s) || s[c.i] != ':' {
			return "", false
		}
		c.i++
		c.blank()
		text, k := c.raw()
		if key == name {
			if k == escaped {
				text = p.unescape(text)
			}
			return text, text != ""
		}
	}
	return "", false
}

// raw passes over a value and answers its text.
func (c *jsonCutter) raw() (string, kind) {
	if c.i < len(c.s) && c.s[c.i] == '"' {
		text, k, _ := c.str()
		return text, k
	}
	start, open := c.i, 0
	for c.i < len(c.s) {
		switch c.s[c.i] {
		case '"':
			c.str()
			continue
		case '{', '[':
			open++
		case '}', ']':
			if open--; open < 0 {
				return c.s[start:c.i], plain
			}
		case ',':
			if open == 0 {
				return c.s[start:c.i], plain
			}
		}
		c.i++
	}
	return c.s[start:], plain
}
