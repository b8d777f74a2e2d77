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

func hasLeafParent(before []pair, o *nestingOrder, path []string) bool {
	prefix := ""
	for _, k := range path[:len(path)-1] {
		prefix += k
		for _, p := range before {
			if o.name(p.field) == prefix {
				return true
			}
		}
		prefix += "."
	}
	return false
}

// nestingOrder caches, for a state of the registry, the order in which nested
// keys come and the split names.
type nestingOrder struct {
	infos []fieldInfo
	ranks []int32
	paths [][]string
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
	o := &nestingOrder{infos, make([]int32, len(infos)), make([][]string, len(infos))}
	sorted := make([]Field, len(infos))
	for i, info := range infos {
		sorted[i] = Field(i)
		o.paths[i] = strings.Split(info.name, ".")
	}
	slices.SortFunc(sorted, func(a, b Field) int { return slices.Compare(o.paths[a], o.paths[b]) })
	for r, f := range sorted {
		o.ranks[f] = int32(r)
	}
	nestingCache.order = o
	return o
}
