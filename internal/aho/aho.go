// Package aho finds many literals in a text at once, letter case aside: those
// that may stand anywhere in one pass (Aho and Corasick, 1975), or, where they
// are few and long, by skipping most of the text (Wu and Manber, 1994); those
// that must begin or end it by a look at its beginning and end. It never blocks
// and does not allocate while it searches; its tables take some dozen bytes for
// each byte of the literals.
package aho

import "sync"

// Automaton holds literals. It reads folded text, and what AsIs lets pass.
type Automaton struct {
	begin, end *trie  // of those that the text must begin or end with
	skip       *skip  // of the others, or else
	any        *table // any of them
	foreign    bool   // some have letters outside ASCII
	folded     sync.Pool
}

// Literal is text that must occur, at the start or end if anchored.
type Literal struct {
	Text        string // folded
	Left, Right bool
}

// Marks takes the units of what is found.
type Marks interface{ Mark(unit int32) }

// New compiles literals, none of them empty, and the units that each stands for.
func New(literals map[Literal][]int32) *Automaton {
	a, inside := &Automaton{folded: sync.Pool{New: func() any { return new([]byte) }}}, map[string][]int32{}
	for l, units := range literals {
		a.foreign = a.foreign || !IsASCII(l.Text)
		switch {
		case l.Left:
			a.begin = a.begin.add(l.Text, l.Right, units)
		case l.Right:
			a.end = a.end.add(reversed(l.Text), false, units)
		default:
			inside[l.Text] = units
		}
	}
	a.begin.finish()
	a.end.finish()
	if len(inside) == 0 {
		return a
	}
	if a.skip = newSkip(inside); a.skip == nil {
		a.any = newTable(inside)
	}
	return a
}

// Scan marks the units of every literal that text holds. text is folded, or
// AsIs.
func Scan[T string | []byte, M Marks](a *Automaton, text T, marks M) {
	if a.begin != nil {
		walkBegin(a.begin, text, marks)
	}
	if a.end != nil {
		walkEnd(a.end, text, marks)
	}
	switch {
	case a.skip != nil:
		scanSkip(a.skip, text, marks)
	case a.any != nil:
		scanTable(a.any, text, marks)
	}
}

// AsIs tells whether text need not be folded for Scan.
func (a *Automaton) AsIs(text string) bool { return IsASCII(text) || !a.foreign && Plain(text) }

// found notes that there is something.
type found bool

// Mark notes it.
func (f *found) Mark(int32) { *f = true }

// Any tells whether text, of any kind, holds one of the literals once both are
// folded. True may be one too many for who folds less, of texts that are not
// plain ASCII.
func (a *Automaton) Any(text string) bool {
	var f found
	if a.AsIs(text) {
		Scan(a, text, &f)
		return bool(f)
	}
	b := a.folded.Get().(*[]byte)
	*b = AppendFold((*b)[:0], text)
	Scan(a, *b, &f)
	a.folded.Put(b)
	return bool(f)
}
