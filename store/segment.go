package store

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"mimamori/event"
)

// segment is one live file.
type segment struct {
	path, name string
	size       int64
	manifest   *manifest
	columns    map[string]shape
	first      int64        // nothing in it arrived before
	refs       atomic.Int64 // one for being live, one for each query
	dead       atomic.Bool  // out of the live list
	damaged    atomic.Bool  // compaction met a page that can't be read
	unsound    atomic.Bool  // a search met a filter that can't be read
	pinned     atomic.Bool  // Rewrite will come to it: compaction leaves it alone
}

// loadSegment reads a segment's footer.
func loadSegment(path string) (*segment, error) {
	f, meta, m, err := openSegment(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	g := &segment{path: path, name: filepath.Base(path), size: info.Size(), manifest: m, columns: map[string]shape{}, first: firstArrival(meta)}
	for _, c := range schemaColumns(meta) {
		g.columns[strings.Clone(c.name)] = c.shape
	}
	g.refs.Store(1)
	return g, nil
}

// newest is the time by which pages are found: the newest event's, or, for a
// segment of events without time only, the least.
func (g *segment) newest() int64 {
	if g.manifest.Events == g.manifest.Untimed {
		return math.MinInt64
	}
	return g.manifest.Newest
}

// age is the time by which retention goes: the newest event's, but at most a
// day after the file was written, so that a device whose clock is years ahead
// keeps nothing for ever.
func (g *segment) age() int64 {
	born := g.born()
	if born <= 0 {
		return g.newest()
	}
	if g.manifest.Events == g.manifest.Untimed {
		return born
	}
	return min(g.manifest.Newest, born+int64(24*time.Hour))
}

// born is when the segment was first written, as its name says; 0 if it does not.
func (g *segment) born() int64 {
	var born int64
	if _, err := fmt.Sscanf(g.name, "seg-%d-", &born); err != nil {
		return 0
	}
	return born
}

// inRest tells whether an event of the segment may have the field in rest.
func (g *segment) inRest(name string) bool {
	if len(g.manifest.Rest) == 1 && g.manifest.Rest[0] == "*" {
		return true
	}
	_, found := slices.BinarySearch(g.manifest.Rest, name)
	return found
}

// within tells whether the segment may hold events for the bounds, and whether
// all that it holds are within.
func (g *segment) within(b bounds) (some, all bool) {
	m := g.manifest
	all = m.Events > 0
	if b.timed() {
		if m.Events == m.Untimed || m.Newest < b.from || m.Oldest >= b.to {
			return false, false
		}
		all = m.Untimed == 0 && m.Oldest >= b.from && m.Newest < b.to
	}
	if b.tenants != nil {
		n := 0
		for _, t := range b.tenants {
			if m.Tenants[t] > 0 && t != "" {
				n++
			}
		}
		if n == 0 {
			return false, false
		}
		all = all && n == len(m.Tenants)
	}
	return m.Events > 0, all
}

// Commit is what one segment is made of.
type Commit struct {
	Batches []*event.Batch // all events; the batches stay the caller's, and must not change meanwhile
	Frames  []FrameRange   // the frames that they come from
}

// newName names a segment that was born then, 0: now. No name is given twice.
func (s *Store) newName(born int64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	now := s.now().UnixNano()
	if born == 0 {
		return fmt.Sprintf("seg-%019d-%d.parquet", now, s.serial)
	}
	return fmt.Sprintf("seg-%019d-%019d-%d.parquet", born, now, s.serial)
}

// writeFile writes a segment's file under a new name, durably, and loads it.
// Nothing of it stays when it fails.
func (s *Store) writeFile(born int64, fill func(io.Writer) error) (*segment, error) {
	name := s.newName(born)
	path := filepath.Join(s.dir, name)
	g, err := s.writeTmp(path, fill)
	if err != nil {
		os.Remove(path + ".tmp")
		return nil, fmt.Errorf("store: segment %s: %w", name, err)
	}
	return g, nil
}

// fillFile makes a file and is done when it is durable.
func (s *Store) fillFile(path string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	var out io.Writer = f
	if s.wrap != nil {
		out = s.wrap(f)
	}
	if err := fill(out); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

func (s *Store) writeTmp(path string, fill func(io.Writer) error) (*segment, error) {
	if err := s.fillFile(path+".tmp", fill); err != nil {
		return nil, err
	}
	g, err := loadSegment(path + ".tmp") // what can't be read back was not stored
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("the file is there already: %w", os.ErrExist)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return nil, err
	}
	g.path, g.name = path, filepath.Base(path)
	if err := syncDir(s.dir); err != nil {
		os.Remove(path)
		return nil, err
	}
	return g, nil
}

// syncDir makes a rename durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}
