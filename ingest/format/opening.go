package format

import "strings"

// opening is a way in which the lines of some alternatives begin.
type opening struct {
	text string
	like bool // text is a pattern
	alts []*alternative
}

func (o *opening) matches(body string) bool {
	if o.like {
		return likePrefix(body, o.text)
	}
	return strings.HasPrefix(body, o.text)
}

// bytesAt gives the bytes that the opening allows at a spot, with 0 for a body
// that ends before it; nil when it does not tell.
func (o *opening) bytesAt(at spot) *[256]bool {
	text := o.text
	for range at.word {
		text = nextWord(text)
	}
	if end := strings.IndexByte(text, ' '); end >= 0 {
		text = text[:end+1]
	}
	if at.offset >= len(text) || o.like && strings.IndexByte(text[:at.offset], '*') >= 0 {
		return nil
	}
	var out [256]bool
	class := text[at.offset]
	for c := range out {
		out[c] = byte(c) == class || o.like && likeByte(class, byte(c))
	}
	if o.like && class == '*' && at == (spot{}) {
		out['{'], out['<'] = false, false // JSON or XML: no pattern of words
	}
	return &out
}

// nextWord is what follows the first word and its blanks, "" when nothing does.
func nextWord(s string) string {
	i := strings.IndexByte(s, ' ')
	if i < 0 {
		return ""
	}
	for i < len(s) && s[i] == ' ' {
		i++
	}
	return s[i:]
}

// longestWord is how far * goes.
const longestWord = 128

// likeBytes says for every byte which of the classes it is in.
var likeBytes = func() (t [256]uint8) {
	for c := range t {
		if '0' <= c && c <= '9' {
			t[c] = isDigit
		}
		if '0' <= c && c <= '9' || isLetter(byte(c)) {
			t[c] |= isAlnum
		}
		if c > ' ' {
			t[c] |= isWord
		}
	}
	return t
}()

// The classes that #, & and * of a pattern stand for.
const (
	isDigit uint8 = 1 << iota
	isAlnum
	isWord
)

// likeByte tells whether a byte is what #, & or * of a pattern stands for.
func likeByte(class, c byte) bool {
	switch class {
	case '#':
		return likeBytes[c]&isDigit != 0
	case '&':
		return likeBytes[c]&isAlnum != 0
	case '*':
		return likeBytes[c]&isWord != 0
	}
	return false
}

// likePrefix tells whether s begins as the pattern says: # is a digit, & a letter
// or digit, a blank one or more blanks, * one or more other bytes up to the first
// that the pattern has behind it. It never goes back, so it is linear.
func likePrefix(s, pattern string) bool {
	i := 0
	for j := range len(pattern) {
		if i >= len(s) {
			return false
		}
		switch c := pattern[j]; c {
		case '#':
			if likeBytes[s[i]]&isDigit == 0 {
				return false
			}
		case '&':
			if likeBytes[s[i]]&isAlnum == 0 {
				return false
			}
		case '*':
			if s[i] <= ' ' {
				return false
			}
			if j+1 < len(pattern) {
				next := pattern[j+1]
				class := next == '#' || next == '&' || next == '*'
				end := min(len(s), i+longestWord)
				for i+1 < end && s[i+1] > ' ' && s[i+1] != next && !(class && likeByte(next, s[i+1])) {
					i++
				}
			}
		case ' ':
			if s[i] != ' ' {
				return false
			}
			for i+1 < len(s) && s[i+1] == ' ' {
				i++
			}
		default:
			if s[i] != c {
				return false
			}
		}
		i++
	}
	return true
}
