package store

import (
	"context"
	"fmt"
	"time"
)

// write writes a stretch's row groups, all at once, column by column.
func (w *merger) write(ctx context.Context, b *stretch) error {
	for _, g := range b.groups {
		if g.out.file == nil {
			if err := w.open(g.out); err != nil {
				return err
			}
		}
		if err := g.out.file.begin(g.rows); err != nil {
			return err
		}
	}
	for _, c := range w.columns {
		began := time.Now()
		if err := w.deal(b, c); err != nil {
			return err
		}
		if w.rest != nil {
			w.rest(ctx, time.Since(began))
		}
	}
	for _, g := range b.groups {
		if err := g.out.file.end(); err != nil {
			return err
		}
	}
	return nil
}

// deal writes one column of a stretch.
func (w *merger) deal(b *stretch, of outColumn) error {
	w.reader.recycle()
	clear(w.parts)
	n := 0
	for _, p := range b.pieces {
		if w.parts[p.source].c == nil {
			w.parts[p.source].c = w.empty(n, of)
			n++
		}
		if err := w.readPiece(w.parts[p.source].c, p); err != nil {
			return err
		}
	}
	to := w.column
	to.name, to.shape = of.name, of.shape
	to.plain = of.name == "event.original" || of.name == "message" || of.name == colRest
	for _, g := range b.groups {
		to.reset()
		for _, r := range g.runs {
			w.parts[r.source].copyTo(to, r.n)
		}
		if err := g.out.file.column(to); err != nil {
			return err
		}
	}
	return nil
}

// empty is the n-th of the columns that are read into: made anew for each column of
// each stretch they cost more than the copying.
func (w *merger) empty(n int, of outColumn) *column {
	if n == len(w.spare) {
		w.spare = append(w.spare, &column{})
	}
	c := w.spare[n]
	c.reset()
	c.name, c.shape = of.name, of.shape
	return c
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
