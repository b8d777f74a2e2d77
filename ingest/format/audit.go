package format

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// sockaddr reads an internet address and its port from a socket address in
// hexadecimal, as the kernel's audit writes it; anything else becomes "".
func (p *Parser) sockaddr(v string) string {
	var raw [28]byte
	n := min(len(v)/2, len(raw))
	for i := range n {
		b, ok := parseHex(v[2*i : 2*i+2])
		if !ok {
			return ""
		}
		raw[i] = byte(b)
	}
	var a netip.Addr
	switch {
	case n >= 8 && raw[0] == 2:
		a = netip.AddrFrom4([4]byte(raw[4:8]))
	case n >= 24 && raw[0] == 10:
		a = netip.AddrFrom16([16]byte(raw[8:24])).Unmap()
	default:
		return ""
	}
	return p.arena.keep(netip.AddrPortFrom(a, uint16(raw[2])<<8|uint16(raw[3])).AppendTo(p.arena.room(64)))
}

// byteList reads text that is given as the numbers of its bytes, as journald
// gives what is no clean text; other text stays.
func (p *Parser) byteList(v string) string {
	b := p.arena.room(len(v)/3 + 1)
	for one := range strings.SplitSeq(v, ", ") {
		n, ok := parseLong(one)
		if !ok || n > 255 || n < 0 {
			return v
		}
		b = append(b, byte(n))
	}
	return strings.ToValidUTF8(p.arena.keep(b), "\ufffd")
}

// unhex reads text that the kernel's audit writes in hexadecimal since it holds
// blanks, quotes, control characters or bytes beyond ASCII; the zero bytes
// between arguments become blanks. Text that is hexadecimal by chance stays.
func (p *Parser) unhex(v string) string {
	if p.literal || len(v) < 2 || len(v)%2 != 0 {
		return v
	}
	for i := range len(v) {
		if c := v[i]; (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return v
		}
	}
	b, odd := p.arena.room(len(v)/2), false
	for i := 0; i < len(v); i += 2 {
		n, _ := parseHex(v[i : i+2])
		c := byte(n)
		odd = odd || c <= ' ' || c == '"' || c > '~'
		if c == 0 {
			c = ' '
		}
		b = append(b, c)
	}
	if !odd || !utf8.Valid(b) {
		return v
	}
	return strings.TrimRight(p.arena.keep(b), " ")
}
