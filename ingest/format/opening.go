package format

import "strings"

// opening is one of the ways in which the lines of an alternative begin.
type opening struct {
	a    *alternative
	text string
	like bool
	word uint8 // which later word of a pattern must begin with byte, 0 for none; that rules most lines out
	byte byte
}

// lookedAt is how many words of a line are looked at before patterns are tried.
const lookedAt = 8

// opening makes one of a pattern; it picks the word whose first byte says most.
func (a *alternative) opening(text string) opening {
	o := opening{a: a, text: text, like: true}
	worth := map[byte]int{'*': 0, '&': 1, '#': 2}
	best := 0
	for k, w := range strings.Split(text, " ") {
		if k == 0 || k >= lookedAt || w == "" {
			continue
		}
		v, class := worth[w[0]]
		if !class {
			v = 3
		}
		if v > best {
			best, o.word, o.byte = v, uint8(k), w[0]
		}
	}
	return o
}

func (o *opening) matches(body string) bool {
	if o.like {
		return likePrefix(body, o.text)
	}
	return strings.HasPrefix(body, o.text)
}

// firstBytes finds the bytes with which the first words of a body begin.
func firstBytes(body string) (out [lookedAt]byte) {
	out[0] = body[0]
	for k := 1; k < lookedAt; k++ {
		i := strings.IndexByte(body, ' ')
		if i < 0 {
			break
		}
		body = strings.TrimLeft(body[i:], " ")
		if body == "" {
			break
		}
		out[k] = body[0]
	}
	return out
}

// longestWord is how far * goes.
const longestWord = 128

// likeByte tells whether a byte is what #, & or * of a pattern stands for.
func likeByte(class, c byte) bool {
	switch class {
	case '#':
		return '0' <= c && c <= '9'
	case '&':
		return '0' <= c && c <= '9' || isLetter(c)
	case '*':
		return c > ' '
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
		case '#', '&':
			if !likeByte(c, s[i]) {
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
