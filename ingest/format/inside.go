package format

import "strings"

// nested is a key whose value is cut again.
type nested struct {
	key    string
	slot   int    // of the key, where a step cuts it
	starts string // only values that begin so
	way    way
	by     string // the key whose value chooses among cases
	cases  map[string]*way
}

// way is how a value is cut: by a shape, or by a cutter of text.
type way struct {
	shape shape
	cut   cutter
}

// Two names of `inside` that are no keys of the line.
const (
	wholeBody      = "body"                       // of the line
	structuredData = "log.syslog.structured_data" // of RFC 5424's header
)

// inside reads which values are cut again: key: json, key: {dissect: […]}, or
// either with more to say: key: {cut: json, starts: "{"}, key: {by: id, cases:
// {"1, 2": {dissect: […]}}}.
func (c *compiler) inside(n node) (out []nested, err *Error) {
	err = n.each(func(key string, _, val node) *Error {
		in := nested{key: key}
		var err *Error
		if !val.isMap() {
			in.way, err = c.way(val)
		} else {
			err = val.each(func(key string, at, val node) (err *Error) {
				switch key {
				case "cut":
					in.way, err = c.way(val)
				case "starts":
					in.starts, err = val.text()
				case "by":
					in.by, err = val.text()
				case "cases":
					in.cases, err = c.ways(val)
				default:
					var one cutter
					one, err = c.textCutter(key, at, val)
					in.way.cut = orElse(in.way.cut, one)
				}
				return err
			})
		}
		if err == nil && (in.by != "") != (in.cases != nil) {
			err = val.fail("`by` and `cases` go together")
		}
		if err == nil && in.by == "" && in.way.shape == shapeText && in.way.cut == nil {
			err = val.fail("`cut` is missing")
		}
		out = append(out, in)
		return err
	})
	return out, err
}

// ways reads cases, by the values that choose them.
func (c *compiler) ways(n node) (map[string]*way, *Error) {
	cases := map[string]*way{}
	err := n.each(func(values string, at, val node) *Error {
		w, err := c.way(val)
		for v := range strings.SplitSeq(values, ",") {
			if v = strings.TrimSpace(v); cases[v] != nil {
				return at.fail("%q is chosen twice", v)
			}
			cases[v] = &w
		}
		return err
	})
	return cases, err
}

// way reads json, or {dissect: […]}.
func (c *compiler) way(n node) (w way, err *Error) {
	if n.isMap() {
		w.cut, err = c.ownCutter(n)
		return w, err
	}
	kind, err := n.text()
	if err != nil {
		return w, err
	}
	var ok bool
	if w.shape, ok = shapeKinds[kind]; !ok || w.shape == shapeRows {
		err = n.fail("%q cannot be cut inside another form (known: %s, but rows and none)", kind, cutKinds)
	}
	return w, err
}

// readsBody tells whether a format cuts the body again: a line without any pair
// is of it then.
func (f *compiled) readsBody() bool {
	for i := range f.inside {
		if f.inside[i].key == wholeBody {
			return true
		}
	}
	return false
}

// cutInside cuts the values that the format says hold another form.
func (p *Parser) cutInside(f *compiled, h *header) {
	for i := range f.inside {
		in := &f.inside[i]
		text, found := "", true
		switch in.key {
		case structuredData:
			text = h.sd
		case wholeBody:
			if text = h.body; f.cut != nil { // whose body is a key
				text, found = p.valueOf(f, in.key)
			}
		default:
			text, found = p.valueOf(f, in.key)
		}
		if found {
			p.cutValue(f, in, text)
		}
	}
}

// cutValue cuts one value.
func (p *Parser) cutValue(f *compiled, in *nested, text string) {
	if text == "" || !strings.HasPrefix(text, in.starts) {
		return
	}
	w := &in.way
	if in.by != "" {
		value, _ := p.valueOf(f, in.by)
		if w = in.cases[value]; w == nil {
			w = in.cases["*"]
		}
	}
	n := len(p.tokens)
	switch {
	case w == nil:
	case w.cut != nil:
		w.cut.cut(p, p.insideKeys(w.cut), text)
	default:
		p.cutShape(w.shape, text)
	}
	if p.trace != nil {
		p.trace.inside(p, in, text, n)
	}
}

// valueOf returns the text of a key that was cut, by any of its spellings.
func (p *Parser) valueOf(f *compiled, name string) (string, bool) {
	for i := range p.tokens {
		t := p.tokens[i]
		if t.text == "" || t.key.path != name && p.bindingOf(t.key, f).name != name {
			continue
		}
		if t.kind != plain && t.kind != objectText {
			return p.text(&t, &binding{}), true
		}
		return t.text, true
	}
	return "", false
}

// insideKeys returns the keys of a cutter of values.
func (p *Parser) insideKeys(c cutter) []*key {
	k, ok := p.inner[c]
	if !ok {
		k = newOwn(c)
		p.inner[c] = k
	}
	return k
}

// newOwn makes the keys that a cutter emits.
func newOwn(c cutter) (out []*key) {
	for _, n := range c.names() {
		out = append(out, &key{name: n, path: n, mark: -1})
	}
	return out
}
