package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"mimamori/internal/lang"
)

// ErrNotFound is returned by Get for an event that is not stored, or not for
// the caller's eyes.
var ErrNotFound = errors.New("no such event in the store")

// ErrClosed is returned after Close.
var ErrClosed = errors.New("the store is closed")

// ErrReadOnly is returned by whatever would change a store opened to be read.
var ErrReadOnly = errors.New("the store is open for reading only")

// Options of a store. The zero value is usable.
type Options struct {
	Log      *slog.Logger     // nil: no log
	Now      func() time.Time // nil: time.Now
	MemoryMB int              // DuckDB's memory limit, 0: 512
	Threads  int              // DuckDB's threads, 0: all processors
	ReadOnly bool             // look at a directory that another process may have open
	Lists    lang.Lists       // answers inList in searches; nil: no list has members
}

// Store is an open event store. Its methods may be called at any time by any
// number of goroutines. One process has a directory open at a time.
type Store struct {
	dir  string
	log  *slog.Logger
	now  func() time.Time
	duck *duck

	readOnly bool
	wrap func(io.Writer) io.Writer // tests let writes fail here

	commit sync.Mutex // one writer of new segments
	enc    *encoder
	merge  sync.Mutex // one compaction

	mu       sync.Mutex
	segments []*segment // by name, which is by age
	aside    []SetAside
	columns  map[string]string // lower-case column name → the spelling in use
	closed   bool
	busy     sync.WaitGroup // queries and writers under way
	serial   int
}

// SetAside is a file that could not be read at Open.
type SetAside struct {
	File   string // its place now
	Reason string
}

// Stats are the store's figures.
type Stats struct {
	Segments int
	Events   int64
	Bytes    int64 // on disk, set-aside files apart
	Oldest   time.Time
	Newest   time.Time // @timestamp of the oldest and newest event; zero without
	Tenants  map[string]int64
	SetAside []SetAside
	Damaged  []string // live files with pages that compaction could not read
}

// Open opens the store in dir, which it creates if need be. Files that a crash
// left half written are removed; damaged segments are set aside, and the rest
// works. Its error says why nothing works at all.
func Open(dir string, opts Options) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s := &Store{dir: dir, log: opts.Log, now: opts.Now, readOnly: opts.ReadOnly, columns: map[string]string{}}
	if !s.readOnly {
		if err := os.MkdirAll(filepath.Join(dir, "set-aside"), 0o700); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.enc, err = newEncoder(); err != nil {
		return nil, err
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	if s.duck, err = openDuck(dir, opts); err != nil {
		return nil, err
	}
	return s, nil
}

// load reads the directory.
func (s *Store) load() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	replaced := map[string]bool{}
	for _, e := range entries {
		path := filepath.Join(s.dir, e.Name())
		switch {
		case e.IsDir():
		case s.readOnly && strings.HasSuffix(e.Name(), ".tmp"):
		case strings.HasSuffix(e.Name(), ".tmp"):
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("store: %w", err)
			}
		case strings.HasPrefix(e.Name(), "seg-") && strings.HasSuffix(e.Name(), ".parquet"):
			g, err := loadSegment(path)
			if s.readOnly && errors.Is(err, fs.ErrNotExist) {
				continue // merged into another just now
			}
			if err != nil {
				if err := s.setAside(path, err); err != nil {
					return err
				}
				continue
			}
			s.segments = append(s.segments, g)
			for _, name := range g.manifest.Replaces {
				replaced[name] = true
			}
		}
	}
	live := s.segments[:0]
	for _, g := range s.segments {
		if !replaced[g.name] {
			live = append(live, g)
			s.spell(g)
		} else if err := s.remove(g.path); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	s.segments = live
	s.sortSegments()
	return nil
}

// remove deletes a file that a merge replaced; its owner does so, not a reader.
func (s *Store) remove(path string) error {
	if s.readOnly {
		return nil
	}
	return os.Remove(path)
}

// setAside moves a damaged file away, and says why beside it. A reader leaves
// it where it is and goes on without it.
func (s *Store) setAside(path string, reason error) error {
	if s.readOnly {
		s.log.Error("a segment can't be read and was left out", "file", path, "reason", reason)
		s.aside = append(s.aside, SetAside{path, reason.Error()})
		return nil
	}
	to := filepath.Join(s.dir, "set-aside", filepath.Base(path))
	if err := os.Rename(path, to); err != nil {
		return fmt.Errorf("store: set aside: %w", err)
	}
	if err := os.WriteFile(to+".reason.txt", []byte(reason.Error()+"\n"), 0o600); err != nil {
		return fmt.Errorf("store: set aside: %w", err)
	}
	s.log.Error("a segment can't be read and was set aside", "file", to, "reason", reason)
	s.aside = append(s.aside, SetAside{to, reason.Error()})
	return nil
}

func (s *Store) sortSegments() {
	slices.SortFunc(s.segments, func(a, b *segment) int { return strings.Compare(a.name, b.name) })
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

// change is begin for what writes.
func (s *Store) change() error {
	if s.readOnly {
		return ErrReadOnly
	}
	return s.begin()
}

// begin notes that something uses the store; the caller calls s.busy.Done.
func (s *Store) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.busy.Add(1)
	return nil
}

// Close waits for what is under way and closes the store. What was committed
// stays; calling it twice is harmless.
func (s *Store) Close() error {
	s.mu.Lock()
	was := s.closed
	s.closed = true
	s.mu.Unlock()
	s.busy.Wait()
	if was {
		return nil
	}
	return s.duck.close()
}

// Frames lists the record ranges that the live segments account for, joined
// where they adjoin. The ledger is rebuilt from it at start.
func (s *Store) Frames() []FrameRange {
	s.mu.Lock()
	var all []FrameRange
	for _, g := range s.segments {
		all = append(all, g.manifest.Frames...)
	}
	s.mu.Unlock()
	return mergeFrames(all)
}

// Stats returns the store's figures.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Segments: len(s.segments), Tenants: map[string]int64{}, SetAside: slices.Clone(s.aside)}
	for _, g := range s.segments {
		m := g.manifest
		st.Events += m.Events
		st.Bytes += g.size
		if g.damaged.Load() {
			st.Damaged = append(st.Damaged, g.path)
		}
		for t, n := range m.Tenants {
			st.Tenants[t] += n
		}
		if m.Events == m.Untimed {
			continue
		}
		if t := time.Unix(0, m.Oldest).UTC(); st.Oldest.IsZero() || t.Before(st.Oldest) {
			st.Oldest = t
		}
		if t := time.Unix(0, m.Newest).UTC(); st.Newest.IsZero() || t.After(st.Newest) {
			st.Newest = t
		}
	}
	return st
}

// Retain removes the segments whose newest event is older than before, and
// returns how many. Events without a time go by when they were stored, and an
// event that claims a time after it was stored counts as one day later at most.
// The frames of what is removed are no longer in Frames.
func (s *Store) Retain(ctx context.Context, before time.Time) (removed int, err error) {
	if err := s.change(); err != nil {
		return 0, err
	}
	defer s.busy.Done()
	s.merge.Lock() // a compaction under way could bring them back
	defer s.merge.Unlock()
	limit := nanos(before)
	s.mu.Lock()
	var gone []*segment
	for _, g := range s.segments {
		if g.age() < limit {
			gone = append(gone, g)
		}
	}
	s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("store: %w", err)
	}
	s.swap(gone, nil)
	return len(gone), nil
}

// swap takes segments out of the live list and puts one in, at once. The old
// files go when no query holds them.
func (s *Store) swap(out []*segment, in *segment) {
	s.mu.Lock()
	kept := make([]*segment, 0, len(s.segments)+1)
	for _, g := range s.segments {
		if !slices.Contains(out, g) {
			kept = append(kept, g)
		}
	}
	s.segments = kept
	if in != nil {
		s.segments = append(s.segments, in)
		s.spell(in)
		s.sortSegments()
	}
	s.mu.Unlock()
	for _, g := range out {
		g.dead.Store(true)
	}
	s.release(out)
}

// release ends the use of segments, and deletes the files of the dead ones
// that nobody else uses.
func (s *Store) release(segments []*segment) {
	for _, g := range segments {
		if g.refs.Add(-1) == 0 && g.dead.Load() {
			if err := os.Remove(g.path); err != nil {
				s.log.Error("an old segment can't be removed", "file", g.path, "error", err)
			}
		}
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
