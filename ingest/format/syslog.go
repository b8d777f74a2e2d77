package format

import (
	"strings"

	"mimamori/event"
)

// header is what stands before the message of a syslog line. Strings are views
// into the line, "" when absent.
type header struct {
	pri                      int // -1 when absent
	version                  string
	host, app, proc, msg, sd string
	time                     Claim
	timed                    bool
	body                     string
	whole                    string // the body with the tag before it, "" when no tag was cut
}

// cutHeader takes the syslog header off a line: RFC 5424, RFC 3164 and the
// broken forms of it that devices send (no PRI, no host, a year, ISO 8601 times,
// a tag or none). A line without a header is its own body: nothing is taken that
// is not sure to be a header.
func (p *Parser) cutHeader(line string) header {
	h := header{pri: -1, body: trimLine(line)}
	s := h.body
	if s == "" || s[0] == '{' {
		return h
	}
	if '1' <= s[0] && s[0] <= '9' { // octet count of RFC 6587
		if n, w := digits(s); n > 0 && w < len(s)-2 && s[w] == ' ' && s[w+1] == '<' {
			s = s[w+1:]
		}
	}
	if s[0] == '<' {
		n, w := digits(s[1:])
		if w == 0 || w > 3 || n > 191 || w+1 >= len(s) || s[w+1] != '>' {
			return h
		}
		h.pri = n
		s = strings.TrimLeft(s[w+2:], " ")
		h.body = s
		if len(s) > 2 && s[0] == '1' && s[1] == ' ' && p.cut5424(s, &h) {
			return h
		}
	}
	if !p.cutCisco(s, &h) {
		p.cut3164(s, &h)
	}
	return h
}

// trimLine takes blanks and line ends from before a line, and line ends off its end.
func trimLine(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t' || s[0] == '\r' || s[0] == '\n' || s[0] == 0) {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == '\r' || s[len(s)-1] == '\n' || s[len(s)-1] == 0) {
		s = s[:len(s)-1]
	}
	return s
}

// cut5424 reads VERSION TIMESTAMP HOST APP PROCID MSGID SD MSG.
func (p *Parser) cut5424(s string, h *header) bool {
	var part [5]string
	rest := s[2:]
	for i := range part {
		end := strings.IndexByte(rest, ' ')
		if end < 0 {
			if i < 4 {
				return false
			}
			end = len(rest)
		}
		part[i] = nilDash(rest[:end])
		rest = rest[min(end+1, len(rest)):]
	}
	if part[0] != "" {
		if len(part[0]) > 10 && (part[0][4] != '-' || part[0][10] != 'T') { // Meraki: an epoch and no more of RFC 5424
			return false
		}
		at, ok := p.clock.auto(part[0])
		if !ok {
			return false
		}
		h.time, h.timed = claim(at, p.clock.bare), true
	}
	h.version, h.host, h.app, h.proc, h.msg = s[:1], part[1], part[2], part[3], part[4]
	switch {
	case strings.HasPrefix(rest, "["):
		end := sdEnd(rest)
		h.sd, rest = rest[:end], rest[end:]
	case rest == "-" || strings.HasPrefix(rest, "- "):
		rest = rest[1:]
	}
	h.body = strings.TrimLeft(strings.TrimPrefix(strings.TrimLeft(rest, " "), "\ufeff"), " ")
	if h.body == "" && h.sd != "" {
		h.body = h.sd // Juniper: all there is to tell is structured
	}
	return true
}

func nilDash(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// sdEnd finds the end of structured data.
func sdEnd(s string) int {
	quotedText := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quotedText:
			i++
		case c == '"':
			quotedText = !quotedText
		case c == ']' && !quotedText && (i+1 == len(s) || s[i+1] != '['):
			return i + 1
		}
	}
	return len(s)
}

// cut3164 reads [TIMESTAMP] [HOST] [TAG[PID]:] MSG, as far as it is there.
func (p *Parser) cut3164(s string, h *header) {
	rest, iso, ok := p.cutTime(s, h)
	if !ok {
		before := *h
		cutTag(s, h)
		if h.pri < 0 && !isNumber(h.proc) {
			*h = before // app: alone may be anything
		}
		return
	}
	before := *h
	h.timed, h.body = true, rest
	if end := strings.IndexByte(rest, ' '); end > 0 && isHost(rest[:end]) {
		if after := strings.TrimLeft(rest[end:], " "); after != "" {
			h.host = rest[:end]
			h.body = strings.TrimPrefix(after, ": ")
		}
	}
	cutTag(h.body, h)
	if iso && before.pri < 0 && h.app == "" {
		*h = before // any program's own log line
	}
}

// cutTime takes a timestamp off s and answers what follows, and whether it was
// ISO 8601. Without PRI only what a syslog daemon writes counts: a month's name,
// or ISO 8601 with its T.
func (p *Parser) cutTime(s string, h *header) (rest string, iso, ok bool) {
	if h.pri >= 0 && s != "" && (s[0] == '*' || s[0] == '.') { // Cisco: clock not synchronised
		s = s[1:]
	}
	if len(s) < 16 {
		return "", false, false
	}
	utm := s[4] == ':' && s[7] == ':' && s[10] == '-' // Sophos UTM: 2026:11:22-09:00:00
	if iso = !isLetter(s[0]); iso && !utm && (s[4] != '-' || h.pri < 0 && s[10] != 'T') {
		return "", false, false
	}
	t, end, ok := cutStamp(s)
	if !ok || end < 12 || end >= len(s) {
		return "", false, false
	}
	if s[end] == ':' {
		end++
	}
	if end >= len(s) || s[end] != ' ' {
		return "", false, false
	}
	if rest = strings.TrimLeft(s[end:], " "); rest == "" {
		return "", false, false
	}
	at, ok := p.clock.nanos(t)
	h.time = claim(at, p.clock.bare)
	return rest, iso, ok
}

// isHost tells whether a word can be the sender: a name or an address, and
// neither a pair, a tag, a bracket, a Cisco mnemonic nor another format's start.
func isHost(s string) bool {
	if len(s) > 255 || s[len(s)-1] == ':' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(isLetter(c) || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_' || c == ':' && i > 0 || c >= 0x80 || c == '%' && i > 0 || c == '@' || c == '/') {
			return false
		}
	}
	return !strings.HasPrefix(s, "CEF:") && !strings.HasPrefix(s, "LEEF:")
}

// cutTag takes `app: `, `app[pid]: ` or `app[pid] ` off the body.
func cutTag(s string, h *header) {
	i := 0
	for i < len(s) && i < 64 && (isLetter(s[i]) || '0' <= s[i] && s[i] <= '9' || s[i] == '-' || s[i] == '_' || s[i] == '.' || s[i] == '/' || s[i] == '(' || s[i] == ')' || s[i] == '@') {
		i++
	}
	if i == 0 || i >= len(s) {
		return
	}
	app, pid := s[:i], ""
	if s[i] == '[' {
		end := strings.IndexByte(s[i:min(len(s), i+40)], ']')
		if end < 0 {
			return
		}
		pid = s[i+1 : i+end]
		i += end + 1
		if i < len(s) && s[i] != ':' && s[i] != ' ' || strings.IndexByte(pid, ' ') >= 0 {
			return
		}
		if i < len(s) && s[i] == ':' {
			i++
		}
	} else {
		if s[i] != ':' {
			return
		}
		i++
	}
	if i < len(s) && s[i] != ' ' || i == len(s) {
		return
	}
	h.app, h.proc, h.whole = app, pid, s
	h.body = strings.TrimLeft(s[i:], " ")
	if h.body == "" {
		h.app, h.proc, h.body, h.whole = "", "", s, ""
	}
}

// headerFields are the fields of log.syslog.*, looked up once.
type headerFields struct {
	priority, facility, severity, version, host, app, proc, msg, sd, sender event.Field
}

func newHeaderFields() headerFields {
	f := event.MustLookup
	return headerFields{
		f("log.syslog.priority"), f("log.syslog.facility.code"), f("log.syslog.severity.code"), f("log.syslog.version"),
		f("log.syslog.hostname"), f("log.syslog.appname"), f("log.syslog.procid"), f("log.syslog.msgid"),
		f("log.syslog.structured_data"), f("host.name"),
	}
}

// setHeader writes a header's parts into the event.
func (p *Parser) setHeader(h *header, sender event.Field) {
	x, f := p.x, &p.fields.header
	if h.pri >= 0 {
		x.Set(f.priority, event.Int(int64(h.pri)))
		x.Set(f.facility, event.Int(int64(h.pri>>3)))
		x.Set(f.severity, event.Int(int64(h.pri&7)))
	}
	for _, v := range [...]struct {
		f event.Field
		s string
	}{{f.version, h.version}, {f.host, h.host}, {sender, h.host}, {f.app, h.app}, {f.proc, h.proc}, {f.msg, h.msg}, {f.sd, h.sd}} {
		if v.s != "" {
			x.Set(v.f, event.String(v.s))
		}
	}
}
