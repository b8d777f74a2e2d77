package frame

import (
	"cmp"
	"slices"
)

// Run is a stretch of frames of one sequence that follow each other.
type Run struct {
	First, Last uint64
	Prev        Hash // what the first names as its predecessor
	Hash        Hash // what the frame after the last must name
}

// Chain checks that the frames of one sequence name each other, in whatever
// order they come. Its memory grows with the gaps between them only.
type Chain struct {
	Key
	Runs []Run // ascending and disjoint
}

// Add takes a frame that was not there before, and returns how many of its seams
// are broken: 0, 1 or 2. Each seam is looked at once, when both sides are there.
func (c *Chain) Add(f *Frame) (broken int) {
	r := Run{f.First, f.Last(), f.Prev, f.Chained()}
	i, _ := slices.BinarySearchFunc(c.Runs, r.First, func(x Run, first uint64) int { return cmp.Compare(x.First, first) })
	if r.First == 1 && r.Prev != (Hash{}) {
		broken++
	}
	if i < len(c.Runs) && c.Runs[i].First == r.Last+1 {
		if c.Runs[i].Prev != r.Hash {
			broken++
		}
		r.Last, r.Hash = c.Runs[i].Last, c.Runs[i].Hash
		c.Runs = slices.Delete(c.Runs, i, i+1)
	}
	if i > 0 && c.Runs[i-1].Last+1 == r.First {
		if c.Runs[i-1].Hash != r.Prev {
			broken++
		}
		c.Runs[i-1].Last, c.Runs[i-1].Hash = r.Last, r.Hash
		return broken
	}
	c.Runs = slices.Insert(c.Runs, i, r)
	return broken
}
