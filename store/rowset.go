package store

import "math/bits"

// rowSet is a set of rows of one row group.
type rowSet []uint64

func allRows(n int) rowSet {
	s := newRowSet(n)
	for i := range s {
		s[i] = ^uint64(0)
	}
	if n&63 != 0 {
		s[len(s)-1] = 1<<(n&63) - 1
	}
	return s
}

func newRowSet(n int) rowSet { return make(rowSet, (n+63)/64) }

func (s rowSet) add(row int32) { s[row>>6] |= 1 << (row & 63) }

func (s rowSet) clone() rowSet { return append(rowSet(nil), s...) }

func (s rowSet) count() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

func (s rowSet) empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// join adds the rows of another set.
func (s rowSet) join(t rowSet) {
	for i, w := range t {
		s[i] |= w
	}
}

// without takes the rows of another set out.
func (s rowSet) without(t rowSet) {
	for i, w := range t {
		s[i] &^= w
	}
}

// all yields the rows in order.
func (s rowSet) all(yield func(int32) bool) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			if !yield(int32(i<<6 + bits.TrailingZeros64(w))) {
				return
			}
		}
	}
}
