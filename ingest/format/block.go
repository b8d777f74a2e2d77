package format

import (
	"mimamori/event"
	"mimamori/internal/lang"
)

// block is what happens to an event under a condition.
type block struct {
	at     node
	use    []*block
	set    []constant
	fields []slotMapping
	copies [][2]event.Field
	add    []constant
	drop   []event.Field
	sums   []sum
	joins  []join
	inside []nested
	then   []step
}

// sum adds up number fields.
type sum struct {
	to   event.Field
	from []event.Field
}

type constant struct {
	field event.Field
	value event.Value
}

type slotMapping struct {
	slot int
	mapping
}

// step is a condition (when), or a choice by the values of fields (by).
type step struct {
	at        node
	when      lang.Program
	body      *block
	by        []event.Field
	cases     map[string]*block
	otherwise *block
}

// run applies a block.
func (b *block) run(p *Parser) {
	for _, u := range b.use {
		u.run(p)
	}
	for i := range b.inside {
		p.cutLater(&b.inside[i])
	}
	for i := range b.set {
		p.x.Set(b.set[i].field, b.set[i].value)
	}
	p.did("set", b.at)
	for i := range b.fields {
		m := &b.fields[i]
		if v, ok := p.rawAt(m.slot); ok {
			p.runMapping(&m.mapping, v)
			p.didMap(&m.mapping, v)
		}
	}
	for _, c := range b.copies {
		if v, ok := p.x.Get(c[1]); ok {
			p.x.Set(c[0], v)
		}
	}
	p.did("copy", b.at)
	for _, s := range b.sums {
		total, any := int64(0), false
		for _, f := range s.from {
			v, ok := p.x.Get(f)
			total, any = total+v.Int(), any || ok
		}
		if any && total >= 0 {
			p.x.Set(s.to, event.Int(total))
		}
	}
	p.did("sum", b.at)
	for i := range b.joins {
		b.joins[i].run(p)
	}
	p.did("join", b.at)
	for i := range b.add {
		for _, s := range b.add[i].value.List() {
			p.addTo(b.add[i].field, s)
		}
	}
	p.did("add", b.at)
	for _, f := range b.drop {
		p.x.Delete(f)
	}
	p.did("drop", b.at)
	runSteps(p, b.then)
}

// cutLater cuts a value again, by a step; what is in it is mapped as if the line
// had ended with it.
func (p *Parser) cutLater(in *nested) {
	text, ok := p.rawAt(in.slot)
	if !ok {
		return
	}
	n, broken := len(p.tokens), p.broken
	p.cutValue(p.f, in, text)
	p.apply(p.f, n)
	p.broken = broken
}

func runSteps(p *Parser, steps []step) {
	for i := range steps {
		s := &steps[i]
		body := s.otherwise
		switch {
		case s.when != nil:
			if s.when(p.x) {
				body = s.body
			}
		default:
			if b := s.cases[string(p.caseKey(s.by))]; b != nil {
				body = b
			}
		}
		if p.trace != nil {
			p.trace.chosen(p, s, body)
		}
		if body != nil {
			body.run(p)
		}
	}
}

// caseKey writes the values of fields behind each other.
func (p *Parser) caseKey(by []event.Field) []byte {
	p.buf = p.buf[:0]
	for i, f := range by {
		if i > 0 {
			p.buf = append(p.buf, 0)
		}
		v, _ := p.x.Get(f)
		if v.Kind() == event.Keyword || v.Kind() == event.IP {
			p.buf = append(p.buf, v.Str()...)
		} else {
			p.buf = append(p.buf, v.Text()...)
		}
	}
	return p.buf
}

const blockKeys = "use, inside, set, fields, copy, join, sum, add, drop, then"

// blockKey compiles one key of a block; false when the key is none of a block's.
func (c *compiler) blockKey(b *block, key string, val node) (bool, *Error) {
	var err *Error
	switch key {
	case "use":
		err = c.uses(b, val)
	case "set":
		b.set, err = c.constants(val, false)
	case "add":
		b.add, err = c.constants(val, true)
	case "fields":
		err = val.each(func(key string, _, val node) *Error {
			m, err := c.mapping(val)
			b.fields = append(b.fields, slotMapping{c.slot(key), m})
			return err
		})
	case "copy":
		err = c.copies(b, val)
	case "join":
		err = c.joins(b, val)
	case "sum":
		err = val.each(func(to string, at, val node) *Error {
			f, err := c.field(to, at)
			if err != nil {
				return err
			}
			from, err := c.byFields(val)
			b.sums = append(b.sums, sum{f, from})
			return err
		})
	case "inside":
		b.inside, err = c.inside(val)
		for i := range b.inside {
			b.inside[i].slot = c.slot(b.inside[i].key)
		}
	case "drop":
		b.drop, err = c.byFields(val)
	case "then":
		b.then, err = c.steps(val)
	default:
		return false, nil
	}
	return true, err
}

// uses finds the blocks that `use` names.
func (c *compiler) uses(b *block, n node) *Error {
	for _, it := range n.items() {
		name, err := it.text()
		if err != nil {
			return err
		}
		u := c.blocks[name]
		if u == nil {
			return it.fail("no block named %q above this place in `blocks`", name)
		}
		b.use = append(b.use, u)
	}
	return nil
}

// copies compiles copy: {to: from}.
func (c *compiler) copies(b *block, n node) *Error {
	return n.each(func(to string, at, val node) *Error {
		from, err := val.text()
		if err != nil {
			return err
		}
		t, err := c.field(to, at)
		if err != nil {
			return err
		}
		f, err := c.field(from, val)
		if err == nil && t.Type() != f.Type() {
			err = val.fail("%s is of type %s, %s of type %s", to, t.Type(), from, f.Type())
		}
		b.copies = append(b.copies, [2]event.Field{t, f})
		return err
	})
}

// block compiles a mapping of block keys.
func (c *compiler) block(n node) (*block, *Error) {
	b := &block{at: n}
	err := n.each(func(key string, at, val node) *Error {
		known, err := c.blockKey(b, key, val)
		if !known {
			return at.unknown(key, blockKeys)
		}
		return err
	})
	return b, err
}

func (c *compiler) constants(n node, lists bool) ([]constant, *Error) {
	var out []constant
	err := n.each(func(key string, at, val node) *Error {
		f, err := c.field(key, at)
		if err != nil {
			return err
		}
		if lists && f.Type() != event.List {
			return at.fail("add needs a list field, %s is of type %s", key, f.Type())
		}
		v, err := val.constant(f)
		out = append(out, constant{f, v})
		return err
	})
	return out, err
}
