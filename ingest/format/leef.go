package format

import "strings"

// leefHeader names the parts of a LEEF header behind "LEEF:".
var leefHeader = [...]string{"Version", "Vendor", "Product", "ProductVersion", "EventID"}

// cutLEEF cuts IBM's Log Event Extended Format 1.0 and 2.0: a header between
// bars, then key=value pairs between tabs; 2.0 may name another separator, as a
// character or as 0x and hexadecimal digits. Devices that write blanks or bars
// for tabs are understood when the pairs tell. It answers false when the header
// is not there.
func (p *Parser) cutLEEF(s string) bool {
	c := p.chain(shapeLEEF)
	s = strings.TrimPrefix(s, "LEEF:")
	for i := range leefHeader {
		end := strings.IndexByte(s, '|')
		if end < 0 {
			return false
		}
		c.put(leefHeader[i], strings.TrimSpace(s[:end]), plain)
		s = s[end+1:]
	}
	sep := byte('\t')
	if end := strings.IndexByte(s[:min(len(s), 8)], '|'); end >= 0 {
		if named, ok := leefSeparator(s[:end]); ok {
			sep, s = named, s[end+1:]
		}
	}
	if strings.IndexByte(s, sep) < 0 {
		if sep == '\t' && strings.Contains(s, "#011") { // rsyslog writes control characters so
			s = strings.ReplaceAll(s, "#011", "\t")
		} else {
			sep = leefGuess(s)
		}
	}
	c.leefPairs(s, sep)
	return true
}

// leefSeparator reads the separator that a header of version 2 names.
func leefSeparator(s string) (byte, bool) {
	switch {
	case s == "":
		return '\t', true
	case len(s) == 1:
		return s[0], true
	case strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "x"):
		n, ok := parseHex(s[strings.IndexByte(s, 'x')+1:])
		return byte(n), ok && n > 0 && n < 128
	case s == "\\t":
		return '\t', true
	}
	return 0, false
}

// leefGuess finds what separates the pairs where it is not a tab.
func leefGuess(s string) byte {
	for _, sep := range []byte{'|', '^', ';', ','} {
		if i := strings.IndexByte(s, sep); i >= 0 && looksKV(s[i+1:]) {
			return sep
		}
	}
	return ' '
}

func (c *chain) leefPairs(s string, sep byte) {
	if sep == ' ' { // values may hold blanks: as in CEF
		c.cefExtension(s)
		return
	}
	for pair := range strings.SplitSeq(s, string(sep)) {
		if eq := strings.IndexByte(pair, '='); eq > 0 {
			c.put(strings.TrimSpace(pair[:eq]), strings.TrimSpace(pair[eq+1:]), plain)
		}
	}
}

// cutLTSV cuts Labeled Tab-Separated Values: label:value between tabs
// (http://ltsv.org). It answers false when there is no such pair.
func (p *Parser) cutLTSV(s string) bool {
	c := p.chain(shapeLTSV)
	any := false
	for pair := range strings.SplitSeq(s, "\t") {
		if colon := strings.IndexByte(pair, ':'); colon > 0 {
			c.put(pair[:colon], strings.TrimRight(pair[colon+1:], "\r\n"), plain)
			any = true
		}
	}
	return any
}

// looksLTSV tells cheaply whether a line is made of labelled values.
func looksLTSV(s string) bool {
	first, rest, ok := strings.Cut(s, "\t")
	return ok && labelled(first) && labelled(rest)
}

func labelled(s string) bool {
	for i := range len(s) {
		if s[i] == ':' {
			return i > 0
		}
		if !isKeyByte(s[i]) {
			return false
		}
	}
	return false
}
