package format

import (
	"errors"
	"strings"

	"mimamori/event"
	"mimamori/internal/lang"
)

// block is what happens to an event under a condition.
type block struct {
	use    []*block
	set    []constant
	fields []slotMapping
	copies [][2]event.Field
	add    []constant
	drop   []event.Field
	sums   []sum
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
	for i := range b.set {
		p.x.Set(b.set[i].field, b.set[i].value)
	}
	for i := range b.fields {
		m := &b.fields[i]
		if v, ok := p.rawAt(m.slot); ok {
			p.runMapping(&m.mapping, v)
		}
	}
	for _, c := range b.copies {
		if v, ok := p.x.Get(c[1]); ok {
			p.x.Set(c[0], v)
		}
	}
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
	for i := range b.add {
		for _, s := range b.add[i].value.List() {
			p.addTo(b.add[i].field, s)
		}
	}
	for _, f := range b.drop {
		p.x.Delete(f)
	}
	runSteps(p, b.then)
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

const blockKeys = "use, set, fields, copy, sum, add, drop, then"

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
	b := &block{}
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

func (c *compiler) steps(n node) ([]step, *Error) {
	var out []step
	for _, it := range n.items() {
		s, err := c.step(it)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (c *compiler) step(n node) (step, *Error) {
	s := step{body: &block{}}
	var cases node
	err := n.each(func(key string, at, val node) (err *Error) {
		switch key {
		case "when":
			s.when, err = c.when(val)
		case "by":
			s.by, err = c.byFields(val)
		case "cases":
			cases = val
		case "else":
			s.otherwise, err = c.block(val)
		default:
			var known bool
			if known, err = c.blockKey(s.body, key, val); !known {
				return at.unknown(key, "when, by, cases, else, "+blockKeys)
			}
		}
		return err
	})
	if err != nil {
		return s, err
	}
	if (s.when == nil) == (s.by == nil) {
		return s, n.fail("a step has either `when` or `by`")
	}
	if s.by != nil {
		if cases.ast == nil {
			return s, n.fail("`by` needs `cases`")
		}
		s.cases, err = c.cases(cases, len(s.by))
	}
	return s, err
}

// when compiles a condition; its mistakes point into the file.
func (c *compiler) when(n node) (lang.Program, *Error) {
	text, err := n.text()
	if err != nil {
		return nil, err
	}
	e, perr := lang.Parse(text)
	if perr != nil {
		if le, ok := errors.AsType[*lang.Error](perr); ok {
			msg := le.Msg
			if le.Hint != "" {
				msg += " (" + le.Hint + ")"
			}
			return nil, n.at(le.Line, le.Col, msg)
		}
		return nil, n.fail("%v", perr)
	}
	return e.Compile(nil), nil
}

func (c *compiler) byFields(n node) ([]event.Field, *Error) {
	names, err := n.words()
	if err != nil {
		return nil, err
	}
	var out []event.Field
	for _, name := range names {
		f, err := c.field(name, n)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// cases compiles the choices. A choice by several fields writes their values
// behind each other, blanks between; commas separate further last values:
// "Microsoft-Windows-Sysmon 12, 13, 14".
func (c *compiler) cases(n node, fields int) (map[string]*block, *Error) {
	out := map[string]*block{}
	err := n.each(func(key string, at, val node) *Error {
		b, err := c.block(val)
		if err != nil {
			return err
		}
		lead := ""
		for i, choice := range strings.Split(key, ",") {
			choice = strings.TrimSpace(choice)
			if i == 0 {
				words := choice
				for range fields - 1 {
					blank := strings.LastIndexByte(words, ' ')
					if blank < 0 {
						return at.fail("%q does not give a value for each of the %d fields", choice, fields)
					}
					words = words[:blank] + "\x00" + words[blank+1:]
				}
				lead, choice = words[:strings.LastIndexByte(words, 0)+1], words[strings.LastIndexByte(words, 0)+1:]
			}
			if out[lead+choice] != nil {
				return at.fail("%q is chosen twice", choice)
			}
			out[lead+choice] = b
		}
		return nil
	})
	return out, err
}
