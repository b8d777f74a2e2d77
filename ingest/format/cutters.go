package format

// cutter cuts a text body into tokens. It answers false when the line is not of
// its form after all. A cutter keeps no state: parsers share it.
type cutter interface {
	// names lists the keys that the cutter emits; it emits by index.
	names() []string
	cut(p *Parser, own []*key, s string) bool
}

const cutKinds = "kv, json, xml, cef, leef, ltsv, rows, labels, records, columns, pairs, dissect, regex, none"

// shapeKinds are the cutters that belong to a shape.
var shapeKinds = map[string]shape{
	"kv": shapeKV, "json": shapeJSON, "xml": shapeXML, "cef": shapeCEF, "leef": shapeLEEF, "ltsv": shapeLTSV, "rows": shapeRows,
	"labels": shapeLabels, "records": shapeRecords,
}

// cut compiles the cutter.
func (c *compiler) cut(n node) *Error {
	if n.isMap() {
		var err *Error
		c.f.cut, err = c.ownCutter(n)
		return err
	}
	for _, it := range n.items() {
		kind, err := it.text()
		if err != nil {
			return err
		}
		if kind == "none" && !n.isList() {
			c.f.cut = &nothing{}
			return nil
		}
		sh, ok := shapeKinds[kind]
		if !ok {
			return it.fail("unknown way to cut %q (known: %s)", kind, cutKinds)
		}
		c.f.shapes = append(c.f.shapes, sh)
	}
	c.f.shape = c.f.shapes[0]
	return nil
}

// ownCutter compiles the ways to cut whose keys are the format's own: one, or
// several that are tried in order.
func (c *compiler) ownCutter(n node) (out cutter, err *Error) {
	err = n.each(func(kind string, at, val node) *Error {
		one, err := c.textCutter(kind, at, val)
		out = orElse(out, one)
		return err
	})
	if err == nil && out == nil {
		err = n.fail("unknown way to cut (known: %s)", cutKinds)
	}
	return out, err
}

// oneOf tries cutters in order.
type oneOf []cutter

// orElse adds a cutter to those tried before it.
func orElse(before, one cutter) cutter {
	switch b := before.(type) {
	case nil:
		return one
	case *oneOf:
		*b = append(*b, one)
		return b
	}
	return &oneOf{before, one}
}

// names is empty: each cutter has its own.
func (*oneOf) names() []string { return nil }

func (o *oneOf) cut(p *Parser, _ []*key, s string) bool {
	for _, c := range *o {
		if c.cut(p, p.insideKeys(c), s) {
			return true
		}
	}
	return false
}

// textCutter compiles a cutter whose keys are the format's own.
func (c *compiler) textCutter(kind string, at, val node) (cutter, *Error) {
	switch kind {
	case "columns":
		return c.columns(val)
	case "pairs":
		return c.pairs(val)
	case "dissect":
		return c.dissect(val)
	case "regex":
		return c.regex(val)
	}
	return nil, at.unknown(kind, cutKinds)
}

// nothing leaves the body whole, under the key body.
type nothing struct{}

func (*nothing) names() []string { return []string{"body"} }

func (*nothing) cut(p *Parser, own []*key, s string) bool {
	p.emit(own[0], s, plain)
	return true
}
