package store

import (
	"slices"

	"mimamori/event"
)

// seqRange is a run of sequence numbers, both ends included.
type seqRange struct{ first, last uint64 }

// seqSet are ascending, disjoint and not adjoining.
type seqSet []seqRange

// after is the index of the first seqRange that ends at n or behind it.
func (s seqSet) after(n uint64) int {
	i, _ := slices.BinarySearchFunc(s, n, func(x seqRange, n uint64) int {
		if x.last < n {
			return -1
		}
		return 1
	})
	return i
}

func (s seqSet) has(n uint64) bool {
	i := s.after(n)
	return i < len(s) && s[i].first <= n
}

// add joins r with what it touches.
func (s seqSet) add(r seqRange) seqSet {
	i := s.after(max(r.first, 1) - 1) // one that ends right before r is joined, too
	j := i
	for j < len(s) && (s[j].first <= r.last || s[j].first-1 == r.last) {
		r = seqRange{min(r.first, s[j].first), max(r.last, s[j].last)}
		j++
	}
	return slices.Replace(s, i, j, r)
}

// remove leaves nothing of r.
func (s seqSet) remove(r seqRange) seqSet {
	i := s.after(r.first)
	j := i
	var rest seqSet
	for ; j < len(s) && s[j].first <= r.last; j++ {
		if s[j].first < r.first {
			rest = append(rest, seqRange{s[j].first, r.first - 1})
		}
		if s[j].last > r.last {
			rest = append(rest, seqRange{r.last + 1, s[j].last})
		}
	}
	return slices.Replace(s, i, j, rest...)
}

// missing counts the numbers of r that are not there.
func (s seqSet) missing(r seqRange) uint64 {
	n := r.last - r.first + 1
	for _, x := range s[s.after(r.first):] {
		if x.first > r.last {
			break
		}
		n -= min(x.last, r.last) - max(x.first, r.first) + 1
	}
	return n
}

// stream is where sequence numbers belong.
type stream struct {
	collector, source string
	epoch             uint64
}

func (f *FrameRange) stream() stream { return stream{f.Collector, f.Source, f.Epoch} }

func streamOf(r event.Ref) stream { return stream{r.Collector, r.Source, r.Epoch} }
