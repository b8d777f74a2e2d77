package enrich

import (
	"bytes"
	"strconv"
	"strings"

	"mimamori/event"
)

var (
	fURLScheme   = event.MustLookup("url.scheme")
	fURLPort     = event.MustLookup("url.port")
	fURLPath     = event.MustLookup("url.path")
	fURLQuery    = event.MustLookup("url.query")
	fURLFragment = event.MustLookup("url.fragment")
)

// maxURL is the longest URL that is cut, in bytes.
const maxURL = 16 << 10

// cutURL is a URL in pieces, each a part of the text.
type cutURL struct{ scheme, host, port, path, query, fragment string }

// cut cuts an absolute URL; false when it names no host. User and password are
// left out.
func cut(s string) (u cutURL, ok bool) {
	i := strings.Index(s, "://")
	if i <= 0 || i > 16 || len(s) > maxURL {
		return u, false
	}
	u.scheme, s = s[:i], s[i+3:]
	return u, u.rest(s)
}

// rest cuts what follows the scheme.
func (u *cutURL) rest(s string) bool {
	s, u.fragment, _ = strings.Cut(s, "#")
	s, u.query, _ = strings.Cut(s, "?")
	u.host = s
	if i := strings.IndexByte(s, '/'); i >= 0 {
		u.host, u.path = s[:i], s[i:]
	}
	u.host = u.host[strings.LastIndexByte(u.host, '@')+1:]
	if i := strings.LastIndexByte(u.host, ':'); i > strings.LastIndexByte(u.host, ']') {
		u.host, u.port = u.host[:i], u.host[i+1:]
	}
	return u.host != "" && (isDomain(strings.TrimSuffix(u.host, ".")) || looksLikeIP(u.host))
}

// looksLikeIP tells whether a host of a URL is written as an address.
func looksLikeIP(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '.' && c != ':' && c != '[' && c != ']' && !isHex(c) {
			return false
		}
	}
	return true
}

// urlParts fills url.* where a format left a URL whole.
func (s *Session) urlParts() {
	x := s.x
	if _, ok := x.Get(fURLDomain); ok {
		return
	}
	text := x.Str(fURLFull)
	if text == "" {
		text = x.Str(fURLOrig)
	}
	if text == "" {
		return
	}
	u, ok := cut(text)
	if !ok {
		return
	}
	add(x, fURLFull, event.String(text))
	addText(x, fURLScheme, strings.ToLower(u.scheme))
	addText(x, fURLDomain, strings.Trim(u.host, "[]"))
	addText(x, fURLPath, u.path)
	addText(x, fURLQuery, u.query)
	addText(x, fURLFragment, u.fragment)
	if n, err := strconv.ParseUint(u.port, 10, 16); err == nil && n > 0 {
		add(x, fURLPort, event.Int(int64(n)))
	}
}

// appendURL appends a URL as lists of indicators are searched for it: without
// scheme, user, fragment and the scheme's own port, the host in small letters,
// without a slash that is the whole path.
func appendURL(dst []byte, s string) ([]byte, bool) {
	u, ok := cut(s)
	if !ok {
		u = cutURL{}
		if strings.Contains(s, "://") || !u.rest(s) {
			return dst, false
		}
	}
	dst = appendLower(dst, strings.Trim(strings.TrimSuffix(u.host, "."), "[]"))
	if u.port != "" && u.port != "80" && u.port != "443" {
		dst = append(append(dst, ':'), u.port...)
	}
	dst = append(dst, u.path...)
	if u.query != "" {
		dst = append(append(dst, '?'), u.query...)
	}
	return trimURL(dst), true
}

// trimURL takes off a slash that is the whole path.
func trimURL(b []byte) []byte {
	if i := bytes.IndexByte(b, '/'); i == len(b)-1 && i > 0 {
		return b[:i]
	}
	return b
}
