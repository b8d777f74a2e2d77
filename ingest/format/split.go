package format

import (
	"strings"

	"mimamori/event"
)

// setText sets a keyword field unless the text is empty.
func (p *Parser) setText(f event.Field, v string) {
	if v != "" {
		p.x.Set(f, event.String(v))
	}
}

// addTo appends to a list field in memory that the event may keep.
func (p *Parser) addTo(f event.Field, v string) {
	var buf [16]string
	list := buf[:0]
	if old, ok := p.x.Get(f); ok {
		for _, s := range old.List() {
			if s == v {
				return
			}
			list = append(list, s)
		}
	}
	if len(list) < 1000 {
		p.x.Set(f, event.Strings(p.arena.list(append(list, v))))
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

// urlSplitter spreads a URL over url.*. What is no URL (`host:443` of CONNECT, a
// bare path) fills what it can.
func urlSplitter(target string) (func(p *Parser, v string), bool) {
	base, _, _ := strings.Cut(target, ".")
	fs, ok := lookups(base, ".original", ".full", ".scheme", ".domain", ".port", ".path", ".query", ".fragment", ".username", ".extension")
	if !ok {
		return nil, false
	}
	original, full, scheme, domain, port, path, query, fragment, username, extension := fs[0], fs[1], fs[2], fs[3], fs[4], fs[5], fs[6], fs[7], fs[8], fs[9]
	return func(p *Parser, v string) {
		p.x.Set(original, event.String(v))
		rest := v
		if i := strings.Index(v, "://"); i > 0 && i < 16 {
			p.x.Set(full, event.String(v))
			p.x.Set(scheme, event.String(textTransforms["lower"](p, v[:i])))
			rest = v[i+3:]
		} else if strings.HasPrefix(v, "/") {
			rest = v
		}
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		authority := rest[:end]
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			name, _, _ := strings.Cut(authority[:at], ":")
			p.setText(username, name)
			authority = authority[at+1:]
		}
		p.urlHost(authority, domain, port, p.x.Str(scheme))
		rest = rest[end:]
		if i := strings.IndexByte(rest, '#'); i >= 0 {
			p.setText(fragment, rest[i+1:])
			rest = rest[:i]
		}
		if i := strings.IndexByte(rest, '?'); i >= 0 {
			p.setText(query, rest[i+1:])
			rest = rest[:i]
		}
		p.setText(path, rest)
		if dot := strings.LastIndexByte(rest, '.'); dot > strings.LastIndexByte(rest, '/') && len(rest)-dot <= 9 {
			p.setText(extension, rest[dot+1:])
		}
	}, true
}

// urlHost sets a URL's host and port; the port of http and https is known.
func (p *Parser) urlHost(authority string, domain, port event.Field, scheme string) {
	host, portText := cutPort(authority)
	if host == "" || !isName(host) && strings.IndexByte(host, ':') < 0 && host[0] > '9' {
		return
	}
	p.x.Set(domain, event.String(host))
	n, ok := parseLong(portText)
	switch {
	case ok && n > 0 && n < 65536:
		p.x.Set(port, event.Int(n))
	case portText == "" && scheme == "http":
		p.x.Set(port, event.Int(80))
	case portText == "" && scheme == "https":
		p.x.Set(port, event.Int(443))
	}
}

// cutPort splits host:port and [v6]:port; an address without a port stays whole.
func cutPort(s string) (host, port string) {
	if strings.HasPrefix(s, "[") {
		if end := strings.IndexByte(s, ']'); end > 0 {
			return s[1:end], strings.TrimPrefix(s[end+1:], ":")
		}
		return s, ""
	}
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.IndexByte(s[:i], ':') >= 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

// hostportSplitter splits host:port over X.address, X.ip or X.domain, and X.port.
func hostportSplitter(target string) (func(p *Parser, v string), bool) {
	base := strings.TrimSuffix(target, ".address")
	fs, ok := lookups(base, ".address", ".port")
	if !ok {
		return nil, false
	}
	set := addressSetter(fs[0], base)
	return func(p *Parser, v string) {
		host, port := cutPort(v)
		if host != "" {
			set(p, host)
		}
		if n, ok := parseLong(port); ok && n > 0 && n < 65536 {
			p.x.Set(fs[1], event.Int(n))
		}
	}, true
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
			name, domain = v[i+1:], strings.TrimLeft(v[:i], `\`)
		} else if i := strings.LastIndexByte(v, '@'); i > 0 {
			name, domain = v[:i], v[i+1:]
		}
		p.setText(fs[0], name)
		p.setText(fs[1], domain)
	}, true
}

// pathSplitter sets a path and, beside it, what ECS takes from a path: name,
// directory, extension and drive letter for files, the name for processes.
func pathSplitter(target string) (func(p *Parser, v string), bool) {
	dot := strings.LastIndexByte(target, '.')
	if dot < 0 {
		return nil, false
	}
	fs, ok := lookups(target[:dot], target[dot:], ".name")
	if !ok {
		return nil, false
	}
	more, isFile := lookups(target[:dot], ".directory", ".extension", ".drive_letter")
	return func(p *Parser, v string) {
		p.x.Set(fs[0], event.String(v))
		slash := strings.LastIndexAny(v, `\/`)
		name := v[slash+1:]
		p.setText(fs[1], name)
		if !isFile {
			return
		}
		if slash > 0 {
			p.x.Set(more[0], event.String(v[:slash]))
		}
		if i := strings.LastIndexByte(name, '.'); i > 0 && i < len(name)-1 {
			p.x.Set(more[1], event.String(name[i+1:]))
		}
		if len(v) > 2 && v[1] == ':' && isLetter(v[0]) {
			p.x.Set(more[2], event.String(textTransforms["upper"](p, v[:1])))
		}
	}, true
}

// hashSplitter reads SHA1=…,MD5=…,SHA256=…,IMPHASH=… as Sysmon writes it, below
// the target (process, file).
func hashSplitter(target string) (func(p *Parser, v string), bool) {
	fs, ok := lookups(target, ".hash.md5", ".hash.sha1", ".hash.sha256", ".pe.imphash")
	if !ok {
		return nil, false
	}
	return func(p *Parser, v string) {
		for v != "" {
			one := v
			if i := strings.IndexByte(v, ','); i >= 0 {
				one, v = v[:i], v[i+1:]
			} else {
				v = ""
			}
			name, sum, _ := strings.Cut(strings.TrimSpace(one), "=")
			i := -1
			switch name {
			case "MD5":
				i = 0
			case "SHA1":
				i = 1
			case "SHA256":
				i = 2
			case "IMPHASH":
				i = 3
			}
			if i >= 0 && sum != "" && strings.Trim(sum, "0") != "" {
				p.x.Set(fs[i], event.String(textTransforms["lower"](p, sum)))
			}
		}
	}, true
}

// registrySplitter reads HKLM\Software\…\Value over registry.*.
func registrySplitter(target string) (func(p *Parser, v string), bool) {
	fs, ok := lookups("registry", ".path", ".hive", ".key", ".value")
	if !ok || !strings.HasPrefix(target, "registry.") {
		return nil, false
	}
	return func(p *Parser, v string) {
		p.x.Set(fs[0], event.String(v))
		hive, rest, found := strings.Cut(v, `\`)
		if !found {
			return
		}
		p.setText(fs[1], hive)
		p.setText(fs[2], rest)
		if i := strings.LastIndexByte(rest, '\\'); i >= 0 {
			p.setText(fs[3], rest[i+1:])
		}
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
