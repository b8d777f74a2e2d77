package format

import "strings"

// cutCisco takes the header off a line of a Cisco device, whose message begins
// with %FACILITY-SEVERITY-MNEMONIC:. What stands before it varies by system and
// configuration: a sequence number, the host's name, a time (with * or . before
// it while the clock is not set), a node and a process (IOS XR), each with a
// colon behind it or not. https://www.cisco.com/c/en/us/td/docs/ios/system/messages/guide/consol_smg.html
func (p *Parser) cutCisco(s string, h *header) bool {
	at := ciscoMessage(s)
	if at < 0 {
		return false
	}
	got := *h
	got.body = s[at:]
	for rest := s[:at]; ; {
		rest = strings.TrimLeft(rest, " :*.")
		if rest == "" {
			break
		}
		if t, end, ok := cutStamp(rest); ok && (end == len(rest) || rest[end] == ' ' || rest[end] == ':') {
			if at, ok := p.clock.nanos(t); ok {
				got.time, got.timed = claim(at, p.clock.bare), true
				rest = rest[end:]
				if w := letters(rest[min(1, len(rest)):]); rest != "" && rest[0] == ' ' && w > 2 && w < 6 && len(rest) > 1+w && rest[1+w] == ':' {
					rest = rest[1+w:] // the name of a zone that is not known
				}
				continue
			}
		}
		end := strings.IndexByte(rest, ' ')
		if end < 0 {
			end = len(rest)
		}
		if colon := strings.IndexByte(rest[:end], ':'); colon > 0 && (strings.Count(rest[:end], ":") == 1 || strings.IndexByte(rest[:colon], '/') > 0) {
			end = colon // R1: or RP/0/RSP0/CPU0:Nov
		}
		word := strings.TrimSuffix(rest[:end], ":")
		rest = rest[end:]
		if app, pid, ok := strings.Cut(word, "["); ok {
			got.app, got.proc = app, strings.TrimSuffix(pid, "]")
			continue
		}
		switch {
		case isNumber(word) || isUptime(word) || strings.IndexByte(word, '/') > 0:
		case !isHost(word):
			return false
		default:
			got.host = word
		}
	}
	*h = got
	return true
}

// ciscoMessage finds where a message begins, -1 when the line has none.
func ciscoMessage(s string) int {
	head := s[:min(len(s), 160)]
	for i := 0; ; i++ {
		j := strings.IndexByte(head[i:], '%')
		if j < 0 {
			return -1
		}
		i += j
		if (i == 0 || s[i-1] == ' ' || s[i-1] == ':') && isMnemonic(s[i+1:]) {
			return i
		}
	}
}

// isMnemonic tells whether s begins as FACILITY-SEVERITY-MNEMONIC.
func isMnemonic(s string) bool {
	i := 0
	for i < len(s) && i < 60 && (isLetter(s[i]) || '0' <= s[i] && s[i] <= '9' || s[i] == '_' || s[i] == '-') {
		if s[i] == '-' && i > 1 && i+3 < len(s) && '0' <= s[i+1] && s[i+1] <= '7' && s[i+2] == '-' && s[i+3] != ' ' {
			return true
		}
		i++
	}
	return false
}

// isUptime tells whether a word is the time since the start: 00:01:02, 1d02h,
// 1w2d, 2y12w.
func isUptime(s string) bool {
	digit := false
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digit = true
		case c != ':' && strings.IndexByte("ywdhms", c) < 0:
			return false
		}
	}
	return digit && s[0] <= '9'
}
