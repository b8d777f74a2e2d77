package format

import (
	"strings"

	"mimamori/event"
)

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
		if i := strings.Index(v, "://"); i > 0 && i < 16 && isScheme(v[:i]) {
			p.x.Set(full, event.String(v))
			p.x.Set(scheme, event.String(p.lower(v[:i])))
			rest = v[i+3:]
		}
		end := 0
		for end < len(rest) && rest[end] != '/' && rest[end] != '?' && rest[end] != '#' {
			end++
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

// isScheme tells whether s is a letter and letters, digits, "+", "-" and "."
// (RFC 3986).
func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
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

// cutPort splits host:port, [v6]:port and v6.port (2001:db8::1.443); an address
// without a port stays whole.
func cutPort(s string) (host, port string) {
	if strings.HasPrefix(s, "[") {
		if end := strings.IndexByte(s, ']'); end > 0 {
			return s[1:end], strings.TrimPrefix(s[end+1:], ":")
		}
		return s, ""
	}
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.IndexByte(s[:i], ':') >= 0 {
		if dot := strings.IndexByte(s, '.'); i >= 0 && dot > i && strings.IndexByte(s[dot+1:], '.') < 0 {
			return s[:dot], s[dot+1:]
		}
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
