package format

import "strings"

// opening is a way in which the lines of some alternatives begin.
type opening struct {
	text string
	like *like // of a text that is a pattern
	alts []*alternative
}

func (o *opening) matches(body string) bool {
	if o.like != nil {
		return o.like.opens(body)
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
	if at.offset >= len(text) || o.like != nil && strings.IndexByte(text[:at.offset], '*') >= 0 {
		return nil
	}
	var out [256]bool
	class := text[at.offset]
	for c := range out {
		out[c] = byte(c) == class || o.like != nil && likeByte(class, byte(c))
	}
	if o.like != nil && class == '*' && at == (spot{}) {
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
