package format

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

// classOf is what a byte of a pattern stands for, 0 for itself.
func classOf(c byte) uint8 {
	switch c {
	case '#':
		return isDigit
	case '&':
		return isAlnum
	case '*':
		return isWord
	}
	return 0
}

// likeByte tells whether a byte is what #, & or * of a pattern stands for.
func likeByte(class, c byte) bool { return likeBytes[c]&classOf(class) != 0 }

// like is a pattern of how a text begins: # is a digit, & a letter or digit, a
// blank one or more blanks, * one or more other bytes up to the first that the
// pattern has behind it. Reading never goes back, so it is linear. The zero value
// is how every text begins.
type like struct {
	text  string
	parts []likePart
}

// likePart is a run of bytes that are told one by one, and what follows it.
type likePart struct {
	run  []likeOne
	then byte // ' ', '*', or 0 at the end of the pattern

	next      byte  // ends *, 0 when nothing follows it
	nextClass uint8 // ends * too
}

// likeOne is what a byte must be: this where the mask is set, and of this class.
type likeOne struct {
	byte, mask byte
	class      uint8
}

func newLike(text string) like {
	l := like{text: text}
	part := likePart{}
	for j := range len(text) {
		c := text[j]
		switch class := classOf(c); {
		case c == ' ' || c == '*':
			part.then = c
			if c == '*' && j+1 < len(text) {
				part.next, part.nextClass = text[j+1], classOf(text[j+1])
			}
			l.parts = append(l.parts, part)
			part = likePart{}
		case class != 0:
			part.run = append(part.run, likeOne{class: class})
		default:
			part.run = append(part.run, likeOne{byte: c, mask: 0xff})
		}
	}
	if text != "" {
		l.parts = append(l.parts, part)
	}
	return l
}

func (l *like) opens(s string) bool {
	i := 0
	for n := range l.parts {
		p := &l.parts[n]
		if len(s)-i < len(p.run) {
			return false
		}
		text := s[i : i+len(p.run)]
		for j, one := range p.run {
			if c := text[j]; (c^one.byte)&one.mask|one.class&^likeBytes[c] != 0 {
				return false
			}
		}
		i += len(p.run)
		switch {
		case p.then == 0:
			return true
		case i >= len(s):
			return false
		case p.then == ' ':
			if s[i] != ' ' {
				return false
			}
			for i < len(s) && s[i] == ' ' {
				i++
			}
		default:
			if s[i] <= ' ' {
				return false
			}
			i++
			for end := min(len(s), i-1+longestWord); p.next != 0 && i < end && s[i] > ' ' && s[i] != p.next && likeBytes[s[i]]&p.nextClass == 0; {
				i++
			}
		}
	}
	return true
}
