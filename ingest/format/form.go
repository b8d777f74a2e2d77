package format

import (
	"strings"
	"unicode/utf8"
)

// percent resolves %XX.
func (p *Parser) percent(v string) string { return p.decode(v, false) }

// form resolves %XX and the + that stands for a blank, as forms have them.
func (p *Parser) form(v string) string { return p.decode(v, true) }

// decode resolves %XX, and + if it stands for a blank; a text that would be no
// UTF-8 after that stays as it is.
func (p *Parser) decode(v string, plus bool) string {
	if strings.IndexByte(v, '%') < 0 && !(plus && strings.IndexByte(v, '+') >= 0) {
		return v
	}
	b := p.arena.room(len(v))
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case c == '+' && plus:
			c = ' '
		case c == '%' && i+2 < len(v):
			if n, ok := parseHex(v[i+1 : i+3]); ok {
				c = byte(n)
				i += 2
			}
		}
		b = append(b, c)
	}
	if !utf8.Valid(b) {
		return v
	}
	return p.arena.keep(b)
}
