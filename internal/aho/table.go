package aho

// table is a full table over byte classes. Upper-case ASCII shares a class with
// lower case.
type table struct {
	class   [256]uint8
	classes uint32
	next    []uint32 // row*classes + class → row (premultiplied), hit bit set when it has output
	out     [][]int32
	dict    []uint32  // next shorter state with output; 0 for none
	idle    [256]bool // bytes with which no literal begins
}

const hitBit = 1 << 31

type node struct {
	next map[uint8]int32
	fail int32
	out  []int32
}

// classesOf gives every byte that occurs a number from 1; 0 is any other.
func classesOf(class *[256]uint8, texts func(yield func(string) bool)) (classes uint32) {
	classes = 1
	for s := range texts {
		for i := range len(s) {
			if c := s[i]; class[c] == 0 {
				class[c] = uint8(classes)
				classes++
			}
		}
	}
	for c := 'A'; c <= 'Z'; c++ {
		class[c] = class[c+'a'-'A']
	}
	return classes
}

func newTable(literals map[string][]int32) *table {
	a := &table{}
	a.classes = classesOf(&a.class, func(yield func(string) bool) {
		for l := range literals {
			if !yield(l) {
				return
			}
		}
	})
	nodes := []node{{}}
	for l, units := range literals {
		at := int32(0)
		for i := range len(l) {
			class := a.class[l[i]]
			n, ok := nodes[at].next[class]
			if !ok {
				n = int32(len(nodes))
				nodes = append(nodes, node{})
				if nodes[at].next == nil {
					nodes[at].next = make(map[uint8]int32, 1)
				}
				nodes[at].next[class] = n
			}
			at = n
		}
		nodes[at].out = append(nodes[at].out, units...)
	}
	a.link(nodes)
	for c := range a.idle {
		a.idle[c] = a.next[a.class[c]] == 0
	}
	return a
}

// link fills the table breadth first: a missing step goes where the longest
// proper suffix goes.
func (a *table) link(nodes []node) {
	k := a.classes
	a.next = make([]uint32, uint32(len(nodes))*k)
	a.out, a.dict = make([][]int32, len(nodes)), make([]uint32, len(nodes))
	queue := make([]int32, 1, len(nodes))
	for i := 0; i < len(queue); i++ {
		at := queue[i]
		n := &nodes[at]
		a.out[at] = n.out
		if at != 0 {
			f := uint32(n.fail)
			if len(nodes[f].out) > 0 {
				a.dict[at] = f
			} else {
				a.dict[at] = a.dict[f]
			}
			copy(a.next[uint32(at)*k:uint32(at+1)*k], a.next[f*k:(f+1)*k])
		}
		for class, child := range n.next {
			fail := int32(a.next[uint32(at)*k+uint32(class)] / k)
			nodes[child].fail = fail
			a.next[uint32(at)*k+uint32(class)] = uint32(child) * k
			queue = append(queue, child)
		}
	}
	for i, row := range a.next {
		if s := row / k; len(a.out[s]) > 0 || a.dict[s] != 0 {
			a.next[i] |= hitBit
		}
	}
}

func scanTable[T string | []byte, M Marks](a *table, text T, marks M) {
	s, next := uint32(0), a.next
	for i := 0; i < len(text); i++ {
		if s == 0 { // most text is about nothing: pass it quickly
			for i < len(text) && a.idle[text[i]] {
				i++
			}
			if i == len(text) {
				return
			}
		}
		s = next[s+uint32(a.class[text[i]])]
		if s&hitBit == 0 {
			continue
		}
		s &^= hitBit
		for row := s / a.classes; row != 0; row = a.dict[row] {
			for _, u := range a.out[row] {
				marks.Mark(u)
			}
		}
	}
}
