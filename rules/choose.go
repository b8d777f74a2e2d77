package rules

import (
	"maps"
	"slices"
	"strings"

	"mimamori/event"
	"mimamori/internal/aho"
)

// Choice is an index for one engine, chosen by what was seen.
type Choice struct {
	engine *Engine
	index  *partitions
}

// Choose makes an index by what was seen until now. It reads nothing that
// Evaluate changes, and may run beside it; nothing that the engine finds changes.
func (e *Engine) Choose() *Choice { return &Choice{e, e.choose()} }

// Use takes an index into use, if it was chosen for this engine.
func (e *Engine) Use(c *Choice) {
	if c.engine == e {
		e.index = c.index
	}
}

func (e *Engine) choose() *partitions {
	if e.opts.Naive {
		return everyTime(len(e.roots))
	}
	if seen := e.opts.Seen.take(); seen != nil {
		o := &observed{seen: seen, kinds: map[string]*kindSeen{}, folded: map[value]string{}}
		return newPartitions(e.roots, o.frequency)
	}
	return newPartitions(e.roots, func(int, allowed) frequency { return share })
}

// observed tells how often predicates are true, by asking what was seen.
type observed struct {
	seen   *event.Batch
	kinds  map[string]*kindSeen
	folded map[value]string
}

// value is the text of a field of one of the events; item counts in a list.
type value struct {
	event, item int
	field       event.Field
}

// kindSeen are the events of one kind, and what is known of them.
type kindSeen struct {
	events []int
	shares map[predicate]float64
}

// An estimate counts like priorEvents more events, so that few events prove little;
// beyond enoughEvents of a kind more would prove little more.
const (
	priorEvents  = 8
	enoughEvents = 128
)

// frequency is that of the events of a kind.
func (o *observed) frequency(of int, a allowed) frequency {
	name := a.name(of)
	k := o.kinds[name]
	if k == nil {
		k = &kindSeen{events: o.ofKind(of, a), shares: map[predicate]float64{}}
		o.kinds[name] = k
	}
	return func(p predicate) float64 {
		s, known := k.shares[p]
		if !known {
			s = o.share(k, p)
			k.shares[p] = s
		}
		return s
	}
}

func (o *observed) share(k *kindSeen, p predicate) float64 {
	yes, text := 0, 0
	for _, i := range k.events {
		v, ok := o.seen.Events[i].Get(p.field)
		if !ok {
			continue
		}
		text += len(v.Str())
		if o.holds(p, v, value{event: i, field: p.field}) {
			yes++
		}
	}
	n := float64(len(k.events))
	cost := effort(p)
	if n > 0 && p.kind == predLiteral && !p.left && !p.right {
		cost = (float64(text)*perByte + cost*priorEvents) / (n + priorEvents)
	}
	return (float64(yes)+estimate(p)*priorEvents)/(n+priorEvents) + cost
}

// ofKind finds events of a kind.
func (o *observed) ofKind(of int, a allowed) (out []int) {
	var field event.Field
	if of >= 0 {
		field = event.MustLookup(kindFields[of])
	}
	for i := range o.seen.Events {
		if len(out) < enoughEvents && (of < 0 || o.isKind(i, field, a)) {
			out = append(out, i)
		}
	}
	return out
}

func (o *observed) isKind(i int, f event.Field, a allowed) bool {
	v, ok := o.seen.Events[i].Get(f)
	if !ok {
		return a.absent
	}
	return o.some(v, value{event: i, field: f}, func(s string) bool { _, ok := a.values[s]; return ok })
}

// holds tells whether a predicate is true of a field's value, as the index does.
func (o *observed) holds(p predicate, v event.Value, at value) bool {
	switch p.kind {
	case predHas:
		return true
	case predNumber:
		return numberKey(v) == p.number
	case predNetwork:
		for _, s := range itemsOf(v) {
			if a, ok := event.ParseIP(s); ok && p.network.Contains(a.IP()) {
				return true
			}
		}
		return false
	}
	return o.some(v, at, func(s string) bool {
		switch {
		case p.kind == predEqual, p.left && p.right:
			return s == p.text
		case p.left:
			return strings.HasPrefix(s, p.text)
		case p.right:
			return strings.HasSuffix(s, p.text)
		}
		return strings.Contains(s, p.text)
	})
}

// some tells whether a test passes on a value's folded text, or on that of an item.
func (o *observed) some(v event.Value, at value, test func(string) bool) bool {
	for i, s := range itemsOf(v) {
		at.item = i
		low, known := o.folded[at]
		if !known {
			low = aho.Fold(s)
			o.folded[at] = low
		}
		if test(low) {
			return true
		}
	}
	return false
}

func itemsOf(v event.Value) []string {
	switch v.Kind() {
	case event.List:
		return v.List()
	case event.Keyword, event.Text, event.IP:
		return []string{v.Str()}
	}
	return []string{v.Text()}
}

// name tells kinds apart.
func (a allowed) name(of int) string {
	if of < 0 {
		return ""
	}
	name := kindFields[of] + "\x00" + strings.Join(slices.Sorted(maps.Keys(a.values)), "\x00")
	if a.absent {
		name += "\x00\x00"
	}
	return name
}
