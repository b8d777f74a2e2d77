package format

import (
	"regexp"
	"regexp/syntax"
)

// matcher tries regular expressions (RE2) in order; named groups are keys.
type matcher struct {
	keys     []string
	patterns []expression
}

type expression struct {
	at    node
	re    *regexp.Regexp
	needs needle // a text that is in whatever matches, "" when none is known
	own   []int  // per group, -1 for those without a name
	like  like
	block *block
}

func (m *matcher) names() []string { return m.keys }

func (m *matcher) cut(p *Parser, own []*key, s string) bool {
	for i := range m.patterns {
		q := &m.patterns[i]
		if !q.like.opens(s) || !q.needs.in(s) {
			continue
		}
		at := q.re.FindStringSubmatchIndex(s)
		if at == nil {
			continue
		}
		for g, o := range q.own {
			if o >= 0 && at[2*g] >= 0 {
				p.emit(own[o], s[at[2*g]:at[2*g+1]], plain)
			}
		}
		p.also(q.block)
		return true
	}
	return false
}

func (c *compiler) regex(n node) (cutter, *Error) {
	m := &matcher{}
	for _, it := range n.items() {
		at, text, opening, b, err := c.patternItem(it)
		if err != nil {
			return nil, err
		}
		re, bad := regexp.Compile(text)
		if bad != nil {
			return nil, at.fail("%v (the syntax is RE2's)", bad)
		}
		q := expression{at: at, re: re, needs: newNeedle(needed(text)), like: opening, block: b}
		for _, name := range re.SubexpNames() {
			o := -1
			if name != "" {
				o = ownIndex(&m.keys, name)
			}
			q.own = append(q.own, o)
		}
		m.patterns = append(m.patterns, q)
	}
	return m, nil
}

// needed is the longest text that is in whatever an expression matches: looking
// for it is a hundred times cheaper than matching.
func needed(text string) string {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return "" // it was compiled before
	}
	return neededBy(re.Simplify())
}

func neededBy(re *syntax.Regexp) (longest string) {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return string(re.Rune)
		}
	case syntax.OpConcat, syntax.OpCapture, syntax.OpPlus:
		for _, sub := range re.Sub {
			if one := neededBy(sub); len(one) > len(longest) {
				longest = one
			}
		}
	}
	return longest
}
