package store

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"mimamori/event"
)

// byHand is how many rows are looked through without DuckDB: some slices in many
// files, of which DuckDB would read whole row groups.
const byHand = 2 << 20

// slicePart are the slices of a segment that may hold matching events.
type slicePart struct {
	*segment
	slices []int // numbers, counted through the row groups; nil: all
	rows   int64
}

// narrow leaves out the segments that can't hold an event that matches, by their
// filters. Where little is left, it also finds the events: found is set then, and
// segs are those that have any.
func (x *question) narrow() error {
	n := newNeed(x.expr.Root)
	if n == nil || x.s.unfiltered {
		return nil
	}
	parts := make([]slicePart, len(x.segs))
	err := x.parallel(len(parts), func(_ *chunkReader, i int) (err error) {
		parts[i], err = x.segs[i].ask(n, x.s)
		return err
	})
	if err != nil {
		return err
	}
	parts = slices.DeleteFunc(parts, func(p slicePart) bool { return p.rows == 0 })
	rows := int64(0)
	for _, p := range parts {
		rows += p.rows
	}
	if rows <= byHand {
		if err := x.look(parts); err != nil {
			return err
		}
		parts = slices.DeleteFunc(parts, func(p slicePart) bool {
			return !slices.ContainsFunc(x.found, func(h hit) bool { return h.file == p.path })
		})
	}
	x.segs = make([]*segment, len(parts))
	for i, p := range parts {
		x.segs[i] = p.segment
	}
	return nil
}

// parallel calls do for 0 to n-1, a few at a time, each with a reader that it alone
// has, until one fails.
func (x *question) parallel(n int, do func(r *chunkReader, i int) error) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	next := 0
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if err := x.ctx.Err(); err != nil && failed == nil {
			failed = fmt.Errorf("store: %w", err)
		}
		i := next
		next++
		return i, i < n && failed == nil
	}
	for range min(n, x.s.workers) {
		wg.Go(func() {
			r, err := newChunkReader()
			if err == nil {
				defer r.close()
			}
			for i, ok := take(); ok; i, ok = take() {
				if err == nil {
					err = do(r, i)
				}
				if err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return failed
}

// ask asks a segment's filters.
func (g *segment) ask(n need, s *Store) (slicePart, error) {
	p := slicePart{segment: g, rows: g.manifest.Events}
	index := g.manifest.Filters
	if index == nil || index.Version != tokenVersion || index.Rows <= 0 {
		return p, nil
	}
	f, err := os.Open(g.path)
	if err != nil {
		return p, fmt.Errorf("store: %w", err)
	}
	defer f.Close()
	p.rows, p.slices = 0, []int{}
	number := 0
	for _, group := range index.Groups {
		at := group.At
		for i, blocks := range group.Blocks {
			yes := blocks <= 0 || n(g, func(key uint64) bool {
				may, sound := may(f, at, blocks, key)
				if !sound && !g.unsound.Swap(true) {
					s.log.Error("a segment's filter is damaged; its rows are read without", "file", g.path, "at", at)
				}
				return may
			})
			if yes {
				p.slices = append(p.slices, number)
				p.rows += int64(min(index.Rows, group.Rows-i*index.Rows))
			}
			at += int64(blocks) * blockBytes
			number++
		}
	}
	return p, nil
}

// look finds the matching events in what is left, newest first.
func (x *question) look(parts []slicePart) error {
	var mu sync.Mutex
	x.found = []hit{}
	err := x.parallel(len(parts), func(r *chunkReader, i int) error {
		hits, err := newScan(x, r, x.expr.Root, nil).look(parts[i])
		mu.Lock()
		defer mu.Unlock()
		x.found = append(x.found, hits...)
		return err
	})
	slices.SortFunc(x.found, func(a, b hit) int { return a.compare(b.rowKey) })
	return err
}

// look finds the matching events of a segment's slices.
func (sc *scan) look(p slicePart) ([]hit, error) {
	f, meta, _, err := openSegment(p.path)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer f.Close()
	rest := sc.inRest(p.segment)
	var hits []hit
	base, number := int64(0), 0
	for _, g := range rowGroups(f, meta, sc.reader, sc.ids) {
		rows := int64(g.n)
		if p.slices != nil {
			g.rows = g.choose(p, &number)
			g.n = len(g.rows)
		}
		if g.n > 0 {
			sc.reader.recycle()
			_, found := sc.match(g, rest)
			for row := range found.all {
				hits = append(hits, g.hit(p.path, base, row))
			}
		}
		if g.err != nil {
			return nil, fmt.Errorf("store: %s: %w", p.path, g.err)
		}
		base += rows
	}
	return hits, nil
}

// choose lists the rows of a row group that are in the part's slices. number
// counts the slices.
func (g *rowGroup) choose(p slicePart, number *int) (rows []int) {
	size := p.manifest.Filters.Rows
	for from := 0; from < g.n; from += size {
		if _, ok := slices.BinarySearch(p.slices, *number); ok {
			for row := from; row < min(g.n, from+size); row++ {
				rows = append(rows, row)
			}
		}
		*number++
	}
	return rows
}

// hit is a row as a page has it.
func (g *rowGroup) hit(file string, base int64, row int32) hit {
	ref := g.ref(row)
	h := hit{rowKey: rowKey{noTime, ref.Collector, ref.Source, ref.Epoch, ref.Seq, 0}, file: file, row: base + int64(row)}
	if g.rows != nil {
		h.row = base + int64(g.rows[row])
	}
	if at, ok := g.vector(g.ids.time).at(row); ok && at.Kind() == event.Date {
		h.Time = at.Int()
	}
	h.Collector, h.Source = strings.Clone(h.Collector), strings.Clone(h.Source)
	return h
}

// page is the first n found events after a key.
func (x *question) page(after *rowKey, n int) []hit {
	from := 0
	if after != nil {
		from, _ = slices.BinarySearchFunc(x.found, *after, func(h hit, k rowKey) int {
			if h.compare(k) <= 0 {
				return -1
			}
			return 1
		})
	}
	return x.found[from:min(len(x.found), from+n)]
}
