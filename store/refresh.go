package store

import "path/filepath"

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
	known := map[string]*segment{}
	s.mu.Lock()
	for _, g := range s.segments {
		known[g.name] = g
	}
	for _, a := range s.aside {
		known[filepath.Base(a.File)] = nil
	}
	s.mu.Unlock()
	live, _, err := s.read(known)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.segments, s.frames = live, nil
	for _, g := range live {
		s.spell(g)
	}
	s.sortSegments()
	return nil
}
