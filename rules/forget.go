package rules

// Forget takes the text of the events that gone accepts out of what correlations
// keep as evidence; a reference stays. It forgets groups that are over, which the
// next event would, too. What is found later does not depend on it. It returns how
// many texts went, and is called between two batches.
func (e *Engine) Forget(gone func(json []byte) bool) (n int) {
	for _, st := range e.states {
		t := st.table
		if t == nil {
			continue
		}
		drop := func(text *[]byte) {
			if *text != nil && gone(*text) {
				t.bytes -= len(*text)
				*text = nil
				n++
			}
		}
		t.clock = max(t.clock, e.clock)
		for l := range t.each {
			for g := range l.groups {
				if t.quiet(l, g) {
					t.remove(g)
					continue
				}
				for i := range g.kept {
					drop(&g.kept[i].JSON)
				}
			}
			for i := range l.heap {
				drop(&l.heap[i].json)
			}
		}
	}
	return n
}
