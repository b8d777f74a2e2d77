package format

import (
	"strings"

	"mimamori/event"
)

// join writes the texts of fields into another: between other texts, nothing
// when a field is not there; or, with none, those that are there one behind the
// other, lists one by one.
type join struct {
	to    event.Field
	texts []string // before each field and behind the last
	from  []event.Field
	by    string
}

func (j *join) run(p *Parser) {
	if j.texts == nil {
		j.list(p)
		return
	}
	n := len(j.texts[len(j.from)])
	for i, f := range j.from {
		v, ok := p.x.Get(f)
		if !ok {
			return
		}
		n += len(j.texts[i]) + len(v.Text())
	}
	b := p.arena.room(n)
	for i, f := range j.from {
		v, _ := p.x.Get(f)
		b = append(append(b, j.texts[i]...), v.Text()...)
	}
	p.x.Set(j.to, event.String(p.arena.keep(append(b, j.texts[len(j.from)]...))))
}

func (j *join) list(p *Parser) {
	size, n := 0, 0
	for _, f := range j.from {
		v, _ := p.x.Get(f)
		size += len(v.Text()) + len(j.by)
	}
	b := p.arena.room(size)
	for _, f := range j.from {
		v, ok := p.x.Get(f)
		if !ok {
			continue
		}
		one := [1]string{v.Text()}
		list := one[:]
		if v.Kind() == event.List {
			list = v.List()
		}
		for _, s := range list {
			if n++; n > 1 {
				b = append(b, j.by...)
			}
			b = append(b, s...)
		}
	}
	p.setText(j.to, p.arena.keep(b))
}

// joins compiles join: {to: "text %{field} text"}, or {to: {from: a b, by: " "}}.
func (c *compiler) joins(b *block, n node) *Error {
	return n.each(func(to string, at, val node) *Error {
		f, err := c.field(to, at)
		if err != nil {
			return err
		}
		if f.Type() != event.Keyword {
			return at.fail("join makes text, %s is of type %s", to, f.Type())
		}
		j := join{to: f}
		if val.isMap() {
			err = c.listJoin(&j, val)
		} else {
			err = c.textJoin(&j, val)
		}
		b.joins = append(b.joins, j)
		return err
	})
}

func (c *compiler) listJoin(j *join, n node) *Error {
	j.by = ", "
	err := n.each(func(key string, at, val node) (err *Error) {
		switch key {
		case "from":
			j.from, err = c.byFields(val)
		case "by":
			j.by, err = val.text()
		default:
			return at.unknown(key, "from, by")
		}
		return err
	})
	if err == nil && len(j.from) == 0 {
		err = n.fail("`from` is missing: which fields?")
	}
	return err
}

func (c *compiler) textJoin(j *join, n node) *Error {
	text, err := n.text()
	if err != nil {
		return err
	}
	var names []string
	q, err := c.pattern(n, strings.ReplaceAll(text, "}%{", "}\x00%{"), &names)
	if err != nil {
		return err
	}
	j.texts = []string{q.head}
	for _, part := range q.parts {
		if part.own < 0 {
			return n.fail("%%{} without a field's name")
		}
		from, err := c.field(names[part.own], n)
		if err != nil {
			return err
		}
		j.from, j.texts = append(j.from, from), append(j.texts, strings.TrimPrefix(part.after, "\x00"))
	}
	return nil
}
