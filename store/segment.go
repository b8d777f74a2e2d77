package store

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unique"
)

// segment is one live file.
type segment struct {
	path, name string
	size       int64
	manifest   *manifest
	columns    map[string]shape
	first      int64         // nothing in it arrived before
	fresh      bool          // as it was committed, never merged
	refs       atomic.Int64  // one for being live, one for each query
	dead       atomic.Bool   // out of the live list
	damaged    atomic.Bool   // compaction met a page that can't be read
	unsound    atomic.Bool   // a search met a filter that can't be read
	pinned     atomic.Bool   // Rewrite will come to it: compaction leaves it alone
	erased     atomic.Bool   // Erase took events out of it: no sink is given more of it
	gone       chan struct{} // closed when its file is removed
	heirs      []*segment    // those in its place, which stay for as long as its file does
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
	m.share()
	g := &segment{path: path, name: filepath.Base(path), size: info.Size(), manifest: m, columns: map[string]shape{}, first: firstArrival(meta), gone: make(chan struct{})}
	g.fresh = len(m.Replaces) == 0 && group(strings.TrimSuffix(g.name, ".tmp")) == nil
	for _, c := range schemaColumns(meta) {
		g.columns[intern(c.name)] = c.shape
	}
	g.refs.Store(1)
	return g, nil
}

// intern is a copy of a text that all have who have its like: what segments tell of
// themselves is in memory for each of them.
func intern(s string) string { return unique.Make(s).Value() }

// shareColumns lets segments with the same columns hold them once: there may be
// tens of thousands.
func (g *segment) shareColumns(known map[string]map[string]shape) {
	var key strings.Builder
	for _, name := range slices.Sorted(maps.Keys(g.columns)) {
		key.WriteString(name)
		key.Write([]byte{0, byte(g.columns[name])})
	}
	if same, ok := known[key.String()]; ok {
		g.columns = same
	} else {
		known[key.String()] = g.columns
	}
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
