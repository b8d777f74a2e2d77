package aho

// trie holds texts by their first bytes.
type trie struct {
	class   [256]uint8
	classes uint32
	next    []uint32 // row*classes + class → row (premultiplied); 0: none has that
	rows    []row
	texts   []anchored // until finish
}

// row is what has been read up to here.
type row struct {
	out   []int32 // those that begin so
	whole []int32 // those that are this
}

// anchored is a text that another begins with, or is.
type anchored struct {
	text  string
	whole bool
	units []int32
}

func (t *trie) add(text string, whole bool, units []int32) *trie {
	if t == nil {
		t = &trie{}
	}
	t.texts = append(t.texts, anchored{text, whole, units})
	return t
}

func (t *trie) finish() {
	if t == nil {
		return
	}
	t.classes = classesOf(&t.class, func(yield func(string) bool) {
		for _, x := range t.texts {
			if !yield(x.text) {
				return
			}
		}
	})
	t.rows, t.next = make([]row, 1), make([]uint32, t.classes)
	for _, x := range t.texts {
		at := uint32(0)
		for i := range len(x.text) {
			step := &t.next[at+uint32(t.class[x.text[i]])]
			if *step == 0 {
				*step = uint32(len(t.rows)) * t.classes
				at = *step
				t.rows = append(t.rows, row{})
				t.next = append(t.next, make([]uint32, t.classes)...)
				continue
			}
			at = *step
		}
		r := &t.rows[at/t.classes]
		if x.whole {
			r.whole = append(r.whole, x.units...)
		} else {
			r.out = append(r.out, x.units...)
		}
	}
	t.texts = nil
}

func walkBegin[T string | []byte, M Marks](t *trie, text T, marks M) {
	at := uint32(0)
	for i := range len(text) {
		if at = t.next[at+uint32(t.class[text[i]])]; at == 0 {
			return
		}
		r := &t.rows[at/t.classes]
		for _, u := range r.out {
			marks.Mark(u)
		}
		if i == len(text)-1 {
			for _, u := range r.whole {
				marks.Mark(u)
			}
		}
	}
}

func walkEnd[T string | []byte, M Marks](t *trie, text T, marks M) {
	at := uint32(0)
	for i := len(text) - 1; i >= 0; i-- {
		if at = t.next[at+uint32(t.class[text[i]])]; at == 0 {
			return
		}
		for _, u := range t.rows[at/t.classes].out {
			marks.Mark(u)
		}
	}
}

func reversed(s string) string {
	b := make([]byte, len(s))
	for i := range len(s) {
		b[len(s)-1-i] = s[i]
	}
	return string(b)
}
