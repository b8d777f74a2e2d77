package format

// dissector tries patterns in order.
type dissector struct {
	keys     []string
	patterns []pattern
}

func (d *dissector) names() []string { return d.keys }

func (d *dissector) cut(p *Parser, own []*key, s string) bool {
	for i := range d.patterns {
		if q := &d.patterns[i]; q.like.opens(s) && q.match(p, own, s) {
			p.also(q.block)
			return true
		}
	}
	return false
}

func (c *compiler) dissect(n node) (cutter, *Error) {
	d := &dissector{}
	for _, it := range n.items() {
		at, text, opening, b, err := c.patternItem(it)
		if err != nil {
			return nil, err
		}
		q, err := c.pattern(at, text, &d.keys)
		if err != nil {
			return nil, err
		}
		q.like, q.block = opening, b
		d.patterns = append(d.patterns, q)
	}
	return d, nil
}

// patternItem reads a pattern, or a pattern and what it sets.
func (c *compiler) patternItem(n node) (at node, text string, l like, b *block, err *Error) {
	if !n.isMap() {
		text, err = n.text()
		return n, text, like{}, nil, err
	}
	b = &block{at: n}
	at = n
	err = n.each(func(key string, place, val node) (err *Error) {
		switch key {
		case "pattern":
			at = val
			text, err = val.text()
			return err
		case "like":
			var text string
			text, err = val.text()
			l = newLike(text)
			return err
		}
		known, err := c.blockKey(b, key, val)
		if !known {
			return place.unknown(key, "pattern, like, "+blockKeys)
		}
		return err
	})
	if err == nil && text == "" {
		err = n.fail("`pattern` is missing")
	}
	return at, text, l, b, err
}
