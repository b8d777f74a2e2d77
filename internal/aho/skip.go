package aho

// skip looks at the ends of windows as long as the shortest literal. The three
// bytes there tell how far the next one is in which a literal can begin.
type skip struct {
	window int
	shift  [threes]uint8 // by three
	ending [threes]uint8 // by three: where in groups those are whose first window bytes end so
	groups [][]literal
}

// three is a hash of three bytes, letter case aside. Where two have the same,
// more is looked at than need be.
type three uint32

const threes = 1 << 12

func threeOf(a, b, c byte) three {
	const golden = 0x9e3779b1
	return three((uint32(a)|uint32(b)<<8|uint32(c)<<16|0x202020)*golden) >> 20
}

type literal struct {
	text  string
	units []int32
}

// Where the shortest literal has less than shortest bytes, or there are more
// than most, reading each byte once is as quick.
const (
	shortest = 6
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
		s.shift[i] = uint8(s.window - 2)
	}
	for l, units := range literals {
		for i := 2; i < s.window; i++ {
			p := threeOf(l[i-2], l[i-1], l[i])
			s.shift[p] = min(s.shift[p], uint8(s.window-1-i))
		}
		end := threeOf(l[s.window-3], l[s.window-2], l[s.window-1])
		if s.shift[end] = 0; s.ending[end] == 0 {
			s.groups = append(s.groups, nil)
			s.ending[end] = uint8(len(s.groups))
		}
		group := &s.groups[s.ending[end]-1]
		*group = append(*group, literal{l, units})
	}
	return s
}

// scanSkip goes through both halves of the text at the same time: each step waits
// for its own last one only.
func scanSkip[T string | []byte, M Marks](s *skip, text T, marks M) {
	i, half := s.window-1, max(s.window-1, len(text)/2)
	j := half
	for i < half && j < len(text) {
		a, b := int(s.shift[threeAt(text, i)]), int(s.shift[threeAt(text, j)])
		if a == 0 {
			a = lookAt(s, text, i, marks)
		}
		if b == 0 {
			b = lookAt(s, text, j, marks)
		}
		i, j = i+a, j+b
	}
	for end := half; ; i, end = j, len(text) {
		for i < end {
			n := int(s.shift[threeAt(text, i)])
			if n == 0 {
				n = lookAt(s, text, i, marks)
			}
			i += n
		}
		if end == len(text) {
			return
		}
	}
}

func threeAt[T string | []byte](text T, i int) three { return threeOf(text[i-2], text[i-1], text[i]) }

// lookAt compares what can stand in the window that ends at i, and goes on by one.
func lookAt[T string | []byte, M Marks](s *skip, text T, i int, marks M) (step int) {
	for _, l := range s.groups[s.ending[threeAt(text, i)]-1] {
		if BeginsWith(text[i-s.window+1:], l.text) {
			for _, u := range l.units {
				marks.Mark(u)
			}
		}
	}
	return 1
}
