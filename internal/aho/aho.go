// Package aho finds many literals in a text in one pass (Aho and Corasick, 1975),
// letter case aside. It never blocks and does not allocate while it searches; its
// table takes some dozen bytes for each byte of the literals.
package aho

import "unicode/utf8"

// Automaton is a full table over byte classes. Two virtual symbols before and
// after the text anchor prefixes and suffixes. It reads folded text; upper-case
// ASCII shares a class with lower case.
type Automaton struct {
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

// Literal is text that must occur, at the start or end if anchored.
type Literal struct {
	Text        string // folded
	Left, Right bool
}

// Marks takes the units of what is found.
type Marks interface{ Mark(unit int32) }

type builderNode struct {
	next map[uint8]int32
	fail int32
	out  []int32
}

// New compiles literals and the units that each stands for.
func New(literals map[Literal][]int32) *Automaton {
	a := &Automaton{classes: 2} // 0: any other byte, 1: start
	for l := range literals {
		for i := range len(l.Text) {
			if c := l.Text[i]; a.class[c] == 0 {
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

func (a *Automaton) trie(literals map[Literal][]int32) []builderNode {
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
		if l.Left {
			step(startClass)
		}
		for i := range len(l.Text) {
			step(a.class[l.Text[i]])
		}
		if l.Right {
			step(uint8(a.endClass))
		}
		nodes[at].out = append(nodes[at].out, units...)
	}
	return nodes
}

// link fills the table breadth first: a missing step goes where the longest
// proper suffix goes.
func (a *Automaton) link(nodes []builderNode) {
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

// Scan marks the units of every literal that text holds. text is folded, or
// plain ASCII in any case.
func Scan[T string | []byte, M Marks](a *Automaton, text T, marks M) {
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
			hit(a, s, marks)
		}
	}
	if s = next[s+a.endClass]; s&hitBit != 0 {
		hit(a, s&^hitBit, marks)
	}
}

func hit[M Marks](a *Automaton, row uint32, marks M) {
	for s := row / a.classes; s != 0; s = a.dict[s] {
		for _, u := range a.out[s] {
			marks.Mark(u)
		}
	}
}

// Any tells whether text, of any kind, holds one of the literals once both are
// folded. True may be one too many for who folds less.
func (a *Automaton) Any(text string) bool {
	s, next := a.start, a.next
	var folded [utf8.UTFMax]byte
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			i++
			if s == 0 && a.idle[c] {
				continue
			}
			if s = next[s+uint32(a.class[c])]; s&hitBit != 0 {
				return true
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		i += n
		for _, c := range utf8.AppendRune(folded[:0], foldRune(r)) {
			if s = next[s+uint32(a.class[c])]; s&hitBit != 0 {
				return true
			}
		}
	}
	return next[s+a.endClass]&hitBit != 0
}
