package format

import "strings"

// pattern is text with keys in it: %{method} for %{user} from %{ip}
type pattern struct {
	head  string // text before the first key
	parts []part
	like  like   // how the text begins
	block *block // what else a match does, or nil
}

// part is a key and the text behind it.
type part struct {
	own    int // index of the key, -1 to pass over
	after  string
	repeat bool // the text behind may stand several times
	number bool // digits only
	word   bool // no blanks
}

// pattern compiles a dissect pattern; names gathers its keys.
func (c *compiler) pattern(n node, text string, names *[]string) (pattern, *Error) {
	var p pattern
	for i := 0; ; i++ {
		open := strings.Index(text, "%{")
		if open < 0 {
			open = len(text)
		}
		lit := text[:open]
		if i == 0 {
			p.head = lit
		} else {
			p.parts[i-1].after = lit
			if lit == "" && open < len(text) {
				return p, n.fail("two keys need text between them")
			}
		}
		if open == len(text) {
			return p, nil
		}
		end := strings.IndexByte(text[open:], '}')
		if end < 0 {
			return p, n.fail("%%{ without }")
		}
		name := text[open+2 : open+end]
		text = text[open+end+1:]
		name, repeat := strings.CutSuffix(name, "->")
		name, number := strings.CutSuffix(name, "#")
		name, word := strings.CutSuffix(name, "!")
		q := part{own: -1, repeat: repeat, number: number, word: word}
		if name != "" && name[0] != '?' {
			q.own = ownIndex(names, name)
		}
		p.parts = append(p.parts, q)
	}
}

func ownIndex(names *[]string, name string) int {
	for i, n := range *names {
		if n == name {
			return i
		}
	}
	*names = append(*names, name)
	return len(*names) - 1
}

// match cuts s by the pattern. Tokens are emitted only as the match goes on, so
// a failed match takes its own back.
func (q *pattern) match(p *Parser, own []*key, s string) bool {
	if !strings.HasPrefix(s, q.head) {
		return false
	}
	s = s[len(q.head):]
	n := len(p.tokens)
	for i := range q.parts {
		t := &q.parts[i]
		end := len(s)
		if t.after != "" {
			if end = strings.Index(s, t.after); end < 0 {
				p.tokens = p.tokens[:n]
				return false
			}
		}
		if t.number && !isNumber(s[:end]) || t.word && (end == 0 || strings.IndexByte(s[:end], ' ') >= 0) {
			p.tokens = p.tokens[:n]
			return false
		}
		if t.own >= 0 {
			p.emit(own[t.own], s[:end], plain)
		}
		s = s[end+len(t.after):]
		for t.repeat && t.after != "" && strings.HasPrefix(s, t.after) {
			s = s[len(t.after):]
		}
	}
	if len(q.parts) == 0 || q.parts[len(q.parts)-1].after != "" {
		if strings.TrimRight(s, " \r\n") != "" {
			p.tokens = p.tokens[:n]
			return false
		}
	}
	return true
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
