package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/parquet-go/parquet-go/format"
)

// merging says what new segments are made of, and whose place they take.
type merging struct {
	from     []*segment
	drop     []int      // rows of the first that are left out, sorted
	replaces []*segment // the new ones have their frames
	born     int64      // when the youngest was written, 0: now
	anew     *anew      // what changed in it besides
	apart    bool       // one for each municipality
}

// mergeSegments writes one segment with all rows of others.
func (s *Store) mergeSegments(ctx context.Context, job merging) (*segment, error) {
	job.apart = false
	in, err := s.mergeApart(ctx, job)
	if err != nil {
		return nil, err
	}
	return in[0], nil
}

// mergeApart writes segments with all rows of others.
func (s *Store) mergeApart(ctx context.Context, job merging) ([]*segment, error) {
	w, err := newMerger(job)
	if err != nil {
		return nil, fmt.Errorf("merging segments: %w", err)
	}
	defer w.close()
	w.outputs(s, job)
	if err := w.run(ctx); err != nil {
		return nil, fmt.Errorf("merging segments: %w", err)
	}
	drafts := make([]*draft, len(w.outs))
	for i, o := range w.outs {
		drafts[i] = o.draft
	}
	return s.publish(drafts)
}

// merger merges sorted segments column by column, a stretch of rows at a time: it
// first decides from the sort keys which source gives which row, then deals out
// each column by that.
type merger struct {
	sources []*source
	columns []outColumn
	outs    []*output
	now     int // the output of the next row
	done    int // outputs that are written
	chunks  *chunkWriter
	reader  *chunkReader // of a column at a time
	keys    *chunkReader
	parts   []cursor  // what each source has of it
	spare   []*column // to read that into
	column  *column   // the one that is being written
	apart   bool
	bare    bool
	rest    func(ctx context.Context, worked time.Duration)
}

// output is a segment being written.
type output struct {
	store    *Store
	name     string
	manifest *manifest // counts the rows
	draft    *draft
	file     *fileWriter
}

// newMerger opens the sources. It is ended by close.
func newMerger(job merging) (*merger, error) {
	w := &merger{column: &column{dict: newDict()}}
	var err error
	if w.chunks, err = newChunkWriter(); err != nil {
		return nil, err
	}
	if w.reader, err = newChunkReader(); err != nil {
		return nil, err
	}
	if w.keys, err = newChunkReader(); err != nil {
		return nil, err
	}
	shapes := map[string]shape{}
	for i, g := range job.from {
		f, meta, _, err := openSegment(g.path)
		if err != nil {
			w.close()
			return nil, err
		}
		x := &source{f: f, meta: meta, cols: map[string]int{}}
		if i == 0 {
			x.drop, x.partial = job.drop, len(job.drop) > 0
		}
		w.sources = append(w.sources, x)
		for i, c := range schemaColumns(meta) {
			x.cols[c.name] = i
			if was, ok := shapes[c.name]; ok && was != c.shape {
				w.close()
				return nil, fmt.Errorf("%s: column %s has another type than in its neighbours: %w", g.name, c.name, errors.ErrUnsupported)
			}
			shapes[c.name] = c.shape
		}
	}
	w.parts = make([]cursor, len(w.sources))
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		w.columns = append(w.columns, outColumn{name: name, shape: shapes[name]})
	}
	return w, nil
}

// close ends the reading; what was not published goes.
func (w *merger) close() {
	w.keys.close()
	w.reader.close()
	for _, x := range w.sources {
		x.f.Close()
	}
	for _, o := range w.outs {
		if o.draft != nil {
			discard([]*draft{o.draft})
		}
	}
}

// source is one segment being merged.
type source struct {
	f     *os.File
	meta  *format.FileMetaData
	cols  map[string]int
	group int
	base  int // rows of the groups before
	row   int // next row in the group
	keys  []*column
	curs  []cursor
	key   mergeKey // of the row that was read last

	partial bool  // some rows are left out
	drop    []int // those to come, as numbers in the file
}

// run writes all outputs.
func (w *merger) run(ctx context.Context) error {
	q, err := w.begin()
	if err != nil {
		return err
	}
	for q.Len() > 0 {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		b := stretch{}
		if err := w.plan(&b, q); err != nil {
			return err
		}
		if err := w.write(ctx, &b); err != nil {
			return err
		}
		for w.done < w.now {
			if err := w.finish(ctx); err != nil {
				return err
			}
		}
	}
	for w.done < len(w.outs) {
		if err := w.finish(ctx); err != nil {
			return err
		}
	}
	return nil
}
