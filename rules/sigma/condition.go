package sigma

import (
	"regexp"
	"slices"
	"strings"
)

// condition parses the detection's condition; a list of conditions is an or.
func (d *detection) condition() (node, error) {
	var all or
	for _, src := range d.conditions {
		if strings.Contains(src, "|") {
			return nil, refuse("aggregation", "condition %q uses the old aggregation", src)
		}
		p := &conditionParser{d: d, tokens: tokenize.FindAllString(src, -1), src: src}
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		if len(p.tokens) > 0 {
			return nil, refuse("condition", "%q is not understood at %q", src, p.tokens[0])
		}
		all = append(all, n)
	}
	if len(all) == 0 {
		return nil, refuse("condition", "the rule has no condition")
	}
	return all, nil
}

var tokenize = regexp.MustCompile(`\(|\)|[^\s()]+`)

type conditionParser struct {
	d      *detection
	tokens []string
	src    string
	depth  int // of brackets and nots
}

// maxNested bounds brackets and nots within each other.
const maxNested = 200

func (p *conditionParser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *conditionParser) accept(word string) bool {
	if len(p.tokens) > 0 && strings.EqualFold(p.tokens[0], word) {
		p.tokens = p.tokens[1:]
		return true
	}
	return false
}

func (p *conditionParser) or() (node, error) {
	var out or
	for {
		n, err := p.and()
		if err != nil {
			return nil, err
		}
		out = append(out, n)
		if !p.accept("or") {
			return out, nil
		}
	}
}

func (p *conditionParser) and() (node, error) {
	var out and
	for {
		n, err := p.not()
		if err != nil {
			return nil, err
		}
		out = append(out, n)
		if !p.accept("and") {
			return out, nil
		}
	}
}

func (p *conditionParser) not() (node, error) {
	if p.depth++; p.depth > maxNested {
		return nil, refuse("condition", "it nests more than %d deep", maxNested)
	}
	defer func() { p.depth-- }()
	if p.accept("not") {
		n, err := p.not()
		if err != nil {
			return nil, err
		}
		return not{n}, nil
	}
	if p.accept("(") {
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		if !p.accept(")") {
			return nil, refuse("condition", "%q lacks a )", p.src)
		}
		return n, nil
	}
	return p.item()
}

// item reads a selection's name, or "1 of x*", "all of them".
func (p *conditionParser) item() (node, error) {
	word := p.next()
	if len(p.tokens) > 1 && strings.EqualFold(p.tokens[0], "of") {
		p.next()
		return p.quantified(strings.ToLower(word), p.next())
	}
	n, ok := p.d.selections[word]
	if !ok {
		return nil, refuse("condition", "%q names no selection %q", p.src, word)
	}
	return n, p.d.spend(word)
}

func (p *conditionParser) quantified(quantity, glob string) (node, error) {
	var picked []node
	names := parsePattern(strings.ReplaceAll(glob, "?", `\?`)).regexp()
	for _, name := range p.d.names {
		ok := names.MatchString(name)
		if strings.EqualFold(glob, "them") {
			ok = !strings.HasPrefix(name, "_")
		}
		if ok {
			picked = append(picked, p.d.selections[name])
			if err := p.d.spend(name); err != nil {
				return nil, err
			}
		}
	}
	if len(picked) == 0 {
		return nil, refuse("condition", "%q: no selection is called %s", p.src, glob)
	}
	switch quantity {
	case "1", "any":
		return or(slices.Clone(picked)), nil
	case "all":
		return and(slices.Clone(picked)), nil
	}
	return nil, refuse("condition", "%q: %s of is not supported", p.src, quantity)
}

// spend counts what a selection adds to the rule's text: a condition may name
// it often, but the whole must stay a file.
func (d *detection) spend(name string) error {
	if d.written += d.sizes[name]; d.written > maxDocument {
		return refuse("condition", "written out it is longer than %d bytes", maxDocument)
	}
	return nil
}
