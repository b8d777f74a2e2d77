package format

import "regexp"

// matcher tries regular expressions (RE2) in order; named groups are keys.
type matcher struct {
	keys     []string
	patterns []expression
}

type expression struct {
	at    node
	re    *regexp.Regexp
	own   []int // per group, -1 for those without a name
	like  string
	block *block
}

func (m *matcher) names() []string { return m.keys }

func (m *matcher) cut(p *Parser, own []*key, s string) bool {
	for i := range m.patterns {
		q := &m.patterns[i]
		if q.like != "" && !likePrefix(s, q.like) {
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
		at, text, like, b, err := c.patternItem(it)
		if err != nil {
			return nil, err
		}
		re, bad := regexp.Compile(text)
		if bad != nil {
			return nil, at.fail("%v (the syntax is RE2's)", bad)
		}
		q := expression{at: at, re: re, like: like, block: b}
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
