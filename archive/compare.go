package archive

import (
	"fmt"
	"slices"
	"sort"

	"mimamori/frame"
)

// compare names how the records differ from the leaves that should be there.
func (w *dayCheck) compare(records []found, want []frame.Hash, bad []damage, size int64) {
	place := make(map[frame.Hash]int, len(want))
	for i, l := range want {
		place[l] = i
	}
	at := make([]int, len(records)) // where each record should be, -1: nowhere, -2: it is there already
	there := make([]bool, len(want))
	for i, r := range records {
		n, ok := place[r.leaf]
		switch {
		case !ok:
			at[i] = -1
		case there[n]:
			at[i] = -2
		default:
			at[i], there[n] = n, true
		}
	}
	kept := inOrder(at)
	s := span{bad: bad, used: make([]bool, len(bad)), size: size}
	next := 0 // the leaf that should come next
	for i := 0; i <= len(records); i++ {
		if i < len(records) && !kept[i] {
			continue
		}
		until := len(want)
		if i < len(records) {
			until = at[i]
		}
		s.lost, s.from, s.before = s.lost[:0], next, i
		for n := next; n < until; n++ {
			if !there[n] {
				s.lost = append(s.lost, n)
			}
		}
		if len(s.lost) > 0 {
			w.missing(records, at, len(want), &s)
		}
		next = until + 1
	}
	for i, r := range records {
		f := Finding{File: w.file(framesSuffix), Offset: r.at}
		switch {
		case kept[i] || at[i] == -3:
			continue
		case at[i] == -2:
			f.Kind, f.Text = Replayed, r.name+" stands here once more"
			f.Frame = uint64(place[r.leaf]) + 1
		case at[i] >= 0:
			f.Kind, f.Frame, f.Text = Reordered, uint64(at[i])+1, fmt.Sprintf("%s is number %d here", r.name, i+1)
		case r.away != "":
			f.Kind, f.Text = Replayed, fmt.Sprintf("%s belongs to %s", r.name, r.away)
		default:
			f.Kind, f.Text = Inserted, r.name+" was not there when the day was written"
		}
		w.v.find(f)
	}
	for i, d := range bad {
		if !s.used[i] {
			w.v.find(Finding{Kind: Inserted, File: w.file(framesSuffix), Offset: d.From, Text: fmt.Sprintf("%d bytes that are no frame", d.To-d.From)})
		}
	}
}

// span is a run of leaves between two records that are in their places.
type span struct {
	lost   []int // those without a record anywhere
	from   int   // the first leaf
	before int   // the record that follows
	bad    []damage
	used   []bool
	size   int64
}

// missing says what became of leaves that have no record at all: edited where
// something else stands in their place, else cut off or taken out.
func (w *dayCheck) missing(records []found, at []int, want int, s *span) {
	lost := s.lost
	low, high := int64(0), s.size
	first := s.before // records between the neighbours
	for first > 0 && !inPlace(at, first-1, s.from) {
		first--
	}
	if first > 0 {
		low = records[first-1].at
	}
	if s.before < len(records) {
		high = records[s.before].at
	}
	for i := range s.bad {
		if len(lost) > 0 && !s.used[i] && s.bad[i].From >= low && s.bad[i].To <= high {
			s.used[i] = true
			kind, text := Edited, "its bytes are not those that were written"
			if s.bad[i].To == s.size && (len(lost) > 1 || w.cut(&s.bad[i], s.size)) {
				kind, text = Truncated, "the file ends inside this frame"
			}
			w.v.find(Finding{Kind: kind, File: w.file(framesSuffix), Frame: uint64(lost[0]) + 1, Offset: s.bad[i].From, Text: text})
			lost = lost[1:]
		}
	}
	for i := first; i < s.before && len(lost) > 0; i++ {
		if at[i] == -1 && records[i].away == "" {
			at[i] = -3
			w.v.find(Finding{Kind: Edited, File: w.file(framesSuffix), Frame: uint64(lost[0]) + 1, Offset: records[i].at, Text: records[i].name + " stands in its place"})
			lost = lost[1:]
		}
	}
	for _, n := range runs(lost) {
		f := Finding{Kind: Deleted, File: w.file(framesSuffix), Frame: uint64(n[0]) + 1, Offset: high, Text: fmt.Sprintf("%d frames, from number %d to %d, were taken out", n[1]-n[0]+1, n[0]+1, n[1]+1)}
		if n[1] == want-1 && s.before == len(records) {
			f.Kind, f.Text = Truncated, fmt.Sprintf("the file ends before its frames %d to %d", n[0]+1, n[1]+1)
		}
		w.v.find(f)
	}
}

// cut tells whether a damaged stretch at the end is a frame that is cut off.
func (w *dayCheck) cut(d *damage, size int64) bool {
	if w.manifest != nil {
		return size < w.manifest.Bytes
	}
	return d.Entry != nil && d.From+int64(len(d.Entry.header)+d.Entry.Size) > size
}

// inPlace tells whether record i is one that stands before leaf n in order.
func inPlace(at []int, i, n int) bool { return at[i] >= 0 && at[i] == n-1 }

// runs joins numbers that follow each other to [first, last].
func runs(list []int) [][2]int {
	var out [][2]int
	for _, n := range list {
		if last := len(out) - 1; last >= 0 && out[last][1]+1 == n {
			out[last][1] = n
		} else {
			out = append(out, [2]int{n, n})
		}
	}
	return out
}

// inOrder marks a longest run of places that ascend; what is below 0 has none.
func inOrder(at []int) []bool {
	var tails []int // index in at of the smallest end of a run of each length
	from := make([]int, len(at))
	for i, n := range at {
		if n < 0 {
			continue
		}
		k := sort.Search(len(tails), func(j int) bool { return at[tails[j]] >= n })
		from[i] = -1
		if k > 0 {
			from[i] = tails[k-1]
		}
		if k == len(tails) {
			tails = append(tails, i)
		} else {
			tails[k] = i
		}
	}
	kept := make([]bool, len(at))
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i >= 0; i = from[i] {
			kept[i] = true
		}
	}
	return kept
}

// between names bytes that stand between or behind frames that are all right.
func (w *dayCheck) between(bad []damage) {
	for _, d := range bad {
		w.v.find(Finding{Kind: Inserted, File: w.file(framesSuffix), Offset: d.From, Text: fmt.Sprintf("%d bytes that are no frame", d.To-d.From)})
	}
}

// index names where the index differs from frames that are all right.
func (w *dayCheck) index(want, have []frame.Hash, tail int) {
	f := Finding{Kind: Edited, File: w.file(indexSuffix)}
	n := min(len(want), len(have))
	for i := range n {
		if want[i] != have[i] {
			f.Frame, f.Offset, f.Text = uint64(i)+1, int64(i*len(want[i])), "it does not fit the frame, which is all right"
			if slices.Contains(want, have[i]) {
				f.Kind = Reordered
			}
			w.v.find(f)
			return
		}
	}
	f.Frame, f.Offset, f.Text = uint64(n)+1, int64(n*len(frame.Hash{})), fmt.Sprintf("%d leaves of %d, and %d bytes", len(have), len(want), tail)
	if len(have) < len(want) {
		f.Kind = Truncated
	} else {
		f.Kind = Inserted
	}
	w.v.find(f)
}
