package rules

import "math/bits"

// bitset is a set of units that empties itself while it is walked. A second
// level says which words hold something, so that an almost empty set of
// thousands is walked in nanoseconds.
type bitset struct {
	words   []uint64
	summary []uint64
}

func newBitset(n int) *bitset {
	w := (n + 63) / 64
	return &bitset{make([]uint64, w), make([]uint64, (w+63)/64)}
}

// Mark puts a unit in.
func (b *bitset) Mark(u int32) {
	w := uint32(u) >> 6
	b.words[w] |= 1 << (uint32(u) & 63)
	b.summary[w>>6] |= 1 << (w & 63)
}

// pop removes and returns the least member; -1 when there is none.
func (b *bitset) pop() int32 {
	for i, s := range b.summary {
		if s == 0 {
			continue
		}
		w := i<<6 + bits.TrailingZeros64(s)
		u := bits.TrailingZeros64(b.words[w])
		b.words[w] &= b.words[w] - 1
		if b.words[w] == 0 {
			b.summary[i] &= s - 1
		}
		return int32(w<<6 + u)
	}
	return -1
}
