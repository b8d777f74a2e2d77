package format

import "strings"

// keyBytes tells which bytes a key of a pair is made of.
var keyBytes = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 0x80 || '0' <= c && c <= '9' || isLetter(byte(c)) || strings.IndexByte("_-.@[]$", byte(c)) >= 0
	}
	return t
}()

// separators may stand between pairs.
var separators = [256]bool{'\x1d': true, ' ': true, ',': true, '\t': true, ';': true, '|': true, '\r': true, '\n': true}

func isKeyByte(c byte) bool { return keyBytes[c] }

// looksKV tells cheaply whether a line is made of pairs: its first '=' follows a
// word that begins the line or follows a separator.
func looksKV(s string) bool {
	i := strings.IndexByte(s, '=')
	if i <= 0 || i > 400 {
		return false
	}
	j := i
	for j > 0 && isKeyByte(s[j-1]) {
		j--
	}
	return j < i && (j == 0 || separators[s[j-1]])
}

// cutKV cuts pairs with any quoting: key=value, key="value with \" and blanks",
// key=""; a stray quote costs one value, not the line. What separates the pairs
// is the byte that follows the first value. Words without '=' are passed over.
func (p *Parser) cutKV(s string) {
	sep := byte(0) // not known yet
	keys := p.chain(shapeKV)
	for i := 0; i < len(s); {
		for i < len(s) && separators[s[i]] {
			i++
		}
		var e *key
		start := i
		if g := keys.prev.next[0]; g != nil && len(s)-i > len(g.name) && s[i+len(g.name)] == '=' && s[i:i+len(g.name)] == g.name {
			e, keys.prev = g, g
			i += len(g.name)
		} else {
			for i < len(s) && keyBytes[s[i]] {
				i++
			}
			if i >= len(s) || s[i] != '=' || i == start {
				for i < len(s) && !separators[s[i]] {
					i++
				}
				continue
			}
			e = keys.key(s[start:i])
		}
		i++
		text, k, end := kvValue(s, i, sep)
		if sep == 0 && end < len(s) {
			sep = ' '
			if c := s[end]; c != ' ' && separators[c] && looksKV(s[end+1:]) {
				sep = c
			} else if c != ' ' && k == plain { // part of the value, as in a=1,2 b=3
				text, k, end = kvValue(s, i, sep)
			}
		}
		i = end
		p.emit(e, text, k)
	}
}

// kvValue reads the value at i and answers where it ends. sep 0 ends an unquoted
// value at any separator. Where another byte than a blank separates, a blank ends
// the value only if a pair follows.
func kvValue(s string, i int, sep byte) (string, kind, int) {
	if i < len(s) && s[i] == '"' {
		if text, k, end, ok := kvQuoted(s, i+1); ok {
			return text, k, end
		}
		i++ // a stray quote
	}
	start := i
	for ; i < len(s); i++ {
		if c := s[i]; separators[c] {
			if c == sep || sep == 0 || c == '\r' || c == '\n' || (c == ' ' || c == '\t') && (sep == ' ' || looksLikePair(s[i:])) {
				break
			}
		}
	}
	end := i
	if end > start && s[end-1] == '"' && (start < 2 || s[start-1] == '"' || strings.Count(s[start:end], `"`) == 1) {
		end-- // its other half was stray, or this one is
	}
	return s[start:end], plain, i
}

// kvQuoted reads quoted text from behind its quote. The closing quote is the one
// before a separator or the end; a quote that opens the next value (`="`) shows
// that ours was stray.
func kvQuoted(s string, start int) (string, kind, int, bool) {
	k := plain
	for i := start; ; {
		j := i
		for j < len(s) && s[j] != '"' { // most values are short: a call would cost more
			if s[j] == '\\' {
				k = quoted
			}
			j++
		}
		if j == len(s) {
			return "", plain, start, false
		}
		if k == quoted && s[j-1] == '\\' {
			n := 1
			for n < j-i && s[j-1-n] == '\\' {
				n++
			}
			// A value such as "C:\" ends in a backslash: what follows tells.
			if n%2 == 1 && !(j+1 >= len(s) || separators[s[j+1]] && looksLikePair(s[j+1:])) {
				i = j + 1
				continue
			}
		}
		end := j+1 >= len(s) || separators[s[j+1]] || s[j+1] == ']' && (j+2 >= len(s) || s[j+2] == ' ')
		if end {
			return s[start:j], k, j + 1, true
		}
		if j > start && s[j-1] == '=' {
			return "", plain, start, false
		}
		i = j + 1
	}
}

// looksLikePair tells whether a separator and `key=` follow.
func looksLikePair(s string) bool {
	i := 1
	for i < len(s) && i < 64 && isKeyByte(s[i]) {
		i++
	}
	return i > 1 && i < len(s) && s[i] == '='
}

// unquote resolves \" and \\ of a quoted value; other backslashes stay, since
// devices write Windows paths without escaping them.
func (p *Parser) unquote(s string) string {
	if !strings.Contains(s, `\"`) && !strings.Contains(s, `\\`) {
		return s
	}
	b := p.arena.room(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
			i++
		}
		b = append(b, s[i])
	}
	return p.arena.keep(b)
}
