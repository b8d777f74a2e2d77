package format

import "strings"

// canonical returns the name that a format gives to a key.
func (f *compiled) canonical(path string) string {
	if c := f.exact[path]; c != "" {
		return c
	}
	if f.keys[path] != nil {
		return path
	}
	best := -1
	for i, w := range f.wild {
		if strings.HasPrefix(path, w.from) && (best < 0 || len(w.from) > len(f.wild[best].from)) {
			best = i
		}
	}
	if best < 0 {
		return path
	}
	w := f.wild[best]
	rest := path[len(w.from):]
	if w.inner {
		if _, after, ok := strings.Cut(rest, "."); ok {
			rest = after
		}
	}
	if w.to != "" && strings.HasPrefix(path, w.to) {
		return path // is spelled so already
	}
	if w.upper && rest != "" && 'a' <= rest[0] && rest[0] <= 'z' {
		rest = string(rest[0]-0x20) + rest[1:]
	}
	if c := f.exact[w.to+rest]; c != "" {
		return c
	}
	return w.to + rest
}

// bindingOf returns what a format does with a key.
func (p *Parser) bindingOf(k *key, f *compiled) *binding {
	if f.id < len(k.bind) && k.bind[f.id] != nil {
		return k.bind[f.id]
	}
	return p.bind(k, f)
}

// bind decides what a format does with a key; later lines find it decided.
func (p *Parser) bind(k *key, f *compiled) *binding {
	name := f.canonical(k.path)
	b := &binding{name: name, slot: -1, op: opVendor}
	if d := f.keys[name]; d != nil {
		b.slot = d.slot
		if d.mapped {
			b.mapping, b.op, b.field = &d.mapping, d.op, d.single
			if d.mapping.keep {
				b.op, b.keep = opActs, true
				p.nameVendor(b, f, name)
			}
		}
	}
	if f.ecs && b.mapping == nil && f.exact[k.path] == "" {
		m := ownName(k.path)
		if m == nil {
			m = ownName(name)
		}
		if m != nil {
			b.mapping, b.op = m, opActs
		}
	}
	if b.op == opVendor {
		for _, ig := range f.ignore {
			prefix, wild := strings.CutSuffix(ig, "*")
			if ig == k.path || ig == name || wild && (strings.HasPrefix(k.path, prefix) && f.exact[k.path] == "" || strings.HasPrefix(name, prefix)) {
				b.op = opSkip
			}
		}
	}
	if b.op == opVendor {
		p.nameVendor(b, f, name)
		if !b.named {
			b.op, b.lost = opSkip, true
		}
	}
	if k.bind == nil {
		k.bind = make([]*binding, len(p.set.formats))
	}
	k.bind[f.id] = b
	return b
}
