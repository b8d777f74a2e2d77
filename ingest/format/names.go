package format

import "strings"

// aliases reads other spellings of keys: canonical: [spelling, …].
func (c *compiler) aliases(n node) *Error {
	return n.each(func(key string, at, val node) *Error {
		c.named[key] = true
		spellings, err := val.words()
		if err != nil {
			return err
		}
		for _, s := range spellings {
			if to, isWild := strings.CutSuffix(key, "*"); isWild {
				from, ok := strings.CutSuffix(s, "*")
				if !ok {
					return val.fail("%q needs a * at its end as %q has", s, key)
				}
				from, upper := strings.CutSuffix(from, "^")
				from, inner := strings.CutSuffix(from, "*.")
				c.f.wild = append(c.f.wild, wildcard{from, to, inner, upper})
				continue
			}
			if c.f.exact[s] != "" && c.extending {
				continue // the file itself says otherwise
			}
			if c.f.exact[s] != "" {
				return val.fail("%q is already another spelling of %q", s, c.f.exact[s])
			}
			c.f.exact[s] = key
		}
		return nil
	})
}

// table reads a table, or the name of one.
func (c *compiler) table(n node) (map[string]string, *Error) {
	if !n.isMap() {
		name, err := n.text()
		if err != nil {
			return nil, err
		}
		if t := c.tables[name]; t != nil {
			return t, nil
		}
		if t := builtinTables[name]; t != nil {
			return t, nil
		}
		return nil, n.fail("unknown table %q", name)
	}
	t := map[string]string{}
	err := n.each(func(key string, _, val node) (err *Error) {
		text, err := val.text()
		for k := range strings.SplitSeq(key, ",") {
			t[strings.TrimSpace(k)] = text
		}
		return err
	})
	return t, err
}

// times reads where the event's own time stands.
func (c *compiler) times(n node) *Error {
	for _, it := range n.items() {
		t := timeSpec{at: it}
		from := it
		if it.isMap() {
			from = node{}
			if err := it.each(func(key string, at, val node) (err *Error) {
				switch key {
				case "from":
					from = val
				case "layout":
					t.layouts, err = val.texts()
				case "zone":
					var zone string
					if zone, err = val.text(); err == nil && zone != "UTC" {
						err = val.fail("only UTC can be named; the collector's zone is set outside formats")
					}
					t.utc = true
				case "when":
					t.when, err = c.when(val)
				default:
					return at.unknown(key, "from, layout, zone, when")
				}
				return err
			}); err != nil {
				return err
			}
			if from.ast == nil {
				return it.fail("`from` is missing: which keys?")
			}
		}
		keys, err := from.words()
		if err != nil {
			return err
		}
		for _, k := range keys {
			name, optional := strings.CutSuffix(k, "?")
			t.slots = append(t.slots, c.slot(name))
			t.optional = append(t.optional, optional)
		}
		c.f.times = append(c.f.times, t)
	}
	return nil
}
