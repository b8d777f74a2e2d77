package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Refresh lets a store that is open for reading see what its owner has
// committed, merged and removed since. Damaged files are left out, as at Open.
func (s *Store) Refresh() error {
	if !s.readOnly {
		return nil
	}
	if err := s.begin(); err != nil {
		return err
	}
	defer s.busy.Done()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	known := map[string]*segment{}
	s.mu.Lock()
	for _, g := range s.segments {
		known[g.name] = g
	}
	for _, a := range s.aside {
		known[filepath.Base(a.File)] = nil
	}
	s.mu.Unlock()
	var live []*segment
	replaced := map[string]bool{}
	for _, e := range entries {
		if e.IsDir() || !strings.HasPrefix(e.Name(), "seg-") || !strings.HasSuffix(e.Name(), ".parquet") {
			continue
		}
		g, ok := known[e.Name()]
		if !ok {
			path := filepath.Join(s.dir, e.Name())
			if g, err = loadSegment(path); errors.Is(err, fs.ErrNotExist) {
				continue // merged into another just now
			} else if err != nil {
				if err := s.setAside(path, err); err != nil {
					return err
				}
			}
		}
		if g != nil {
			live = append(live, g)
			for _, name := range g.manifest.Replaces {
				replaced[name] = true
			}
		}
	}
	live = slices.DeleteFunc(live, func(g *segment) bool { return replaced[g.name] })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.segments, s.frames = live, nil
	for _, g := range live {
		s.spell(g)
	}
	s.sortSegments()
	return nil
}
