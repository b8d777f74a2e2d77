package format

import "strings"

// needle is a text that is looked for by its byte that is rarest in logs: each
// place where that byte stands costs a call, and a blank stands everywhere.
type needle struct {
	text string
	at   int // of that byte
}

// common are the bytes that most logs are full of, the most common first.
const common = " 0123e.ati:nosr4567c89d-l/=\",mpu_"

func newNeedle(text string) needle {
	n, best := needle{text: text}, -1
	for i := range len(text) {
		rank := strings.IndexByte(common, text[i])
		if rank < 0 {
			return needle{text, i}
		}
		if rank > best {
			n.at, best = i, rank
		}
	}
	return n
}

// in tells whether s holds the text.
func (n *needle) in(s string) bool {
	if n.text == "" {
		return true
	}
	for from := n.at; from < len(s); {
		i := strings.IndexByte(s[from:], n.text[n.at])
		if i < 0 {
			return false
		}
		from += i + 1
		if strings.HasPrefix(s[from-1-n.at:], n.text) {
			return true
		}
	}
	return false
}
