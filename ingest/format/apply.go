package format

import (
	"slices"
	"strings"

	"mimamori/event"
)

// binding is what one format does with one key.
type binding struct {
	name   string // what the format calls the key
	slot   int    // -1 when nobody reads the text later
	op     opcode
	field  event.Field // of opKeyword, opLong, opIP
	vendor event.Field // of opVendor, and for values that do not fit
	named  bool        // vendor is set
	keep   bool        // the value is kept under vendor beside its mapping
	lost   bool        // no field could be given: count the values
	*mapping
}

// apply writes the tokens into the event, beginning with one.
func (p *Parser) apply(f *compiled, first int) {
	p.f = f
	tr := p.trace
	for i := first; i < len(p.tokens); i++ {
		t := &p.tokens[i]
		if tr != nil {
			tr.token(p, f, t)
		}
		if t.text == "" {
			continue
		}
		b := p.bindingOf(t.key, f)
		if b.op == opSkip && b.slot < 0 {
			if b.lost {
				p.dropped++
			}
			continue
		}
		text := t.text
		p.literal = t.kind == literal
		if t.kind != plain {
			if text = p.text(t, b); text == "" {
				continue
			}
		}
		if b.mapping != nil && f.isAbsent(text) {
			continue // another spelling of the key may have a value
		}
		if b.slot >= 0 {
			if p.rawGen[b.slot] == p.gen && !(b.mapping != nil && b.multi) {
				continue // the first spelling of a key wins
			}
			p.raw[b.slot], p.rawGen[b.slot] = text, p.gen
		}
		p.write(t.key, f, b, text)
	}
	if tr != nil {
		tr.close(p)
	}
}

// write puts one value where its binding says.
func (p *Parser) write(k *key, f *compiled, b *binding, text string) {
	switch b.op {
	case opKeyword:
		p.x.Set(b.field, event.String(text))
	case opVendor:
		p.x.Set(b.vendor, event.String(text))
	case opLong:
		if n, ok := parseLong(text); ok {
			p.x.Set(b.field, event.Int(n))
		} else {
			p.unfit(k, f, b, text)
		}
	case opIP:
		if a, ok := event.ParseIP(text); ok {
			p.x.Set(b.field, a)
		} else {
			p.unfit(k, f, b, text)
		}
	case opActs:
		p.act(k, f, b, text)
	}
}

// act runs a mapping that is more than one plain set.
func (p *Parser) act(k *key, f *compiled, b *binding, text string) {
	ok := true
	for _, a := range b.acts {
		ok = a(p, text) && ok
	}
	if !ok {
		p.unfit(k, f, b, text)
		return
	}
	if b.keep && b.named {
		p.x.Set(b.vendor, event.String(text))
	}
}

// unfit keeps a value that does not fit its field under the vendor's name.
func (p *Parser) unfit(k *key, f *compiled, b *binding, text string) {
	if !b.named {
		p.nameVendor(b, f, f.canonical(k.path))
	}
	if b.named {
		p.x.Set(b.vendor, event.String(text))
	} else {
		p.dropped++
	}
	p.fail(b.mapping.unfit)
}

// runMapping runs a block's mapping.
func (p *Parser) runMapping(m *mapping, v string) {
	if p.f.isAbsent(v) {
		return
	}
	ok := true
	for _, a := range m.acts {
		ok = a(p, v) && ok
	}
	if !ok {
		p.fail(m.unfit)
	}
}

// rawAt returns the text of a slot in this line.
func (p *Parser) rawAt(slot int) (string, bool) {
	if p.rawGen[slot] != p.gen {
		return "", false
	}
	return p.raw[slot], true
}

// text resolves what a token's kind says is special about it.
func (p *Parser) text(t *token, b *binding) string {
	switch t.kind {
	case escaped:
		return p.unescape(t.text)
	case quoted:
		return p.unquote(t.text)
	case cefText:
		return p.cefUnescape(t.text)
	case xmlText:
		return p.xmlUnescape(t.text)
	case doubled:
		return strings.ReplaceAll(t.text, `""`, `"`)
	case array:
		return p.arrayText(t.text, b)
	}
	return t.text
}

// arrayText gives an array of scalars as one text, joined by ", ". A list field
// takes the elements one by one, all but the last here. Other arrays stay as
// their JSON text.
func (p *Parser) arrayText(text string, b *binding) string {
	multi := b.mapping != nil && b.multi
	n, size, last := 0, 0, ""
	flat := p.elements(text, func(s string) {
		if multi && last != "" {
			for _, a := range b.acts {
				a(p, last)
			}
		}
		n, size, last = n+1, size+len(s)+2, s
	})
	if !flat {
		return text
	}
	if n < 2 || multi {
		return last
	}
	out := make([]byte, 0, size)
	p.elements(text, func(s string) {
		if len(out) > 0 {
			out = append(out, ", "...)
		}
		out = append(out, s...)
	})
	return p.arena.keep(append(p.arena.room(len(out)), out...))
}

func (f *compiled) isAbsent(s string) bool {
	return f.lengths>>min(len(s), 63)&1 != 0 && slices.Contains(f.absent, s)
}

// nameVendor gives a key a field in the format's own name space, as long as the
// format's limit and the registry allow.
func (p *Parser) nameVendor(b *binding, f *compiled, name string) {
	full := fieldName(f.vendor, name)
	field, ok := event.Lookup(full)
	if !ok {
		if p.vendors[f.id] >= f.limit && f.keys[name] == nil {
			return
		}
		if field, ok = event.Intern(full); ok {
			p.vendors[f.id]++
		}
	}
	if ok && field.Type() == event.Keyword {
		b.vendor, b.named = field, true
	}
}

// fieldName makes a field's name of a key: bytes that names lack become '_'.
func fieldName(space, key string) string {
	out := make([]byte, 0, len(space)+1+len(key))
	out = append(append(out, space...), '.')
	for i := range len(key) {
		c := key[i]
		switch {
		case c == '.' && out[len(out)-1] == '.':
		case isLetter(c) || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '@' || c >= 0x80 || c == '.':
			out = append(out, c)
		default:
			out = append(out, '_')
		}
	}
	return strings.TrimRight(string(out), ".")
}

// reserved are fields that no line may set by naming them.
var reserved = words("municipality", "zone", "source.zone", "destination.zone", "collector", "input", "received", "quarantine", "time.claimed", "time.skew", "time.repair",
	"@timestamp", "event.original", "event.dataset", "event.module", "event.ingested", "log.file.header")

// ownName is the mapping of a key that is an ECS field's name already; nil when
// it is none. Categorisation fields take values that ECS allows only.
func ownName(name string) *mapping {
	f, ok := event.Lookup(name)
	if !ok || !f.Known() || reserved[name] {
		return nil
	}
	act, _ := plainSetter(f)
	if allowed := ecsAllowed[name]; allowed != nil {
		set := act
		act = func(p *Parser, v string) bool { return !allowed[v] || set(p, v) }
	}
	return &mapping{acts: []action{act}, op: opActs, multi: f.Type() == event.List, unfit: "bad type for field " + name}
}
