package store

import (
	"hash/maphash"
	"math/bits"
)

// dict gives small numbers to the distinct values of one column chunk as they
// come: an open-addressing table that keeps the hashes, so that growing does
// not touch the values. Looking a value up when its event is at hand, and
// keeping only its number, is what makes a commit cheap: the event's memory is
// visited once.
type dict struct {
	seed   maphash.Seed
	table  []uint32 // number + 1; 0 is free
	hashes []uint32
	strs   []string
	nums   []uint64
	index  []int32 // the number of each value in the order they came
}

const firstTable = 64

func newDict() *dict { return &dict{seed: maphash.MakeSeed(), table: make([]uint32, firstTable)} }

// reset empties the dictionary and keeps its memory.
func (d *dict) reset() {
	if len(d.hashes) > 0 {
		clear(d.strs)
		d.table = d.table[:firstTable]
		clear(d.table)
	}
	d.hashes, d.strs, d.nums, d.index = d.hashes[:0], d.strs[:0], d.nums[:0], d.index[:0]
}

func (d *dict) grow() {
	n := 4 * len(d.table)
	if cap(d.table) >= n {
		d.table = d.table[:n]
		clear(d.table)
	} else {
		d.table = make([]uint32, n)
	}
	mask := uint32(n - 1)
	for i, h := range d.hashes {
		at := h & mask
		for d.table[at] != 0 {
			at = (at + 1) & mask
		}
		d.table[at] = uint32(i) + 1
	}
}

func (d *dict) addString(s string) {
	if n := len(d.index); n > 0 {
		if i := d.index[n-1]; d.strs[i] == s {
			d.index = append(d.index, i)
			return
		}
	}
	h := uint32(maphash.String(d.seed, s))
	mask := uint32(len(d.table) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		n := d.table[at]
		if n == 0 {
			d.strs = append(d.strs, s)
			d.enter(at, h, len(d.strs))
			return
		}
		if d.hashes[n-1] == h && d.strs[n-1] == s {
			d.index = append(d.index, int32(n)-1)
			return
		}
	}
}

func (d *dict) addNum(v uint64) {
	if n := len(d.index); n > 0 {
		if i := d.index[n-1]; d.nums[i] == v {
			d.index = append(d.index, i)
			return
		}
	}
	h := uint32(v * 0x9E3779B97F4A7C15 >> 32)
	mask := uint32(len(d.table) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		n := d.table[at]
		if n == 0 {
			d.nums = append(d.nums, v)
			d.enter(at, h, len(d.nums))
			return
		}
		if d.nums[n-1] == v {
			d.index = append(d.index, int32(n)-1)
			return
		}
	}
}

// enter notes the n-th distinct value at a place of the table.
func (d *dict) enter(at, hash uint32, n int) {
	d.hashes = append(d.hashes, hash)
	d.table[at] = uint32(n)
	d.index = append(d.index, int32(n)-1)
	if n > len(d.table)/2 {
		d.grow()
	}
}

// distinct returns how many values differ.
func (d *dict) distinct() int { return len(d.hashes) }

// width is how many bits an index takes.
func (d *dict) width() int { return max(1, bits.Len(uint(max(d.distinct(), 1)-1))) }
