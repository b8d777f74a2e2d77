package store

import (
	"context"
	"errors"
	"fmt"
)

// Compact merges small segments into larger ones and divides what has several
// municipalities, until there is no more to do or ctx ends (pile.go says what is
// merged). Queries go on meanwhile and give the same answers. A crash at any
// moment loses and doubles nothing: new files name those they replace.
func (s *Store) Compact(ctx context.Context) error {
	if err := s.change(); err != nil {
		return err
	}
	defer s.busy.Done()
	s.merge.Lock()
	defer s.merge.Unlock()
	for {
		job := s.nextMerge()
		if len(job.from) == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("store: compaction: %w", err)
		}
		in, err := s.mergeApart(ctx, job)
		if bad, ok := errors.AsType[*damage](err); ok { // leave it as it is, and go on with the others
			s.log.Error("a segment has damaged data and is not compacted", "file", job.from[bad.source].path, "error", err)
			job.from[bad.source].damaged.Store(true)
			continue
		}
		if err != nil {
			return err
		}
		s.swap(job.replaces, in...)
	}
}

// damage is an error in the data of one of the segments being merged.
type damage struct {
	source int
	err    error
}

func (d *damage) Error() string { return d.err.Error() }
func (d *damage) Unwrap() error { return d.err }
