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
	space := &p.spaces[shapeLEEF]
	o := space.start()
	s = strings.TrimPrefix(s, "LEEF:")
	prev := &o.first
	for i := range leefHeader {
		end := strings.IndexByte(s, '|')
		if end < 0 {
			return false
		}
		e := space.find(o, prev, leefHeader[i])
		if e != nil {
			prev = e
		}
		p.emit(e, strings.TrimSpace(s[:end]), plain)
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
	p.leefPairs(space, prev, s, sep)
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

func (p *Parser) leefPairs(space *keyspace, prev *key, s string, sep byte) {
	o := &space.root
	if sep == ' ' { // values may hold blanks: as in CEF
		p.cefExtension(space, prev, s)
		return
	}
	for s != "" {
		pair := s
		if i := strings.IndexByte(s, sep); i >= 0 {
			pair, s = s[:i], s[i+1:]
		} else {
			s = ""
		}
		eq := strings.IndexByte(pair, '=')
		if eq <= 0 {
			continue
		}
		e := space.find(o, prev, strings.TrimSpace(pair[:eq]))
		if e != nil {
			prev = e
		}
		p.emit(e, strings.TrimSpace(pair[eq+1:]), plain)
	}
}

// cutLTSV cuts Labeled Tab-Separated Values: label:value between tabs
// (http://ltsv.org). It answers false when there is no such pair.
func (p *Parser) cutLTSV(s string) bool {
	space := &p.spaces[shapeLTSV]
	o := space.start()
	prev := &o.first
	any := false
	for s != "" {
		pair := s
		if i := strings.IndexByte(s, '\t'); i >= 0 {
			pair, s = s[:i], s[i+1:]
		} else {
			s = ""
		}
		colon := strings.IndexByte(pair, ':')
		if colon <= 0 {
			continue
		}
		e := space.find(o, prev, pair[:colon])
		if e != nil {
			prev = e
		}
		p.emit(e, strings.TrimRight(pair[colon+1:], "\r\n"), plain)
		any = true
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
