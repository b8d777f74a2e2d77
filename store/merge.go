package store

import (
	"cmp"
	"context"
	"fmt"
)

// keyColumns are the columns that rows are sorted by.
var keyColumns = [...]string{"municipality", "event.dataset", "@timestamp"}

// mergeKey is the sort key of a source's next row.
type mergeKey struct {
	tenant, dataset string
	ns              int64
	timed           bool
}

func (k mergeKey) compare(l mergeKey) int {
	return cmp.Or(cmp.Compare(k.tenant, l.tenant), cmp.Compare(k.dataset, l.dataset), cmp.Compare(k.ns, l.ns))
}

// piece is what one row group of the result takes of one source's row group: a
// run of rows, or, of a source that some are left out of, these.
type piece struct {
	source, group, n int
	pick
}

// run writes all row groups.
func (w *merger) run(ctx context.Context) error {
	keys := make([]*mergeKey, len(w.sources))
	for i := range w.sources {
		var err error
		if keys[i], err = w.nextKey(i); err != nil {
			return err
		}
	}
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		pieces, err := w.plan(keys)
		if err != nil {
			return err
		}
		if len(w.order) == 0 && w.file.at > 0 {
			return nil
		}
		if err := w.fill(pieces); err != nil {
			return err
		}
		if err := w.file.rowGroup(w.columns, len(w.order)); err != nil {
			return err
		}
		for _, c := range w.columns {
			c.reset()
		}
	}
}

// plan decides the order of the next row group's rows, and from which pieces
// they come.
func (w *merger) plan(keys []*mergeKey) ([]piece, error) {
	var pieces []piece
	last := make([]int, len(w.sources)) // the source's open piece + 1
	w.order = w.order[:0]
	for len(w.order) < rowGroupRows {
		best := -1
		for i, k := range keys {
			if k != nil && (best < 0 || k.compare(*keys[best]) < 0) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		x := w.sources[best]
		if p := last[best]; p == 0 || pieces[p-1].group != x.group {
			pieces = append(pieces, piece{source: best, group: x.group, pick: pick{from: x.row - 1}})
			last[best] = len(pieces)
		}
		p := &pieces[last[best]-1]
		p.n, p.to = p.n+1, x.row
		if x.partial {
			p.rows = append(p.rows, x.row-1)
		}
		w.order = append(w.order, uint8(best))
		w.manifest.count(keys[best].tenant, keys[best].dataset, keys[best].ns, keys[best].timed)
		var err error
		if keys[best], err = w.nextKey(best); err != nil {
			return nil, err
		}
	}
	return pieces, nil
}

// nextKey reads the key of a source's next row that is not left out; nil at its
// end. After it, row is one past the key's row.
func (w *merger) nextKey(i int) (*mergeKey, error) {
	x := w.sources[i]
	for {
		for x.keys == nil || x.row >= x.groupRows() {
			if x.keys != nil {
				x.base += x.groupRows()
				x.group++
			}
			if x.group >= len(x.meta.RowGroups) {
				return nil, nil
			}
			if err := w.readKeys(x); err != nil {
				return nil, &damage{i, err}
			}
		}
		k := &mergeKey{tenant: x.text(0), dataset: x.text(1), timed: x.has(2)}
		if k.timed {
			k.ns = int64(x.keys[2].nums[x.curs[2].val])
			x.curs[2].val++
		}
		x.row++
		if len(x.drop) == 0 || x.drop[0] != x.base+x.row-1 {
			return k, nil
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
			if err := w.reader.read(x.f, &x.meta.RowGroups[x.group].Columns[at].MetaData, c, pick{to: x.groupRows()}); err != nil {
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

// fill deals out every column in w.order.
func (w *merger) fill(pieces []piece) error {
	for _, to := range w.columns {
		parts := make([]*column, len(w.sources))
		for _, p := range pieces {
			if parts[p.source] == nil {
				parts[p.source] = &column{name: to.name, shape: to.shape}
			}
			if err := w.readPiece(parts[p.source], p); err != nil {
				return err
			}
		}
		cursors := make([]cursor, len(parts))
		for i, c := range parts {
			cursors[i].c = c
		}
		for _, s := range w.order {
			cursors[s].copyTo(to)
		}
	}
	return nil
}

// readPiece appends a piece's rows to a column.
func (w *merger) readPiece(to *column, p piece) error {
	x := w.sources[p.source]
	at, ok := x.cols[to.name]
	if !ok {
		to.pad(to.rows + p.n)
		return nil
	}
	meta := &x.meta.RowGroups[p.group].Columns[at].MetaData
	if meta.Statistics.NullCount == meta.NumValues && to.shape != shapeList {
		to.pad(to.rows + p.n)
		return nil
	}
	was := to.rows
	if err := w.reader.read(x.f, meta, to, p.pick); err != nil {
		return &damage{p.source, err}
	}
	if to.rows != was+p.n {
		return &damage{p.source, fmt.Errorf("%w: column %s has %d rows", errPage, to.name, to.rows-was)}
	}
	return nil
}
