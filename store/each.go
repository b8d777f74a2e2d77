package store

import (
	"context"
	"fmt"

	"mimamori/event"
)

// exported is how many events a batch of Each has at most.
const exported = 2048

// Each gives all matching events, whole, to take: segment by segment, the one
// that arrived first before the others, each in its own order (municipality, kind,
// time). A batch is void when take returns; take's error ends it, and is returned
// as it is. It holds one row group's columns that the condition reads, and one
// batch. Limit and Cursor do not count.
func (s *Store) Each(ctx context.Context, q event.Query, take func(*event.Batch) error) error {
	x, err := s.ask(ctx, q)
	if err != nil {
		return err
	}
	defer x.done()
	r, err := newChunkReader()
	if err != nil {
		return err
	}
	defer r.close()
	sc := newScan(x, r, x.expr.Root, nil)
	for _, g := range x.openings() {
		if err := x.eachIn(sc, g, take); err != nil {
			return err
		}
	}
	return nil
}

func (x *question) eachIn(sc *scan, s *segment, take func(*event.Batch) error) error {
	f, meta, _, err := openSegment(s.path)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer f.Close()
	rest := sc.inRest(s)
	base := int64(0)
	for _, g := range rowGroups(f, meta, sc.reader, sc.ids) {
		if err := x.ctx.Err(); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		_, found := sc.match(g, rest)
		if g.err != nil {
			return fmt.Errorf("store: %s: %w", s.path, g.err)
		}
		n, rows := base, g.n
		*g = rowGroup{} // its columns are done with
		var hits []hit
		for row := range found.all {
			if hits = append(hits, hit{file: s.path, row: n + int64(row)}); len(hits) == exported {
				if err := x.give(hits, take); err != nil {
					return err
				}
				hits = hits[:0]
			}
		}
		if err := x.give(hits, take); err != nil {
			return err
		}
		base += int64(rows)
	}
	return nil
}

// give reads events and passes them on.
func (x *question) give(hits []hit, take func(*event.Batch) error) error {
	if len(hits) == 0 {
		return nil
	}
	batch, err := x.fetch(hits)
	if err != nil {
		return err
	}
	return take(batch)
}
