package store

import (
	"cmp"
	"container/heap"
	"fmt"
)

// stretchRows is about how many rows are merged at once. Every column of them is in
// memory in its turn, whole; and of each source a run of rows of every column is
// unpacked for each stretch, and so more than it needs where there are many stretches.
const stretchRows = 2 * rowGroupRows

// keyColumns are the columns that rows are sorted by.
var keyColumns = [...]string{"municipality", "event.dataset", "@timestamp"}

// mergeKey is a row's sort key.
type mergeKey struct {
	tenant, dataset string
	ns              int64
	timed           bool
}

func (k *mergeKey) compare(l *mergeKey) int {
	return cmp.Or(cmp.Compare(k.tenant, l.tenant), cmp.Compare(k.dataset, l.dataset), cmp.Compare(k.ns, l.ns))
}

// stretch are rows of the result that are merged at once: the row groups that
// they become, and which pieces of the sources they are.
type stretch struct {
	rows   int
	groups []rowsFor
	pieces []piece
}

// rowsFor are the next rows of an output, which become a row group.
type rowsFor struct {
	out  *output
	rows int
	runs []run
}

// run are rows that come from one source, next to each other: most do, for a town's
// lines are written down as they come.
type run struct{ source, n int }

// piece is what a stretch takes of one source's row group: a run of rows, or, of a
// source that some are left out of, these.
type piece struct {
	source, group, n int
	pick
}

// queue are the sources that have rows, the one with the least key first and of
// equals the one that was named first.
type queue struct {
	sources []*source
	order   []int
}

func (q *queue) Len() int      { return len(q.order) }
func (q *queue) Swap(i, j int) { q.order[i], q.order[j] = q.order[j], q.order[i] }
func (q *queue) Push(any)      {}
func (q *queue) Pop() any {
	q.order = q.order[:len(q.order)-1]
	return nil
}

func (q *queue) Less(i, j int) bool {
	a, b := q.order[i], q.order[j]
	return cmp.Or(q.sources[a].key.compare(&q.sources[b].key), cmp.Compare(a, b)) < 0
}

// begin reads every source's first key.
func (w *merger) begin() (*queue, error) {
	q := &queue{sources: w.sources}
	for i := range w.sources {
		ok, err := w.nextKey(i)
		if err != nil {
			return nil, err
		}
		if ok {
			q.order = append(q.order, i)
		}
	}
	heap.Init(q)
	return q, w.turn(q)
}

// turn goes on to the output that the next row is for.
func (w *merger) turn(q *queue) error {
	if !w.apart || q.Len() == 0 {
		return nil
	}
	best := q.order[0]
	for w.outs[w.now].manifest.town != w.sources[best].key.tenant {
		if w.now++; w.now == len(w.outs) {
			return &damage{best, fmt.Errorf("%w: its rows are not in order, or of other municipalities than its manifest says", errPage)}
		}
	}
	return nil
}

// plan takes rows for a stretch: a row group of one output or of each of several,
// until it has enough and a row group is complete.
func (w *merger) plan(b *stretch, q *queue) error {
	last := make([]int, len(w.sources)) // the source's open piece + 1
	for q.Len() > 0 {
		out := w.outs[w.now]
		n := len(b.groups)
		switch {
		case n > 0 && b.groups[n-1].out == out:
			if b.groups[n-1].rows == rowGroupRows {
				return nil
			}
		case b.rows >= stretchRows:
			return nil
		default:
			b.groups = append(b.groups, rowsFor{out: out})
			n++
		}
		best := q.order[0]
		b.rows++
		b.groups[n-1].take(best)
		x := w.sources[best]
		if p := last[best]; p == 0 || b.pieces[p-1].group != x.group {
			b.pieces = append(b.pieces, piece{source: best, group: x.group, pick: pick{from: x.row - 1}})
			last[best] = len(b.pieces)
		}
		p := &b.pieces[last[best]-1]
		p.n, p.to = p.n+1, x.row
		if x.partial {
			p.rows = append(p.rows, x.row-1)
		}
		out.manifest.count(x.key.tenant, x.key.dataset, x.key.ns, x.key.timed)
		ok, err := w.nextKey(best)
		if err != nil {
			return err
		}
		if ok {
			heap.Fix(q, 0)
		} else {
			heap.Remove(q, 0)
		}
		if err := w.turn(q); err != nil {
			return err
		}
	}
	return nil
}

// take takes a source's next row.
func (g *rowsFor) take(source int) {
	g.rows++
	if n := len(g.runs); n == 0 || g.runs[n-1].source != source {
		g.runs = append(g.runs, run{source: source})
	}
	g.runs[len(g.runs)-1].n++
}

// nextKey reads the key of a source's next row that is not left out; false at its
// end. After it, row is one past the key's row.
func (w *merger) nextKey(i int) (bool, error) {
	x := w.sources[i]
	for {
		for x.keys == nil || x.row >= x.groupRows() {
			if x.keys != nil {
				x.base += x.groupRows()
				x.group++
			}
			if x.group >= len(x.meta.RowGroups) {
				return false, nil
			}
			if err := w.readKeys(x); err != nil {
				return false, &damage{i, err}
			}
		}
		x.key = mergeKey{tenant: x.text(0), dataset: x.text(1), timed: x.has(2)}
		if x.key.timed {
			x.key.ns = int64(x.keys[2].nums[x.curs[2].val])
			x.curs[2].val++
		}
		x.row++
		if len(x.drop) == 0 || x.drop[0] != x.base+x.row-1 {
			return true, nil
		}
		x.drop = x.drop[1:]
	}
}

// readKeys reads the key columns of a source's row group.
func (w *merger) readKeys(x *source) error {
	x.row, x.keys, x.curs = 0, make([]*column, len(keyColumns)), make([]cursor, len(keyColumns))
	for k, name := range keyColumns {
		c := &column{name: name, shape: shapeString}
		if k == 2 {
			c.shape = shapeInt
		}
		if at, ok := x.cols[name]; ok {
			if err := w.keys.read(x.f, &x.meta.RowGroups[x.group].Columns[at].MetaData, c, pick{to: x.groupRows()}); err != nil {
				return err
			}
		}
		c.pad(x.groupRows())
		x.keys[k], x.curs[k] = c, cursor{c: c}
	}
	return nil
}

// groupRows is how many rows the row group at hand has.
func (x *source) groupRows() int { return int(x.meta.RowGroups[x.group].NumRows) }

func (x *source) has(i int) bool { return len(x.keys[i].defs) == 0 || x.keys[i].defs[x.row] == 1 }

func (x *source) text(i int) string {
	if !x.has(i) {
		return ""
	}
	x.curs[i].val++
	return x.keys[i].strs[x.curs[i].val-1]
}
