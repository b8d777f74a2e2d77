package sigma

import (
	"regexp"
	"strings"
)

// pattern is a Sigma value: literal pieces and wildcards.
type pattern []piece

type piece struct {
	text string // literal, when wild is 0
	wild byte   // '*' or '?'
}

// parsePattern reads wildcards and escapes: \* \? and \\ stand for themselves,
// any other backslash is one.
func parsePattern(s string) pattern {
	var p pattern
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			p = append(p, piece{text: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '*' || c == '?':
			flush()
			p = append(p, piece{wild: c})
		case c == '\\' && i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?' || s[i+1] == '\\'):
			i++
			lit.WriteByte(s[i])
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return p
}

func (p pattern) star(before, after bool) pattern {
	if before {
		p = append(pattern{{wild: '*'}}, p...)
	}
	if after {
		p = append(p[:len(p):len(p)], piece{wild: '*'})
	}
	return p
}

// shape says how a pattern can be asked: equals, contains, startsWith,
// endsWith, like or any (only stars), with the text for it.
func (p pattern) shape() (string, string) {
	for len(p) > 1 && p[0].wild == '*' && p[1].wild == '*' {
		p = p[1:]
	}
	for len(p) > 1 && p[len(p)-1].wild == '*' && p[len(p)-2].wild == '*' {
		p = p[:len(p)-1]
	}
	before := len(p) > 0 && p[0].wild == '*'
	if before && len(p) == 1 {
		return "any", ""
	}
	after := len(p) > 0 && p[len(p)-1].wild == '*'
	inner := p
	if before {
		inner = inner[1:]
	}
	if after {
		inner = inner[:len(inner)-1]
	}
	lit := ""
	for _, x := range inner {
		if x.wild != 0 {
			return "like", p.like()
		}
		lit += x.text
	}
	switch {
	case before && after:
		return "contains", lit
	case before:
		return "endsWith", lit
	case after:
		return "startsWith", lit
	}
	return "equals", lit
}

// like writes the pattern for the language's like.
func (p pattern) like() string {
	var b strings.Builder
	for _, x := range p {
		if x.wild != 0 {
			b.WriteByte(x.wild)
			continue
		}
		b.WriteString(strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(x.text))
	}
	return b.String()
}

// plain returns the text of a pattern without wildcards.
func (p pattern) plain() (string, bool) {
	s := ""
	for _, x := range p {
		if x.wild != 0 {
			return "", false
		}
		s += x.text
	}
	return s, true
}

// regexp fits whole texts, letter case heeded.
func (p pattern) regexp() *regexp.Regexp {
	var b strings.Builder
	for _, x := range p {
		switch x.wild {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(x.text))
		}
	}
	return regexp.MustCompile("^(?s:" + b.String() + ")$")
}
