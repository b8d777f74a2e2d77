package format

import (
	"strings"

	"mimamori/event"
)

// cefHeader names the parts of a CEF header behind "CEF:".
var cefHeader = [...]string{"Version", "DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID", "Name", "Severity"}

// cutCEF cuts the Common Event Format (ArcSight, revision 26): seven fields
// between unescaped bars, then an extension of key=value pairs whose values hold
// blanks and end before the last word in front of the next '='. A pair
// cs1Label=Rule renames cs1 to Rule. It answers false when the header is not there.
func (p *Parser) cutCEF(s string) bool {
	c := p.chain(shapeCEF)
	s = strings.TrimPrefix(s, "CEF:")
	for i := range cefHeader {
		end := cefBar(s)
		if end < 0 {
			if i < len(cefHeader)-1 {
				return false
			}
			end = len(s)
		}
		text, k := s[:end], plain
		if strings.IndexByte(text, '\\') >= 0 {
			k = cefText
		}
		c.put(cefHeader[i], strings.TrimSpace(text), k)
		s = s[min(end+1, len(s)):]
	}
	c.cefExtension(s)
	p.cefLabels(c.space)
	return true
}

// cefBar finds the next bar that is not escaped.
func cefBar(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '|':
			return i
		}
	}
	return -1
}

// cefExtension cuts the pairs.
func (c *chain) cefExtension(s string) {
	name, start := "", 0
	emit := func(end int) {
		if name == "" {
			return
		}
		text, k := strings.TrimRight(s[start:end], " \r\n"), plain
		if strings.IndexByte(text, '\\') >= 0 {
			k = cefText
		}
		c.put(name, text, k)
	}
	last := 0 // behind the last '=' seen: no key begins before it
	for i := 0; i < len(s); i++ {
		j := strings.IndexByte(s[i:], '=')
		if j < 0 {
			break
		}
		i += j
		b := i
		for b > last && isKeyByte(s[b-1]) {
			b--
		}
		if b == i || b > 0 && s[b-1] != ' ' && s[b-1] != '\t' && s[b-1] != '\n' || b < last || b == last && last > 0 {
			last = i + 1
			continue // escaped, or part of a value such as a URL
		}
		emit(max(b-1, start))
		name, start, last = s[b:i], i+1, i+1
	}
	emit(len(s))
}

// cefLabels gives custom fields the name that their label holds.
func (p *Parser) cefLabels(space *keyspace) {
	labels := 0
	for _, t := range p.tokens {
		base, ok := strings.CutSuffix(t.key.name, "Label")
		if !ok || base == "" || t.text == "" || len(t.text) > 100 {
			continue
		}
		if c := t.text[0]; '0' <= c && c <= '9' || strings.IndexByte(t.text, ':') >= 0 {
			if _, isIP := event.ParseIP(t.text); isIP {
				continue // SonicWall: a value where the label should be
			}
		}
		if labels++; labels > 64 { // CEF has about 30
			return
		}
		for i := range p.tokens {
			if p.tokens[i].key.name != base {
				continue
			}
			if e := space.find(&space.root, t.key, t.text); e != nil {
				p.tokens[i].key = e
			}
		}
	}
}

// rawBackslashes tells whether a value holds backslashes that nobody escaped, as
// in C:\Windows\notepad.exe: one before a byte that needs no escape.
func rawBackslashes(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '\\' {
			if i++; strings.IndexByte("\\=|nr", s[i]) < 0 {
				return true
			}
		}
	}
	return false
}

// cefUnescape resolves \= \| \\ \n \r.
func (p *Parser) cefUnescape(s string) string {
	b := p.arena.room(len(s))
	raw := rawBackslashes(s)
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) && !(raw && s[i+1] != '=') {
			switch s[i+1] {
			case 'n':
				c, i = '\n', i+1
			case 'r':
				c, i = '\r', i+1
			case '\\', '=', '|':
				c, i = s[i+1], i+1
			}
		}
		b = append(b, c)
	}
	return p.arena.keep(b)
}
