package store

import (
	"os"
	"slices"
	"sort"
	"strings"
)

func (s *Store) sortSegments() {
	slices.SortFunc(s.segments, func(a, b *segment) int { return strings.Compare(a.name, b.name) })
}

// have makes these the segments that count.
func (s *Store) have(list []*segment) {
	s.segments, s.fresh = list, 0
	for _, g := range list {
		if g.fresh {
			s.fresh++
		}
	}
}

// spell notes the spelling of a segment's columns. DuckDB does not tell letter
// case in names, so that of two fields that differ by it only one can have columns.
func (s *Store) spell(g *segment) {
	for name := range g.columns {
		s.columns[strings.ToLower(name)] = name
	}
}

// mayHaveColumn tells whether a field may be a column under its name.
func (s *Store) mayHaveColumn(name string) bool {
	if reserved(strings.ToLower(name)) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	low := strings.ToLower(name)
	if _, taken := s.columns[low]; !taken {
		s.columns[low] = strings.Clone(name)
	}
	return s.columns[low] == name
}

// swap takes segments out of the live list and puts others in, at once; together
// with those that stay they account for the same frames as before. The old files
// go when no query holds them.
func (s *Store) swap(out []*segment, in ...*segment) {
	s.mu.Lock()
	kept := make([]*segment, 0, len(s.segments)+len(in))
	for _, g := range s.segments {
		if !slices.Contains(out, g) {
			kept = append(kept, g)
		}
	}
	kept = append(kept, in...)
	s.have(kept)
	switch {
	case len(in) == 0:
		s.frames = nil
	case len(out) == 0 && s.frames != nil: // what replaces others accounts for the same
		for _, g := range in {
			s.frames = append(s.frames, g.manifest.Frames...)
		}
		s.frames = mergeFrames(s.frames)
	}
	if len(in) > 0 {
		for _, g := range in {
			s.spell(g)
		}
		s.sortSegments()
		close(s.grown)
		s.grown = make(chan struct{})
	}
	for _, g := range out {
		for _, heir := range in { // a file stays for as long as one that it replaces
			heir.refs.Add(1)
		}
		g.heirs = in
		g.dead.Store(true)
		s.dying[g] = true
	}
	s.mu.Unlock()
	s.release(out)
}

// release ends the use of segments, and deletes the files of the dead ones
// that nobody else uses.
func (s *Store) release(segments []*segment) {
	for _, g := range segments {
		if g.refs.Add(-1) > 0 || !g.dead.Load() {
			continue
		}
		if len(g.manifest.Replaces) > 0 { // those went before, also after a power cut
			if err := syncDir(s.dir); err != nil {
				s.log.Error("the folder of the events can't be synced", "error", err)
			}
		}
		if err := os.Remove(g.path); err != nil {
			s.log.Error("an old segment can't be removed", "file", g.path, "error", err)
			continue // and its heirs stay, too
		}
		s.mu.Lock()
		delete(s.dying, g)
		s.mu.Unlock()
		close(g.gone)
		s.look()
		s.release(g.heirs)
	}
}

// hold takes the live segments that keep accepts for a query; the caller
// releases them.
func (s *Store) hold(keep func(*segment) bool) []*segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var held []*segment
	for _, g := range s.segments {
		if keep(g) {
			g.refs.Add(1)
			held = append(held, g)
		}
	}
	sort.SliceStable(held, func(i, j int) bool { return held[i].newest() > held[j].newest() })
	return held
}
