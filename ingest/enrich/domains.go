package enrich

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"mimamori/event"
)

// maxDomain is the longest name that is looked at, in bytes.
const maxDomain = 253

// parts says where the parts of a name begin: registered is the domain that
// somebody registered, suffix what it is registered under. Zero is none.
//
// Only the part of the public suffix list that registries maintain counts (its
// ICANN section): example.github.io is registered as github.io. ECS asks for the
// registered domain, that is what whois, take-down requests and lists of newly
// registered domains know; and the section of private suffixes, in which
// companies enter what they please, changes every week, so that counts by
// registered_domain would change with the program's version. Elastic's own
// processor counts private suffixes too. Who needs to tell the customers of one
// hosting company apart has the whole name in the field beside.
//
// Names below no known suffix (pc1.town.local) were registered by nobody and have
// no parts, nor have names of a single label and addresses. A name that is itself
// a suffix (co.jp) has a top_level_domain alone, as with Elastic. The parts are
// pieces of the name as the device spelled it, without a dot at its end.
type parts struct{ registered, suffix uint8 }

// partsAt finds the parts of a name; a dot at its end is no part of it.
func partsAt(name string) parts {
	name = strings.TrimSuffix(name, ".")
	lower, ok := canonical(name)
	if !ok || !strings.Contains(lower, ".") {
		return parts{}
	}
	suffix, icann := publicsuffix.PublicSuffix(lower)
	for !icann {
		_, parent, more := strings.Cut(suffix, ".")
		if !more {
			return parts{} // the default rule: no list knows this top level
		}
		suffix, icann = publicsuffix.PublicSuffix(parent)
	}
	at := labels(name, strings.Count(suffix, ".")+1)
	if at == 0 {
		return parts{suffix: 1} // the whole name
	}
	return parts{registered: uint8(labels(name[:at-1], 1) + 1), suffix: uint8(at + 1)}
}

// labels is where the last n labels of a name begin.
func labels(name string, n int) int {
	at := len(name)
	for range n {
		at = strings.LastIndexByte(name[:at], '.')
		if at < 0 {
			return 0
		}
	}
	return at + 1
}

// set puts the parts of a name into registered_domain, subdomain and
// top_level_domain.
func (p parts) set(x *event.Builder, name string, to *[3]event.Field) {
	if p.suffix == 0 {
		return
	}
	name = strings.TrimSuffix(name, ".")
	add(x, to[2], event.String(name[p.suffix-1:]))
	if p.registered == 0 {
		return
	}
	add(x, to[0], event.String(name[p.registered-1:]))
	if p.registered > 1 {
		add(x, to[1], event.String(name[:p.registered-2]))
	}
}

// canonical is a name as lists spell it: small letters, ASCII (xn--); false for
// what is no name.
func canonical(name string) (string, bool) {
	if !isDomain(name) {
		return "", false
	}
	for i := range len(name) {
		if name[i] >= 0x80 {
			ascii, err := idna.ToASCII(strings.ToLower(name))
			return ascii, err == nil && len(ascii) <= maxDomain
		}
	}
	return strings.ToLower(name), true
}

// isDomain tells whether a text can be the name of a host or domain. An address
// is none: no top level begins with a digit.
func isDomain(s string) bool {
	if s == "" || len(s) > maxDomain || s[len(s)-1] == '.' {
		return false
	}
	if dot := strings.LastIndexByte(s, '.'); dot >= 0 && '0' <= s[dot+1] && s[dot+1] <= '9' {
		return false
	}
	label := 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '.':
			if label == 0 {
				return false
			}
			label = -1
		case c == '-', c == '_', '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c >= 0x80:
		default:
			return false
		}
		label++
	}
	return true
}

// appendLower appends a text with ASCII letters made small.
func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
