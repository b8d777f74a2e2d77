package format

import "slices"

// index finds the alternatives that a line can match without trying the others.
type index struct {
	marks  [shapes]map[string]int32
	byMark [shapes][][]*alternative
	byApp  map[string][]*alternative

	openings openings
	byHeader []*alternative // take rows with any header
	rest     []*alternative // are tried on lines that nothing else takes
	topKV    int            // the highest specificity of a format recognised by keys of pairs
}

func newIndex(formats []*compiled) *index {
	x := &index{byApp: map[string][]*alternative{}}
	for s := range x.marks {
		x.marks[s] = map[string]int32{}
	}
	users := map[string]int{}
	id := 0
	for _, f := range formats {
		for i := range f.alts {
			f.alts[i].id = id
			id++
			for _, k := range f.alts[i].allKeys() {
				users[k]++
			}
		}
	}
	for _, f := range formats {
		f.findWalks()
		for i := range f.alts {
			if !f.alts[i].byName {
				x.add(&f.alts[i], users)
			}
		}
	}
	x.openings.compile()
	return x
}

func (a *alternative) allKeys() []string {
	out := slices.Clone(a.keys)
	for _, v := range a.values {
		out = append(out, v[0])
	}
	return out
}

// add indexes an alternative by its rarest condition.
func (x *index) add(a *alternative, users map[string]int) {
	sh := a.shape
	rarest := ""
	a.marks = nil
	for _, k := range a.allKeys() {
		m, ok := x.marks[sh][k]
		if !ok {
			m = int32(len(x.marks[sh]))
			x.marks[sh][k] = m
			x.byMark[sh] = append(x.byMark[sh], nil)
		}
		a.marks = append(a.marks, m)
		if rarest == "" || users[k] < users[rarest] {
			rarest = k
		}
	}
	switch {
	case rarest != "":
		m := x.marks[sh][rarest]
		x.byMark[sh][m] = append(x.byMark[sh][m], a)
		if sh == shapeKV {
			x.topKV = max(x.topKV, a.spec)
		}
	case len(a.apps) > 0:
		for _, app := range a.apps {
			x.byApp[app] = append(x.byApp[app], a)
		}
	case a.rows:
		x.byHeader = append(x.byHeader, a)
	case a.last:
		x.rest = append(x.rest, a)
	default:
		for _, s := range a.starts {
			x.openings.add(a, s, nil)
		}
		for i := range a.like {
			x.openings.add(a, a.like[i].text, &a.like[i])
		}
	}
}
