package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go/format"
)

// Ailing is a live segment with data that can't be read.
type Ailing struct {
	File   string
	Reason string
	Frames []FrameRange // that it accounts for
}

// Check reads every page of every live segment, and lists those that have one
// that can't be read. It changes nothing; searches and commits go on.
func (s *Store) Check(ctx context.Context) ([]Ailing, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	defer s.busy.Done()
	held := s.hold(func(*segment) bool { return true })
	defer s.release(held)
	r, err := newChunkReader()
	if err != nil {
		return nil, err
	}
	defer r.close()
	var out []Ailing
	for _, g := range held {
		if err := ctx.Err(); err != nil {
			return out, fmt.Errorf("store: %w", err)
		}
		if err := r.readAll(g); err != nil {
			g.damaged.Store(true)
			out = append(out, Ailing{g.path, err.Error(), g.manifest.Frames})
		}
	}
	return out, nil
}

// readAll decodes all that a segment holds.
func (r *chunkReader) readAll(g *segment) error {
	f, meta, _, err := openSegment(g.path)
	if err != nil {
		return err
	}
	defer f.Close()
	for i := range meta.RowGroups {
		if err := r.readColumns(f, meta, &meta.RowGroups[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *chunkReader) readColumns(f *os.File, meta *format.FileMetaData, group *format.RowGroup) error {
	for i, c := range schemaColumns(meta) {
		r.recycle()
		if err := r.read(f, &group.Columns[i].MetaData, c, pick{from: 0, to: int(group.NumRows)}); err != nil {
			return err
		}
		if c.rows != int(group.NumRows) {
			return fmt.Errorf("%w: column %s has %d rows of %d", errPage, c.name, c.rows, group.NumRows)
		}
	}
	return nil
}

// PutAside takes a live segment out, into the folder of those that can't be
// read, so that what it held can be stored again from the archive. One that is
// no longer live is no error.
func (s *Store) PutAside(a Ailing) error {
	if err := s.change(); err != nil {
		return err
	}
	defer s.busy.Done()
	s.merge.Lock()
	defer s.merge.Unlock()
	var g *segment
	for _, live := range s.live() {
		if live.path == a.File {
			g = live
		}
	}
	if g == nil {
		return nil
	}
	for _, name := range g.manifest.Replaces { // without this one it would be live again after a crash
		if _, err := os.Lstat(filepath.Join(s.dir, name)); err == nil {
			return fmt.Errorf("store: %s took the place of %s, which a query still reads: try again later", g.name, name)
		}
	}
	to := filepath.Join(s.dir, "set-aside", g.name)
	// A second name first: queries may hold the other, which goes with them.
	// One that somebody deleted has none.
	if err := os.Link(g.path, to); err != nil && !errors.Is(err, os.ErrExist) && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("store: set aside: %w", err)
	}
	if err := os.WriteFile(to+".reason.txt", []byte(a.Reason+"\n"), 0o600); err != nil {
		return fmt.Errorf("store: set aside: %w", err)
	}
	if err := syncDir(filepath.Dir(to)); err != nil {
		return err
	}
	s.log.Error("a segment can't be read in full and was set aside", "file", to, "reason", a.Reason)
	s.mu.Lock()
	s.aside = append(s.aside, SetAside{to, a.Reason})
	s.mu.Unlock()
	s.swap([]*segment{g})
	return nil
}
