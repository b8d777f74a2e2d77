package format

import (
	"slices"
	"strings"

	"mimamori/event"
)

// action writes one value into the event. It answers false when the value does
// not fit the field's type.
type action func(p *Parser, v string) bool

// mapping is where the value of one key goes.
type mapping struct {
	at     node
	acts   []action
	single event.Field // when acts is one plain set of a keyword, long or ip
	op     opcode
	multi  bool   // the target is a list: values of the same key gather
	keep   bool   // kept under the vendor's name too
	unfit  string // the reason when a value does not fit
}

// opcode is what a binding does with a value; the common cases need no call.
type opcode uint8

const (
	opSkip opcode = iota
	opVendor
	opKeyword
	opLong
	opIP
	opActs
)

const mappingKeys = "to, as, table, split, else, keep"

// mapping compiles what stands behind a key in `fields`: a field's name, a
// mapping with options, or a list of these.
func (c *compiler) mapping(n node) (mapping, *Error) {
	m := mapping{at: n}
	c.f.mappings = append(c.f.mappings, n)
	for _, it := range n.items() {
		if err := c.mapInto(&m, it); err != nil {
			return m, err
		}
	}
	if len(m.acts) != 1 {
		m.op = opActs
	}
	return m, nil
}

// mapSpec is a mapping as written.
type mapSpec struct {
	to     []node
	as     []string
	asAt   node
	table  map[string]string
	split  string
	orElse node
}

func (c *compiler) mapInto(m *mapping, n node) *Error {
	var s mapSpec
	if !n.isMap() {
		s.to = []node{n}
	} else if err := c.mapSpec(&s, m, n); err != nil {
		return err
	}
	if len(s.to) == 0 {
		return n.fail("`to` is missing: which field?")
	}
	for i, to := range s.to {
		act, op, f, err := c.target(to, &s, m)
		if err != nil {
			return err
		}
		m.acts = append(m.acts, act)
		m.op, m.single = opActs, f
		if i == 0 && len(s.as) == 0 && s.table == nil && s.orElse.ast == nil && s.split == "" {
			m.op = op
		}
	}
	return nil
}

func (c *compiler) mapSpec(s *mapSpec, m *mapping, n node) *Error {
	return n.each(func(key string, at, val node) (err *Error) {
		switch key {
		case "to":
			s.to = val.items()
		case "as":
			s.as, err = val.words()
			s.asAt = val
		case "table":
			s.table, err = c.table(val)
		case "split":
			s.split, err = val.text()
		case "else":
			s.orElse = val
		case "keep":
			m.keep, err = val.yes()
		default:
			return at.unknown(key, mappingKeys)
		}
		return err
	})
}

// target compiles one target of a mapping.
func (c *compiler) target(to node, s *mapSpec, m *mapping) (action, opcode, event.Field, *Error) {
	name, err := to.text()
	if err != nil {
		return nil, 0, 0, err
	}
	act, op, f, err := c.setter(name, to, s, m)
	if err != nil {
		return nil, 0, 0, err
	}
	if s.orElse.ast != nil {
		other, _, _, err := c.target(s.orElse, &mapSpec{}, m)
		if err != nil {
			return nil, 0, 0, err
		}
		first := act
		act = func(p *Parser, v string) bool { return first(p, v) || other(p, v) }
	}
	if s.split != "" {
		one, sep := act, s.split
		act = func(p *Parser, v string) bool {
			ok := true
			for part := range strings.SplitSeq(v, sep) {
				if part = strings.TrimSpace(part); part != "" {
					ok = one(p, part) && ok
				}
			}
			return ok
		}
	}
	if s.table != nil {
		act = tabled(act, s.table)
	}
	return act, op, f, nil
}

// tabled looks a value up before it is set; "*" is what any other value becomes,
// and without "*" it stays as it is.
func tabled(next action, table map[string]string) action {
	other, any := table["*"]
	return func(p *Parser, v string) bool {
		w, ok := table[v]
		if !ok && any {
			w = other
		} else if !ok {
			w = v
		}
		if p.trace != nil {
			p.trace.changed("table", v, w)
		}
		return w == "" || next(p, w)
	}
}

// setter compiles transforms and the set itself.
func (c *compiler) setter(name string, to node, s *mapSpec, m *mapping) (action, opcode, event.Field, *Error) {
	t, err := c.transforms(name, to, s)
	if err != nil {
		return nil, 0, 0, err
	}
	if ecsAllowed[name] != nil {
		if err := c.checkTable(name, to, s); err != nil {
			return nil, 0, 0, err
		}
	}
	var act action
	op, f := opActs, event.Field(0)
	if t.split != nil {
		act = func(p *Parser, v string) bool { t.split(p, v); return true }
	} else {
		if f, err = c.field(name, to); err != nil {
			return nil, 0, 0, err
		}
		act, op = plainSetter(f)
		m.multi = m.multi || f.Type() == event.List
		m.unfit = "bad type for field " + name
		if t.unit != 0 {
			act = durationSetter(f, t.unit)
		}
		if base, ok := strings.CutSuffix(name, ".address"); ok {
			if a := addressSetter(f, base); a != nil {
				act, op = a, opActs
			}
		}
	}
	for _, change := range slices.Backward(t.chain) {
		next := act
		act = func(p *Parser, v string) bool {
			w := change.do(p, v)
			if p.trace != nil {
				p.trace.changed(change.name, v, w)
			}
			return w == "" || next(p, w)
		}
	}
	return act, op, f, nil
}

// field finds a target field. Names in the format's own name space are interned.
func (c *compiler) field(name string, at node) (event.Field, *Error) {
	if f, ok := event.Lookup(name); ok && (f.Known() || c.ownSpace(name)) {
		return f, nil
	}
	if c.ownSpace(name) {
		if f, ok := event.Intern(name); ok {
			return f, nil
		}
	}
	hint := ""
	if near := event.Nearest(name); near != "" {
		hint = " (did you mean " + near + "?)"
	}
	return 0, at.fail("unknown field %q%s; the format's own fields begin with %s.", name, hint, c.f.vendor)
}

func (c *compiler) ownSpace(name string) bool {
	for _, space := range c.spaces {
		if strings.HasPrefix(name, space) {
			return true
		}
	}
	return strings.HasPrefix(name, c.f.vendor+".") || strings.HasPrefix(name, c.f.module+".")
}
