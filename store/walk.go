package store

import (
	"context"
	"fmt"

	"mimamori/event"
)

// readRows is how many whole events of a segment are in memory at once.
const readRows = 8000

// walk reads whole events of a segment in the file's order, some thousands at a
// time: those of the given rows (their numbers in the file, sorted). What can't
// be read is a *damage.
func (s *Store) walk(ctx context.Context, g *segment, rows []int, show func(*event.Batch, []int) error) error {
	r, err := newChunkReader()
	if err != nil {
		return err
	}
	defer r.close()
	f, meta, _, err := openSegment(g.path)
	if err != nil {
		return &damage{0, err}
	}
	defer f.Close()
	base, x := 0, new(event.Builder)
	for i := range meta.RowGroups {
		group := &meta.RowGroups[i]
		end := base + int(group.NumRows)
		for len(rows) > 0 && rows[0] < end {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("store: %w", err)
			}
			n := 1
			for n < min(len(rows), readRows) && rows[n] < end {
				n++
			}
			out, wanted := make([]*storedRow, n), make([]int, n)
			for i, row := range rows[:n] {
				out[i], wanted[i] = &storedRow{}, row-base
			}
			if err := r.readGroup(f, meta, group, wanted, out); err != nil {
				return &damage{0, err}
			}
			b := new(event.Batch)
			for i, row := range out {
				out[i] = nil
				row.event(b, x, s.enc.ids)
			}
			if err := show(b, rows[:n]); err != nil {
				return err
			}
			rows = rows[n:]
		}
		base = end
	}
	return nil
}
