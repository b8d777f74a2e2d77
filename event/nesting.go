package event

import (
	"slices"
	"strings"
	"sync"
)

type pair struct {
	rank  int32
	field Field
	value Value
}

// hasLeafParent tells whether a field that f lies below is among those before it.
func (o *nestingOrder) hasLeafParent(before []pair, f Field) bool {
	for _, above := range o.above[f] {
		if slices.ContainsFunc(before, func(p pair) bool { return p.field == above }) {
			return true
		}
	}
	return false
}

// nestingOrder caches, for a state of the registry, the order in which nested
// keys come and the split names.
type nestingOrder struct {
	infos []fieldInfo
	ranks []int32
	paths [][]string
	above [][]Field // those that a field lies below: a and a.b of a.b.c; hardly any field has one
}

func (o *nestingOrder) rank(f Field) int32 { return o.ranks[f] }

func (o *nestingOrder) path(f Field) []string { return o.paths[f] }

func (o *nestingOrder) name(f Field) string { return o.infos[f].name }

var nestingCache struct {
	sync.Mutex
	order *nestingOrder
}

func nesting() *nestingOrder {
	infos := *fields.infos.Load()
	nestingCache.Lock()
	defer nestingCache.Unlock()
	if o := nestingCache.order; o != nil && len(o.infos) >= len(infos) {
		return o
	}
	o := &nestingOrder{infos, make([]int32, len(infos)), make([][]string, len(infos)), make([][]Field, len(infos))}
	sorted, named := make([]Field, len(infos)), map[string]Field{}
	for i, info := range infos {
		sorted[i] = Field(i)
		named[info.name] = Field(i)
		o.paths[i] = strings.Split(info.name, ".")
	}
	for i, info := range infos {
		for at := range info.name {
			if above, ok := named[info.name[:at]]; ok && info.name[at] == '.' {
				o.above[i] = append(o.above[i], above)
			}
		}
	}
	slices.SortFunc(sorted, func(a, b Field) int { return slices.Compare(o.paths[a], o.paths[b]) })
	for r, f := range sorted {
		o.ranks[f] = int32(r)
	}
	nestingCache.order = o
	return o
}
