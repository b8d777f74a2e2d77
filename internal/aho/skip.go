package aho

// skip looks at the ends of windows as long as the shortest literal. The two
// bytes there tell how far the next one is in which a literal can begin.
type skip struct {
	window int
	shift  [pairs]uint8 // by pair
	ending [pairs]uint8 // by pair: where in groups those are whose first window bytes end so
	groups [][]literal
}

// pair is a hash of two bytes, letter case aside. Where two have the same, more
// is looked at than need be.
type pair uint32

const pairs = 1 << 12

func pairOf(a, b byte) pair {
	const golden = 0x9e3779b1
	return pair((uint32(a)|uint32(b)<<8|0x2020)*golden) >> 20
}

type literal struct {
	text  string
	units []int32
}

// Where the shortest literal has less than shortest bytes, or there are more
// than most, reading each byte once is as quick.
const (
	shortest = 5
	most     = 100
	longest  = 255
)

// newSkip is nil where skipping would not pay.
func newSkip(literals map[string][]int32) *skip {
	s := &skip{window: longest}
	for l := range literals {
		s.window = min(s.window, len(l))
	}
	if s.window < shortest || len(literals) > most {
		return nil
	}
	for i := range s.shift {
		s.shift[i] = uint8(s.window - 1)
	}
	for l, units := range literals {
		for i := 1; i < s.window; i++ {
			p := pairOf(l[i-1], l[i])
			s.shift[p] = min(s.shift[p], uint8(s.window-1-i))
		}
		end := pairOf(l[s.window-2], l[s.window-1])
		if s.shift[end] = 0; s.ending[end] == 0 {
			s.groups = append(s.groups, nil)
			s.ending[end] = uint8(len(s.groups))
		}
		group := &s.groups[s.ending[end]-1]
		*group = append(*group, literal{l, units})
	}
	return s
}

func scanSkip[T string | []byte, M Marks](s *skip, text T, marks M) {
	for i := s.window - 1; i < len(text); i++ {
		p := pairOf(text[i-1], text[i])
		if n := int(s.shift[p]); n > 0 {
			i += n - 1
			continue
		}
		for _, l := range s.groups[s.ending[p]-1] {
			if beginsWith(text[i-s.window+1:], l.text) {
				for _, u := range l.units {
					marks.Mark(u)
				}
			}
		}
	}
}

func beginsWith[T string | []byte](text T, folded string) bool {
	if len(text) < len(folded) {
		return false
	}
	for i := range len(folded) {
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != folded[i] {
			return false
		}
	}
	return true
}
