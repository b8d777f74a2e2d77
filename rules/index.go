package rules

import (
	"math"
	"net/netip"
	"slices"

	"mimamori/event"
	"mimamori/internal/aho"
)

// index holds the predicates of units, by field. An event walks its own fields
// once and gets the units that it can concern.
type index struct {
	fields []*fieldIndex // by event.Field; nil where no unit asks
	asked  []*fieldIndex // the same, without the gaps
	always []int32       // units without a predicate
}

type fieldIndex struct {
	field   event.Field
	has     []int32
	equal   map[string][]int32
	lengths uint64 // which lengths the keys of equal have; bit 63: that or longer
	number  map[uint64][]int32
	words   *aho.Automaton
	nets    map[netip.Prefix][]int32
	netBits []int // distinct prefix lengths of nets: v4 as they are, v6 + 64
	text    bool  // equal or words
	foreign bool  // some of them are not plain ASCII

	literals map[aho.Literal][]int32 // while building
}

// finish compiles what add has gathered.
func (x *index) finish() {
	for _, fi := range x.fields {
		if fi == nil {
			continue
		}
		x.asked = append(x.asked, fi)
		if fi.literals != nil {
			fi.words, fi.literals = aho.New(fi.literals), nil
		}
	}
}

// unit puts one unit into the index.
func (x *index) unit(n need, u int32) {
	if n.always {
		x.always = append(x.always, u)
		return
	}
	seen := make(map[predicate]bool, len(n.anyOf))
	for _, p := range n.anyOf {
		if !seen[p] {
			seen[p] = true
			x.add(p, u)
		}
	}
}

func (x *index) add(p predicate, u int32) {
	for int(p.field) >= len(x.fields) {
		x.fields = append(x.fields, nil)
	}
	fi := x.fields[p.field]
	if fi == nil {
		fi = &fieldIndex{field: p.field, equal: map[string][]int32{}, number: map[uint64][]int32{}, nets: map[netip.Prefix][]int32{}}
		x.fields[p.field] = fi
	}
	switch p.kind {
	case predHas:
		fi.has = append(fi.has, u)
	case predEqual:
		fi.equal[p.text] = append(fi.equal[p.text], u)
		fi.lengths |= 1 << min(len(p.text), 63)
		fi.text, fi.foreign = true, fi.foreign || !aho.IsASCII(p.text)
	case predNumber:
		fi.number[p.number] = append(fi.number[p.number], u)
	case predLiteral:
		if fi.literals == nil {
			fi.literals = map[aho.Literal][]int32{}
		}
		l := aho.Literal{Text: p.text, Left: p.left, Right: p.right}
		fi.literals[l] = append(fi.literals[l], u)
		fi.text, fi.foreign = true, fi.foreign || !aho.IsASCII(p.text)
	case predNetwork:
		fi.addNetwork(p.network, u)
	}
}

func (fi *fieldIndex) addNetwork(p netip.Prefix, u int32) {
	fi.nets[p] = append(fi.nets[p], u)
	code := p.Bits()
	if p.Addr().Is6() {
		code += 64
	}
	if slices.Contains(fi.netBits, code) {
		return
	}
	fi.netBits = append(fi.netBits, code)
}

// mark marks the units that a field's value can concern. scratch is reused.
func (fi *fieldIndex) mark(v event.Value, scratch *[]byte, marks *bitset) {
	for _, u := range fi.has {
		marks.Mark(u)
	}
	if len(fi.number) > 0 {
		for _, u := range fi.number[math.Float64bits(v.Float()+0)] {
			marks.Mark(u)
		}
	}
	if !fi.text && len(fi.nets) == 0 {
		return
	}
	switch v.Kind() {
	case event.Keyword, event.Text, event.IP:
		fi.value(v.Str(), scratch, marks)
	case event.List:
		for _, s := range v.List() {
			fi.value(s, scratch, marks)
		}
	default:
		fi.value(v.Text(), scratch, marks)
	}
}

func (fi *fieldIndex) value(s string, scratch *[]byte, marks *bitset) {
	if len(fi.nets) > 0 {
		fi.address(s, marks)
	}
	if !fi.text {
		return
	}
	asIs := aho.IsASCII(s) || !fi.foreign && aho.Plain(s)
	if !asIs || fi.lengths>>min(len(s), 63)&1 != 0 {
		*scratch = foldInto((*scratch)[:0], s, asIs)
		for _, u := range fi.equal[string(*scratch)] {
			marks.Mark(u)
		}
	}
	switch {
	case fi.words == nil:
	case asIs:
		aho.Scan(fi.words, s, marks)
	default:
		aho.Scan(fi.words, *scratch, marks)
	}
}

func foldInto(dst []byte, s string, asIs bool) []byte {
	if asIs {
		return aho.AppendLower(dst, s)
	}
	return aho.AppendFold(dst, s)
}

func (fi *fieldIndex) address(s string, marks *bitset) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return
	}
	for _, code := range fi.netBits {
		if a.Is6() {
			code -= 64
		}
		p, err := a.Prefix(code)
		if err != nil {
			continue
		}
		for _, u := range fi.nets[p] {
			marks.Mark(u)
		}
	}
}
