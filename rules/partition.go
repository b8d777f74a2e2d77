package rules

import (
	"maps"
	"slices"

	"mimamori/event"
	"mimamori/internal/aho"
	"mimamori/internal/lang"
)

// partitions splits the units by fields that tell kinds of events apart. Most
// rules are for one kind, so that an event walks the indexes of its own kinds
// and of the rules that are for any: small tables instead of one large.
type partitions struct {
	any     *index
	kinds   []kind
	scratch []byte
	own     []*index // of the event at hand
}

// kind is one field that tells kinds apart.
type kind struct {
	field  event.Field
	values map[string]*index // by folded value
	absent *index            // units for events without the field; may be nil
}

// kindFields tell kinds of events apart, in order of preference.
var kindFields = []string{"winlog.event_id", "winlog.channel", "event.dataset", "event.category"}

func newPartitions(roots []lang.Node, naive bool) *partitions {
	p := &partitions{any: &index{}}
	for _, name := range kindFields {
		p.kinds = append(p.kinds, kind{field: event.MustLookup(name), values: map[string]*index{}})
	}
	for u, root := range roots {
		if naive {
			p.any.always = append(p.any.always, int32(u))
			continue
		}
		p.put(root, int32(u))
	}
	p.any.finish()
	for i := range p.kinds {
		for _, x := range p.kinds[i].values {
			x.finish()
		}
		if x := p.kinds[i].absent; x != nil {
			x.finish()
		}
	}
	return p
}

func (p *partitions) put(root lang.Node, u int32) {
	of, a, n := admission(root)
	if of < 0 {
		p.any.unit(n, u)
		return
	}
	k := &p.kinds[of]
	for v := range a.values {
		if k.values[v] == nil {
			k.values[v] = &index{}
		}
		k.values[v].unit(n, u)
	}
	if a.absent {
		if k.absent == nil {
			k.absent = &index{}
		}
		k.absent.unit(n, u)
	}
}

// passesAll is the share above which a predicate is no better than the kind.
const passesAll = 0.5

// admission is what the index asks of an event before a condition runs: which of
// kindFields tells its kind (-1: none does), what that must be, and a predicate.
// Within a kind, that it is of this kind says nothing.
func admission(root lang.Node) (of int, a allowed, n need) {
	n = necessary(root, false)
	for i, name := range kindFields {
		if a = allowedValues(root, event.MustLookup(name), false); a.any {
			continue
		}
		if x := necessary(lang.And(withoutKind(root, nil)), false); !x.always && x.share < passesAll {
			n = x
		}
		return i, a, n
	}
	return -1, allowedAny, n
}

// withoutKind appends the parts that must be true, but for those that ask for
// the kind of event.
func withoutKind(n lang.Node, to []lang.Node) []lang.Node {
	switch n := n.(type) {
	case lang.And:
		for _, x := range n {
			to = withoutKind(x, to)
		}
		return to
	case *lang.Test:
		if n.Op == lang.Eq && slices.Contains(kindFields, n.Field.Name()) {
			return to
		}
	}
	return append(to, n)
}

// candidates marks the units that the event can concern.
func (p *partitions) candidates(ev *event.Event, marks *bitset) {
	p.own = append(p.own[:0], p.any)
	for i := range p.kinds {
		k := &p.kinds[i]
		v, ok := ev.Get(k.field)
		switch {
		case !ok:
			p.use(k.absent)
		case len(k.values) == 0:
		case v.Kind() == event.List:
			for _, s := range v.List() {
				p.lookup(k, s)
			}
		case v.Kind() == event.Keyword, v.Kind() == event.Text, v.Kind() == event.IP:
			p.lookup(k, v.Str())
		default:
			p.lookup(k, v.Text())
		}
	}
	for _, x := range p.own {
		for _, u := range x.always {
			marks.Mark(u)
		}
		if len(x.asked) > ev.Len() {
			p.walk(x, ev, marks)
			continue
		}
		for i := range x.asked {
			if v, ok := ev.Get(x.asked[i].field); ok {
				x.asked[i].mark(v, &p.scratch, marks)
			}
		}
	}
}

// walk takes the event's fields one by one, where the index asks for more.
func (p *partitions) walk(x *index, ev *event.Event, marks *bitset) {
	for f, v := range ev.All {
		if int(f) < len(x.fields) {
			if fi := x.fields[f]; fi != nil {
				fi.mark(v, &p.scratch, marks)
			}
		}
	}
}

func (p *partitions) lookup(k *kind, s string) {
	p.scratch = foldInto(p.scratch[:0], s, aho.IsASCII(s))
	p.use(k.values[string(p.scratch)])
}

func (p *partitions) use(x *index) {
	if x != nil {
		p.own = append(p.own, x)
	}
}

// allowed is what a condition needs of a field to be true: that some value of
// it is among values (folded), or that it is absent; any when it needs neither.
type allowed struct {
	any    bool
	values map[string]struct{}
	absent bool
}

var allowedAny = allowed{any: true}

func (a allowed) size() int {
	if a.absent {
		return len(a.values) + 1
	}
	return len(a.values)
}

// allowedValues derives what a condition (or its opposite) needs of a field.
func allowedValues(n lang.Node, f event.Field, negated bool) allowed {
	switch n := n.(type) {
	case lang.Const:
		if bool(n) == negated {
			return allowed{}
		}
	case lang.Not:
		return allowedValues(n.Node, f, !negated)
	case lang.And:
		if negated {
			return allowedByAny(n, f, negated)
		}
		return allowedByAll(n, f, negated)
	case lang.Or:
		if negated {
			return allowedByAll(n, f, negated)
		}
		return allowedByAny(n, f, negated)
	case *lang.Test:
		switch {
		case n.Field != f:
		case negated && n.Op == lang.Has:
			return allowed{absent: true}
		case !negated && n.Op == lang.Eq:
			a := allowed{values: map[string]struct{}{}}
			for _, v := range n.Values {
				a.values[aho.Fold(v.Str())] = struct{}{}
			}
			return a
		}
	}
	return allowedAny
}

// allowedByAll takes the narrowest need of parts that must all be true. They
// are not intersected: a list field may meet each by another element.
func allowedByAll(nodes []lang.Node, f event.Field, negated bool) allowed {
	out := allowedAny
	for _, n := range nodes {
		if a := allowedValues(n, f, negated); out.any || !a.any && a.size() < out.size() {
			out = a
		}
	}
	return out
}

// allowedByAny unites the needs of parts of which one must be true.
func allowedByAny(nodes []lang.Node, f event.Field, negated bool) allowed {
	out := allowed{values: map[string]struct{}{}}
	for _, n := range nodes {
		a := allowedValues(n, f, negated)
		if a.any {
			return allowedAny
		}
		maps.Copy(out.values, a.values)
		out.absent = out.absent || a.absent
	}
	return out
}
