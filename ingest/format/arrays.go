package format

import "slices"

// findWalks notes the paths that lie above a key that the format names, so that
// arrays on the way are walked.
func (f *compiled) findWalks() {
	f.walk = map[string]bool{}
	note := func(path string) {
		for i := range len(path) {
			if path[i] == '.' {
				f.walk[path[:i]] = true
			}
		}
	}
	for k := range f.keys {
		note(k)
	}
	for k := range f.exact {
		note(k)
	}
	for _, w := range f.wild {
		note(w.from)
	}
	for path, n := range f.named {
		note(path + ".")
		for _, v := range n.values {
			note(path + "." + v)
		}
	}
}

// walkArrays puts what is in the arrays that the format looks into in the place
// of their text. Until a format is chosen arrays stay whole, so that what one
// format looks into never changes how another reads.
func (p *Parser) walkArrays(f *compiled) {
	p.walker = f
	for i := range p.tokens {
		if !p.walks(f, &p.tokens[i]) {
			continue
		}
		p.spare = append(p.spare[:0], p.tokens[i:]...)
		p.tokens = p.tokens[:i]
		for j := range p.spare {
			t := &p.spare[j]
			if !p.walks(f, t) {
				p.tokens = append(p.tokens, *t)
				continue
			}
			c := jsonCutter{p: p, space: &p.spaces[shapeJSON], s: t.text}
			c.list(t.key, 1)
		}
		return
	}
}

func (p *Parser) walks(f *compiled, t *token) bool { return t.kind == array && f.walk[t.key.path] }

// namedList is an array of objects that each hold a name and a value:
// [{"name":"a","value":1}] is then read as {"a":1}.
type namedList struct {
	name   string   // the key of the name
	values []string // the keys that can hold the value
}

// namedLists compiles named: {path: [name, value, …]}.
func (c *compiler) namedLists(n node) *Error {
	c.f.named = map[string]*namedList{}
	return n.each(func(path string, _, val node) *Error {
		keys, err := val.words()
		if err == nil && len(keys) < 2 {
			err = val.fail("the key of the name and that of the value are needed")
		}
		if err == nil {
			c.f.named[path] = &namedList{keys[0], keys[1:]}
		}
		return err
	})
}

// namedList walks such an array.
func (c *jsonCutter) namedList(e *key, n *namedList, depth int) bool {
	c.i++
	for {
		c.blank()
		if c.i >= len(c.s) {
			return false
		}
		switch c.s[c.i] {
		case ']':
			c.i++
			return true
		case ',':
			c.i++
		case '{':
			first := len(c.p.tokens)
			ok := c.object(e.inside(), depth+1)
			c.rename(e, n, first)
			if !ok {
				return false
			}
		default:
			if !c.value(e, depth+1) {
				return false
			}
		}
	}
}

// rename gives the values of an element the key that its name says; what else
// is in the element goes below that key.
func (c *jsonCutter) rename(e *key, n *namedList, first int) {
	p, below := c.p, len(e.path)+1
	name := ""
	for i := range p.tokens[first:] {
		if t := &p.tokens[first+i]; t.key.path[below:] == n.name {
			if name = t.text; t.kind == escaped {
				name = p.unescape(name)
			}
			break
		}
	}
	if name == "" {
		return
	}
	o := e.inside()
	k := c.space.find(o, &o.first, name)
	kept := p.tokens[:first]
	for _, t := range p.tokens[first:] {
		rest := t.key.path[below:]
		switch {
		case rest == n.name:
			continue
		case k == nil:
			t.key = nil
		case !isOneOf(rest, n.values):
			kids := k.inside()
			t.key = c.space.find(kids, &kids.first, rest)
		default:
			t.key = k
		}
		if t.key == nil {
			p.dropped++
			continue
		}
		kept = append(kept, t)
	}
	p.tokens = kept
}

func isOneOf(s string, list []string) bool {
	return slices.Contains(list, s)
}
