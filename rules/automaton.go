package rules

// automaton finds all of a field's literals in one pass over its value
// (Aho-Corasick, as a full table over byte classes). Two virtual symbols before
// and after the text anchor prefixes and suffixes. It reads folded text;
// upper-case ASCII shares a class with lower case.
type automaton struct {
	class    [256]uint8
	start    uint32 // row after the start symbol
	classes  uint32
	next     []uint32 // row*classes + class → row (premultiplied), hit bit set when it has output
	out      [][]int32
	dict     []uint32 // next shorter state with output; 0 for none
	endClass uint32
	idle     [256]bool // bytes with which no literal begins
}

const (
	hitBit     = 1 << 31
	startClass = 1
)

// literal is one pattern: text that must occur, at the start or end if anchored.
type literal struct {
	text        string // folded
	left, right bool
}

type builderNode struct {
	next map[uint8]int32
	fail int32
	out  []int32
}

// newAutomaton compiles literals and the units that each admits.
func newAutomaton(literals map[literal][]int32) *automaton {
	a := &automaton{classes: 2} // 0: any other byte, 1: start
	for l := range literals {
		for i := range len(l.text) {
			if c := l.text[i]; a.class[c] == 0 {
				a.class[c] = uint8(a.classes)
				a.classes++
			}
		}
	}
	a.endClass = a.classes
	a.classes++
	for c := 'A'; c <= 'Z'; c++ {
		a.class[c] = a.class[c+'a'-'A']
	}
	nodes := a.trie(literals)
	a.link(nodes)
	a.start = a.next[startClass] &^ hitBit
	for c := range a.idle {
		a.idle[c] = a.next[a.class[c]] == 0
	}
	return a
}

func (a *automaton) trie(literals map[literal][]int32) []builderNode {
	nodes := []builderNode{{}}
	for l, units := range literals {
		at := int32(0)
		step := func(class uint8) {
			n, ok := nodes[at].next[class]
			if !ok {
				n = int32(len(nodes))
				nodes = append(nodes, builderNode{})
				if nodes[at].next == nil {
					nodes[at].next = make(map[uint8]int32, 1)
				}
				nodes[at].next[class] = n
			}
			at = n
		}
		if l.left {
			step(startClass)
		}
		for i := range len(l.text) {
			step(a.class[l.text[i]])
		}
		if l.right {
			step(uint8(a.endClass))
		}
		nodes[at].out = append(nodes[at].out, units...)
	}
	return nodes
}

// link fills the table breadth first: a missing step goes where the longest
// proper suffix goes.
func (a *automaton) link(nodes []builderNode) {
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

// scan marks the units of every literal that text holds. text is folded, or
// plain ASCII in any case.
func scan[T string | []byte](a *automaton, text T, marks *bitset) {
	s, next := a.start, a.next
	for i := 0; i < len(text); i++ {
		if s == 0 { // most text is about nothing: pass it quickly
			for i < len(text) && a.idle[text[i]] {
				i++
			}
			if i == len(text) {
				break
			}
		}
		s = next[s+uint32(a.class[text[i]])]
		if s&hitBit != 0 {
			s &^= hitBit
			a.hit(s, marks)
		}
	}
	if s = next[s+a.endClass]; s&hitBit != 0 {
		a.hit(s&^hitBit, marks)
	}
}

func (a *automaton) hit(row uint32, marks *bitset) {
	for s := row / a.classes; s != 0; s = a.dict[s] {
		for _, u := range a.out[s] {
			marks.set(u)
		}
	}
}
