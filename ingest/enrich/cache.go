package enrich

import (
	"hash/maphash"
	"strings"
)

// cache remembers what was found out about a text. It has a fixed number of
// slots, each of which belongs to the last text that fell into it: no hit
// allocates, no text stays for ever, and who sends ever new texts displaces
// others' but makes nothing grow. The seed is random, so that nobody can aim at
// one slot. One goroutine uses it.
type cache[V any] struct {
	seed  maphash.Seed
	slots []slot[V] // a power of two
}

type slot[V any] struct {
	scope uint32 // what the text belongs to, from 1
	key   string
	value V
}

func newCache[V any](slots int) cache[V] {
	return cache[V]{maphash.MakeSeed(), make([]slot[V], slots)}
}

// at returns the value for a text in a scope; where hit is false the caller
// fills it. It is valid until the next call.
func (c *cache[V]) at(scope uint32, key string) (value *V, hit bool) {
	h := maphash.String(c.seed, key) + uint64(scope)*0x9E3779B97F4A7C15
	s := &c.slots[h>>32&uint64(len(c.slots)-1)]
	if s.scope == scope && s.key == key {
		return &s.value, true
	}
	*s = slot[V]{scope: scope, key: strings.Clone(key)}
	return &s.value, false
}

// forget empties the cache.
func (c *cache[V]) forget() { clear(c.slots) }
