package format

import (
	"slices"
	"strings"

	"mimamori/event"
)

// setText sets a keyword field unless the text is empty.
func (p *Parser) setText(f event.Field, v string) {
	if v != "" {
		p.x.Set(f, event.String(v))
	}
}

// maxList bounds a list that is gathered from a line; what is beyond is counted.
const maxList = 1000

// addTo appends to a list field in memory that the event may keep.
func (p *Parser) addTo(f event.Field, v string) {
	old, ok := p.x.Get(f)
	if !ok {
		p.x.Set(f, event.Strings(p.arena.list([]string{v})))
		return
	}
	list := old.List()
	if len(list) >= maxList {
		p.dropped++
		return
	}
	if !slices.Contains(list, v) {
		p.x.Set(f, event.Strings(p.arena.longer(list, v)))
	}
}

// mapBytes flips the given bit of the bytes from lo to hi, copying only where
// there is such a byte.
func (p *Parser) mapBytes(v string, lo, hi, bit byte) string {
	i := 0
	for i < len(v) && (v[i] < lo || v[i] > hi) {
		i++
	}
	if i == len(v) {
		return v
	}
	b := append(p.arena.room(len(v)), v...)
	for ; i < len(b); i++ {
		if lo <= b[i] && b[i] <= hi {
			b[i] ^= bit
		}
	}
	return p.arena.keep(b)
}

func (p *Parser) lower(v string) string { return p.mapBytes(v, 'A', 'Z', 0x20) }
func (p *Parser) upper(v string) string { return p.mapBytes(v, 'a', 'z', 0x20) }

// mac spells a MAC address as ECS wants it: upper case, hyphens (RFC 7042).
func (p *Parser) mac(v string) string {
	n := 0
	b := p.arena.room(24)
	for i := range len(v) {
		c := v[i]
		switch {
		case c == ':' || c == '-' || c == '.':
			continue
		case 'a' <= c && c <= 'f':
			c -= 0x20
		case '0' <= c && c <= '9' || 'A' <= c && c <= 'F':
		default:
			return v
		}
		if n == 16 {
			return v
		}
		if n > 0 && n%2 == 0 {
			b = append(b, '-')
		}
		b = append(b, c)
		n++
	}
	if n != 12 && n != 16 {
		return v
	}
	return p.arena.keep(b)
}

// labels spells (3)www(7)example(2)jp(0), as Windows' DNS server writes names.
func (p *Parser) labels(v string) string {
	if !strings.HasPrefix(v, "(") {
		return v
	}
	b := p.arena.room(len(v))
	for v != "" {
		size, rest, ok := strings.Cut(strings.TrimPrefix(v, "("), ")")
		if _, isNumber := parseLong(size); !ok || !isNumber {
			break
		}
		end := strings.IndexByte(rest, '(')
		if end < 0 {
			end = len(rest)
		}
		if end > 0 && len(b) > 0 {
			b = append(b, '.')
		}
		b = append(b, rest[:end]...)
		v = rest[end:]
	}
	return p.arena.keep(b)
}

// lookups finds the fields base.name for several names; false when one is
// missing.
func lookups(base string, names ...string) ([]event.Field, bool) {
	out := make([]event.Field, len(names))
	for i, n := range names {
		f, ok := event.Lookup(base + n)
		if !ok {
			return nil, false
		}
		out[i] = f
	}
	return out, true
}

// accountSplitter splits DOMAIN\user and user@domain over X.name and X.domain.
func accountSplitter(target string) (func(p *Parser, v string), bool) {
	fs, ok := lookups(strings.TrimSuffix(target, ".name"), ".name", ".domain")
	if !ok || !strings.HasSuffix(target, ".name") {
		return nil, false
	}
	return func(p *Parser, v string) {
		name, domain := v, ""
		if i := strings.LastIndexByte(v, '\\'); i >= 0 {
			name, domain = v[i+1:], strings.Trim(v[:i], `\`)
		} else if i := strings.LastIndexByte(v, '@'); i > 0 {
			name, domain = v[:i], v[i+1:]
		}
		p.setText(fs[0], name)
		p.setText(fs[1], domain)
	}, true
}

// addressesSplitter gathers the addresses in a text such as Sysmon's
// "type:  5 cdn.example.jp;::ffff:192.0.2.7;" into a list.
func addressesSplitter(target string) (func(p *Parser, v string), bool) {
	f, ok := event.Lookup(target)
	if !ok || f.Type() != event.List {
		return nil, false
	}
	return func(p *Parser, v string) {
		for one := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			if a, ok := event.ParseIP(one); ok {
				p.addTo(f, a.Str())
			}
		}
	}, true
}
