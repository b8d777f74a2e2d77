package store

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// Commit writes one segment: all events and the frames they come from, whole
// or not at all. It returns when the segment is durable; its error means that
// nothing was stored and that it may be called again with the same. A commit
// of frames without events is stored too; one of nothing is not.
func (s *Store) Commit(ctx context.Context, c Commit) error {
	if err := s.change(); err != nil {
		return err
	}
	defer s.busy.Done()
	s.commit.Lock()
	defer s.commit.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	m := &manifest{Format: formatVersion, Tenants: map[string]int64{}, Frames: mergeFrames(slices.Clone(c.Frames))}
	events := 0
	for _, b := range c.Batches {
		events += len(b.Events)
	}
	if events == 0 && len(m.Frames) == 0 {
		return nil
	}
	g, err := s.writeFile(0, func(out io.Writer) error { return s.enc.write(out, c.Batches, m, s.mayHaveColumn) })
	if err != nil {
		return err
	}
	s.swap(nil, g)
	return nil
}
