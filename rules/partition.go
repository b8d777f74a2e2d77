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

// newPartitions makes an index of what is rare among the events of each
// condition's kind.
func newPartitions(roots []lang.Node, by func(of int, a allowed) frequency) *partitions {
	p := emptyPartitions()
	for u, root := range roots {
		of, a := kindOf(root)
		p.put(of, a, by(of, a).within(root, of), int32(u))
	}
	p.finish()
	return p
}

// everyTime is the index that lets every condition run: the oracle of the others.
func everyTime(units int) *partitions {
	p := emptyPartitions()
	for u := range units {
		p.any.always = append(p.any.always, int32(u))
	}
	return p
}

func emptyPartitions() *partitions {
	p := &partitions{any: &index{}}
	for _, name := range kindFields {
		p.kinds = append(p.kinds, kind{field: event.MustLookup(name), values: map[string]*index{}})
	}
	return p
}

// finish compiles what put has gathered.
func (p *partitions) finish() {
	p.any.finish()
	for i := range p.kinds {
		for _, x := range p.kinds[i].values {
			x.finish()
		}
		if x := p.kinds[i].absent; x != nil {
			x.finish()
		}
	}
}

// put puts one unit into the indexes of its kinds.
func (p *partitions) put(of int, a allowed, n need, u int32) {
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

// kindOf is what tells the kind of event that a condition is for: which of
// kindFields, -1 for none, and what that must be.
func kindOf(root lang.Node) (of int, a allowed) {
	for i, name := range kindFields {
		if a = allowedValues(root, event.MustLookup(name), false); !a.any {
			return i, a
		}
	}
	return -1, allowedAny
}

// within is what the index asks of an event of a condition's kind before it runs.
// That it is of this kind says nothing there.
func (by frequency) within(root lang.Node, of int) need {
	if of >= 0 {
		if n := by.necessary(lang.And(withoutKind(root, nil)), false); !n.always && n.share < passesAll {
			return n
		}
	}
	return by.necessary(root, false)
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
