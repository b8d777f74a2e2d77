package format

import (
	"math"
	"slices"
	"strings"
)

// alternative is one way to recognise a format: every condition must hold, and
// of several formats that could take a line the one whose conditions fix more
// bytes wins (spec).
type alternative struct {
	format   *compiled
	spec     int
	apps     []string // any of these names in the syslog header
	starts   []string // the body begins with any of these
	like     []string // the body begins as any of these patterns: # is a digit, a blank is any number of blanks
	contains []string // all of these occur in the body
	keys     []string // all of these keys are there
	values   [][2]string
	marks    []int32 // of keys, then of values
}

const altKeys = "app, starts, like, contains, keys, values"

// recognise compiles the alternatives.
func (c *compiler) recognise(n node) *Error {
	for _, it := range n.items() {
		a := alternative{format: c.f}
		err := it.each(func(key string, at, val node) (err *Error) {
			switch key {
			case "app":
				a.apps, err = val.texts()
			case "starts":
				a.starts, err = val.texts()
			case "like":
				a.like, err = val.texts()
			case "contains":
				a.contains, err = val.texts()
			case "keys":
				a.keys, err = val.words()
			case "values":
				err = val.each(func(key string, _, val node) *Error {
					text, err := val.text()
					a.values = append(a.values, [2]string{key, text})
					return err
				})
			default:
				return at.unknown(key, altKeys)
			}
			return err
		})
		if err != nil {
			return err
		}
		keyed := len(a.keys)+len(a.values) > 0
		if keyed && c.f.shape != shapeKV && c.f.shape != shapeJSON {
			return it.fail("keys and values recognise formats that are cut by kv or json only")
		}
		if !keyed && len(a.apps)+len(a.starts)+len(a.like) == 0 {
			return it.fail("one of app, starts, like, keys or values is needed: contains alone would make every line of every other device slower")
		}
		a.spec = a.specificity()
		c.f.alts = append(c.f.alts, a)
	}
	if len(c.f.alts) == 0 {
		return n.fail("recognise needs at least one way to recognise the format")
	}
	return nil
}

// specificity counts the bytes that the conditions fix.
func (a *alternative) specificity() int {
	shortest := func(list []string) int {
		n := 0
		for i, s := range list {
			if i == 0 || len(s) < n {
				n = len(s)
			}
		}
		return n
	}
	n := shortest(a.apps) + shortest(a.starts) + shortest(a.like)
	for _, s := range a.contains {
		n += len(s)
	}
	for _, s := range a.keys {
		n += len(s) + 1
	}
	for _, v := range a.values {
		n += len(v[0]) + len(v[1]) + 1
	}
	if a.format.generic {
		n -= 1 << 20
	}
	return n
}

// index finds the alternatives that a line can match without trying the others.
type index struct {
	marks  [shapes]map[string]int32
	byMark [shapes][][]*alternative
	byApp  map[string][]*alternative
	byByte [256][]*alternative
	walk   [shapes]map[string]bool
	topKV  int // the highest specificity of a format recognised by keys of pairs
}

func newIndex(formats []*compiled) *index {
	x := &index{byApp: map[string][]*alternative{}}
	for s := range x.marks {
		x.marks[s], x.walk[s] = map[string]int32{}, map[string]bool{}
	}
	users := map[string]int{}
	for _, f := range formats {
		for i := range f.alts {
			for _, k := range f.alts[i].allKeys() {
				users[k]++
			}
		}
	}
	for _, f := range formats {
		x.addWalks(f)
		for i := range f.alts {
			x.add(&f.alts[i], users)
		}
	}
	return x
}

func (a *alternative) allKeys() []string {
	out := slices.Clone(a.keys)
	for _, v := range a.values {
		out = append(out, v[0])
	}
	return out
}

// add indexes an alternative by its rarest condition.
func (x *index) add(a *alternative, users map[string]int) {
	sh := a.format.shape
	rarest := ""
	a.marks = nil
	for _, k := range a.allKeys() {
		m, ok := x.marks[sh][k]
		if !ok {
			m = int32(len(x.marks[sh]))
			x.marks[sh][k] = m
			x.byMark[sh] = append(x.byMark[sh], nil)
		}
		a.marks = append(a.marks, m)
		if rarest == "" || users[k] < users[rarest] {
			rarest = k
		}
	}
	switch {
	case rarest != "":
		m := x.marks[sh][rarest]
		x.byMark[sh][m] = append(x.byMark[sh][m], a)
		if sh == shapeKV {
			x.topKV = max(x.topKV, a.spec)
		}
	case len(a.apps) > 0:
		for _, app := range a.apps {
			x.byApp[app] = append(x.byApp[app], a)
		}
	default:
		for _, s := range append(slices.Clone(a.starts), a.like...) {
			first, last := s[0], s[0]
			if s[0] == '#' && slices.Contains(a.like, s) {
				first, last = '0', '9'
			}
			for b := int(first); b <= int(last); b++ {
				if l := x.byByte[b]; len(l) == 0 || l[len(l)-1] != a {
					x.byByte[b] = append(l, a)
				}
			}
		}
	}
}

// addWalks notes the paths that lie above a key that a format names, so that
// arrays on the way are walked.
func (x *index) addWalks(f *compiled) {
	note := func(path string) {
		for i := range len(path) {
			if path[i] == '.' {
				x.walk[f.shape][path[:i]] = true
			}
		}
	}
	for k := range f.keys {
		note(k)
	}
	for k := range f.exact {
		note(k)
	}
}

// matchesText checks the conditions on the body and the header.
func (a *alternative) matchesText(body, app string) bool {
	if len(a.apps) > 0 && !slices.Contains(a.apps, app) {
		return false
	}
	if len(a.starts)+len(a.like) > 0 {
		ok := false
		for _, s := range a.starts {
			ok = ok || strings.HasPrefix(body, s)
		}
		for _, s := range a.like {
			ok = ok || likePrefix(body, s)
		}
		if !ok {
			return false
		}
	}
	for _, s := range a.contains {
		if !strings.Contains(body, s) {
			return false
		}
	}
	return true
}

// likePrefix tells whether s begins as the pattern says.
func likePrefix(s, pattern string) bool {
	i := 0
	for j := range len(pattern) {
		if i >= len(s) {
			return false
		}
		switch c := pattern[j]; c {
		case '#':
			if s[i] < '0' || s[i] > '9' {
				return false
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

// matchesKeys checks the conditions on keys after the line was cut.
func (a *alternative) matchesKeys(p *Parser) bool {
	for _, m := range a.marks {
		if p.bits[m>>6]>>(uint(m)&63)&1 == 0 {
			return false
		}
	}
	for i, v := range a.values {
		m, found := a.marks[len(a.keys)+i], false
		for j := range p.tokens {
			if t := &p.tokens[j]; t.key.mark == m && t.text == v[1] {
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// mark notes that a key which a recognition condition asks for is there.
func (p *Parser) mark(k *key) {
	m := k.mark
	w, b := m>>6, uint64(1)<<(uint(m)&63)
	if p.bits[w]&b == 0 {
		p.bits[w] |= b
		p.hits = append(p.hits, m)
	}
}

// recognise fills p.found with the formats that can take the line, and cuts the
// line where its shape shows (pairs, JSON).
func (p *Parser) recognise(h *header) {
	p.found = p.found[:0]
	x := p.set.index
	body := h.body
	if body == "" {
		return
	}
	best := p.tryText(x.byByte[body[0]], h, math.MinInt)
	if h.app != "" {
		best = p.tryText(x.byApp[h.app], h, best)
	}
	sh := shapeText
	switch {
	case body[0] == '{':
		sh = shapeJSON
		p.broken = p.cutJSON(body)
	case best < x.topKV && looksKV(body):
		sh = shapeKV
		p.cutKV(body)
	}
	p.cutAs = sh
	for _, m := range p.hits {
		for _, a := range x.byMark[sh][m] {
			if a.matchesKeys(p) && a.matchesText(body, h.app) {
				p.found = append(p.found, a)
			}
		}
	}
	if len(p.found) > 1 {
		slices.SortFunc(p.found, func(a, b *alternative) int {
			if a.spec != b.spec {
				return b.spec - a.spec
			}
			return a.format.id - b.format.id
		})
	}
}

func (p *Parser) tryText(list []*alternative, h *header, best int) int {
	for _, a := range list {
		if a.matchesText(h.body, h.app) {
			p.found = append(p.found, a)
			best = max(best, a.spec)
		}
	}
	return best
}
