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
	list  []opening // by text, so that those alike stand in the same words of a set
	size  int       // of a set, in words of 64
	sets  []uint64  // by spot, then by byte
	begin [256]bool // the bytes that any of them begins with
}

// spot is a byte of a body: the offset in a word.
type spot struct{ word, offset int }

// spots are what is looked at: where the first words begin, and where lines that
// begin with a time, a number or the same word differ.
var spots = [...]spot{
	{0, 0}, {0, 4}, {1, 0}, // these leave few words of a set
	{0, 1}, {0, 2}, {0, 3}, {0, 5}, {0, 7}, {0, 8}, {0, 9}, {0, 10}, {1, 2}, {1, 8}, {1, 12}, {2, 0}, {3, 0}, {4, 0}, {5, 0}, {6, 0},
}

const (
	firstSpots = 3
	spotWords  = 7 // words that are looked at
)

// add notes that the lines of an alternative can begin so.
func (x *openings) add(a *alternative, text string, l *like) {
	for i := range x.list {
		if o := &x.list[i]; o.text == text && (o.like == nil) == (l == nil) {
			o.alts = append(o.alts, a)
			return
		}
	}
	x.list = append(x.list, opening{text, l, []*alternative{a}})
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
					x.begin[c] = x.begin[c] || at == (spot{})
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

// of gives the openings that a body can begin with, and maybe some others. It
// takes the same way for every body, which a processor can foresee.
func (x *openings) of(left []some, body string) []some {
	if !x.begin[body[0]] {
		return left[:0]
	}
	a, b, c := x.row(0, body[0]), x.row(1, byteAt(body, spots[1].offset)), x.row(2, 0)
	word := nextWord(body)
	if word != "" {
		c = x.row(2, word[0])
	}
	left = left[:0]
	for n := range a {
		if set := a[n] & b[n] & c[n]; set != 0 {
			left = append(left, some{n, set})
		}
	}
	if len(left) == 0 {
		return left
	}
	words := [spotWords]string{body, word}
	for n := 2; n < spotWords && words[n-1] != ""; n++ {
		words[n] = nextWord(words[n-1])
	}
	for n := firstSpots; n < len(spots); n++ {
		row := x.row(n, byteAt(words[spots[n].word], spots[n].offset))
		for i := range left {
			left[i].bits &= row[left[i].n]
		}
	}
	return left
}

// byteAt is a byte of s, 0 behind its end.
func byteAt(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
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
