package format

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// alternative is one way to recognise a format: every condition must hold, and
// of several formats that could take a line the one whose conditions fix more
// bytes wins (spec).
type alternative struct {
	at       node
	id       int // among all formats', in order
	format   *compiled
	shape    shape // of the keys
	spec     int
	apps     []string // any of these names in the syslog header
	starts   []string // the body begins with any of these
	like     []like   // the body begins as any of these patterns
	contains []needle // all of these occur in the body
	keys     []string // all of these keys are there
	rows     bool     // the line is a row of a file with a header, whatever its columns
	byName   bool     // no line shows it: a source names the format
	values   [][2]string
	marks    []int32 // of keys, then of values
	block    *block  // what else a match does, or nil
	last     bool    // contains alone: tried on lines that nothing else takes, so that it costs other lines nothing
}

const altKeys = "app, starts, like, contains, keys, values, header, by-name"

// recognise compiles the alternatives.
func (c *compiler) recognise(n node) *Error {
	for _, it := range n.items() {
		a := alternative{at: it, format: c.f}
		err := it.each(func(key string, at, val node) (err *Error) {
			switch key {
			case "app":
				a.apps, err = val.texts()
			case "starts":
				a.starts, err = val.texts()
			case "like":
				var texts []string
				texts, err = val.texts()
				for _, text := range texts {
					a.like = append(a.like, newLike(text))
				}
			case "contains":
				var texts []string
				texts, err = val.texts()
				for _, text := range texts {
					a.contains = append(a.contains, newNeedle(text))
				}
			case "keys":
				a.keys, err = val.words()
			case "by-name":
				a.byName, err = val.yes()
			case "header":
				a.rows, err = val.yes()
			case "values":
				err = val.each(func(key string, _, val node) *Error {
					text, err := val.text()
					a.values = append(a.values, [2]string{key, text})
					return err
				})
			default:
				if a.block == nil {
					a.block = &block{at: it}
				}
				known, err := c.blockKey(a.block, key, val)
				if !known {
					return at.unknown(key, altKeys+", "+blockKeys)
				}
				return err
			}
			return err
		})
		if err != nil {
			return err
		}
		if slices.Contains(a.starts, "") || slices.ContainsFunc(a.like, func(l like) bool { return l.text == "" }) {
			return it.fail("every line begins with an empty text")
		}
		keyed := len(a.keys)+len(a.values) > 0
		shapes := keyedShapes(c.f.shapes)
		if keyed && len(shapes) == 0 {
			return it.fail("keys and values recognise formats that are cut by kv, json, xml, ltsv or rows only")
		}
		if a.rows && !slices.Contains(shapes, shapeRows) {
			return it.fail("header recognises formats that are cut by rows only")
		}
		if !keyed && !a.rows && !a.byName && len(a.apps)+len(a.starts)+len(a.like)+len(a.contains) == 0 {
			return it.fail("one of app, starts, like, contains, keys, values, header or by-name is needed")
		}
		a.last = !keyed && !a.rows && !a.byName && len(a.apps)+len(a.starts)+len(a.like) == 0
		a.spec = a.specificity()
		if !keyed {
			shapes = []shape{c.f.shape}
		}
		for _, a.shape = range shapes {
			c.f.alts = append(c.f.alts, a)
		}
	}
	if len(c.f.alts) == 0 {
		return n.fail("recognise needs at least one way to recognise the format")
	}
	return nil
}

// keyedShapes are those of the shapes whose keys can recognise a line.
func keyedShapes(list []shape) (out []shape) {
	for _, sh := range list {
		switch sh {
		case shapeKV, shapeJSON, shapeXML, shapeLTSV, shapeRows:
			out = append(out, sh)
		}
	}
	return out
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
	var patterns []string
	for _, l := range a.like {
		patterns = append(patterns, l.text)
	}
	n := shortest(a.apps) + shortest(a.starts) + shortest(patterns)
	for i := range a.contains {
		n += len(a.contains[i].text)
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
	if a.last {
		n -= 1 << 19
	}
	return n
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
		for i := range a.like {
			ok = ok || a.like[i].opens(body)
		}
		if !ok {
			return false
		}
	}
	return a.matchesRest(body, app)
}

// matchesRest checks the conditions beside how the body begins.
func (a *alternative) matchesRest(body, app string) bool {
	if len(a.apps) > 0 && !slices.Contains(a.apps, app) {
		return false
	}
	for i := range a.contains {
		if !a.contains[i].in(body) {
			return false
		}
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
	if h.body == "" {
		return
	}
	x := p.set.index
	best := math.MinInt
	if p.header == "" {
		best = p.tryOpenings(h, best)
	}
	if h.app != "" {
		best = p.tryText(x.byApp[h.app], h, best)
	}
	p.cutAs = p.shapeOf(h.body, best < x.topKV)
	if p.cutAs != shapeText {
		p.cutShape(p.cutAs, h.body)
	}
	for _, m := range p.hits {
		for _, a := range x.byMark[p.cutAs][m] {
			if a.matchesKeys(p) && a.matchesText(h.body, h.app) {
				p.found = append(p.found, a)
				best = max(best, a.spec)
			}
		}
	}
	switch {
	case p.header != "": // any format of rows takes the row: what fixes less need not be asked
		for _, a := range x.byHeader {
			if a.spec >= best {
				best = p.tryText([]*alternative{a}, h, best)
			}
		}
	case len(p.found) == 0:
		p.tryText(x.rest, h, best)
	}
	if len(p.found) > 1 {
		slices.SortFunc(p.found, func(a, b *alternative) int {
			return cmp.Or(b.spec-a.spec, a.id-b.id)
		})
	}
}

// shapeOf tells by how a body looks which shape's keys can recognise it, text for
// none; pairs are asked for where a format that is recognised by them could win.
func (p *Parser) shapeOf(body string, pairs bool) shape {
	switch {
	case p.header != "":
		return shapeRows
	case body[0] == '{':
		return shapeJSON
	case body[0] == '<' && len(body) > 1 && (isLetter(body[1]) || body[1] == '?'):
		return shapeXML
	case looksLTSV(body):
		return shapeLTSV
	case pairs && looksKV(body):
		return shapeKV
	}
	return shapeText
}

func (p *Parser) tryText(list []*alternative, h *header, best int) int {
	for _, a := range list {
		if !p.beaten(a) && a.matchesText(h.body, h.app) {
			p.found = append(p.found, a)
			best = max(best, a.spec)
		}
	}
	return best
}

// beaten tells whether a better way to recognise the same format was found.
func (p *Parser) beaten(a *alternative) bool {
	for _, b := range p.found {
		if b.format == a.format && (b.spec > a.spec || b.spec == a.spec && b.id <= a.id) {
			return true
		}
	}
	return false
}
