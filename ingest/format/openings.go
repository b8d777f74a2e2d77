package format

import (
	"cmp"
	"math/bits"
	"slices"
)

// openings finds those that a body can begin with by looking at a few of its
// bytes, however many openings there are: for each spot and each byte there it
// holds the set of openings that allow it, and only what is in all of a body's
// sets is tried.
type openings struct {
	list []opening // by text, so that those alike stand in the same words of a set
	size int       // of a set, in words of 64
	sets []uint64  // by spot, then by byte
}

// spot is a byte of a body: the offset in a word.
type spot struct{ word, offset int }

// spots are looked at in this order, until a few openings are left: the bytes
// with which the first words begin, and those where lines that begin with a time
// or a number differ.
var spots = [...]spot{
	{0, 0}, {0, 4}, {1, 0}, {0, 10}, {1, 8}, {2, 0}, {0, 1}, {0, 7}, {3, 0}, {0, 2}, {4, 0}, {5, 0}, {6, 0}, {7, 0}, {1, 1}, {0, 3}, {1, 12}, {2, 1},
}

const (
	spotWords   = 8 // words that are looked at
	fewOpenings = 2 // are tried without looking further
)

// add notes that the lines of an alternative can begin so.
func (x *openings) add(a *alternative, text string, like bool) {
	for i := range x.list {
		if o := &x.list[i]; o.text == text && o.like == like {
			o.alts = append(o.alts, a)
			return
		}
	}
	x.list = append(x.list, opening{text, like, []*alternative{a}})
}

// compile makes the sets of all that was added.
func (x *openings) compile() {
	slices.SortFunc(x.list, func(a, b opening) int { return cmp.Compare(a.text, b.text) })
	x.size = (len(x.list) + 63) / 64
	x.sets = make([]uint64, len(spots)*256*x.size)
	for n, at := range spots {
		for i := range x.list {
			tell := x.list[i].bytesAt(at)
			for c := range 256 {
				if tell == nil || tell[c] {
					x.row(n, byte(c))[i>>6] |= 1 << (i & 63)
				}
			}
		}
	}
}

// row is the set of openings that allow a byte at the nth spot.
func (x *openings) row(n int, c byte) []uint64 {
	return x.sets[(n<<8|int(c))*x.size:][:x.size]
}

// some is a part of a set that is not empty: its nth word.
type some struct {
	n    int
	bits uint64
}

// of gives the openings that a body can begin with, and maybe some others.
func (x *openings) of(left []some, body string) []some {
	left = left[:0]
	for n, set := range x.row(0, body[0]) {
		if set != 0 {
			left = append(left, some{n, set})
		}
	}
	var starts [spotWords]int // of the words, len(body) for those that are not there
	known := 0
	for n := 1; n < len(spots); n++ {
		if areFew(left) {
			break
		}
		at := spots[n]
		for ; known < at.word; known++ {
			starts[known+1] = len(body) - len(nextWord(body[starts[known]:]))
		}
		c := byte(0)
		if i := starts[at.word] + at.offset; i < len(body) {
			c = body[i]
		}
		row, kept := x.row(n, c), 0
		for _, l := range left {
			if l.bits &= row[l.n]; l.bits != 0 {
				left[kept] = l
				kept++
			}
		}
		left = left[:kept]
	}
	return left
}

func areFew(left []some) bool {
	n := 0
	for _, l := range left {
		if n += bits.OnesCount64(l.bits); n > fewOpenings {
			return false
		}
	}
	return true
}

// tryOpenings notes the alternatives whose lines begin as the body does.
func (p *Parser) tryOpenings(h *header, best int) int {
	x := &p.set.index.openings
	p.left = x.of(p.left, h.body)
	for _, l := range p.left {
		for set := l.bits; set != 0; set &= set - 1 {
			o := &x.list[l.n<<6|bits.TrailingZeros64(set)]
			if !o.matches(h.body) {
				continue
			}
			for _, a := range o.alts {
				if !p.beaten(a) && a.matchesRest(h.body, h.app) {
					p.found = append(p.found, a)
					best = max(best, a.spec)
				}
			}
		}
	}
	return best
}
