package store

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"mimamori/internal/lang"
	"mimamori/internal/lock"
)

// ErrNotFound is returned by Get for an event that is not stored, or not for
// the caller's eyes.
var ErrNotFound = errors.New("no such event in the store")

// ErrClosed is returned after Close.
var ErrClosed = errors.New("the store is closed")

// ErrReadOnly is returned by whatever would change a store opened to be read.
var ErrReadOnly = errors.New("the store is open for reading only")

// ErrNoSQL is returned by SQL where Options.SQLBox is not set.
var ErrNoSQL = errors.New("statements in SQL are not answered here")

// ErrInUse is wrapped by Open's error while another process has the directory
// open to write.
var ErrInUse = lock.ErrHeld

// Options of a store. The zero value is usable.
type Options struct {
	Log      *slog.Logger     // nil: no log
	Now      func() time.Time // nil: time.Now
	MemoryMB int              // DuckDB's memory limit, 0: 512
	Threads  int              // DuckDB's threads, 0: all processors
	ReadOnly bool             // look at a directory that another process may have open
	SQLBox   []string         // the command that runs ServeSQL, for analysts' statements; nil: there are none
	Lists    lang.Lists       // answers inList in searches; nil: no list has members
	Sinks    []SinkOptions    // those that Follow will serve

	// Rest is called between two steps of a merge, which take some 10 ms each, with
	// how long the last one took: merging may wait for what is more urgent, until ctx
	// ends; nil: it does not.
	Rest func(ctx context.Context, worked time.Duration)
}

// Store is an open event store. Its methods may be called at any time by any
// number of goroutines. One process has a directory open at a time.
type Store struct {
	dir  string
	log  *slog.Logger
	now  func() time.Time
	duck *duck
	opts Options

	sqlTurn chan struct{} // held while an analyst's statement runs

	unlock func() // lets another process have the directory

	readOnly bool
	wrap     func(io.Writer) io.Writer // tests let writes fail here
	looked   func()                    // tests look at the folder here

	workers    int  // of one query, beside DuckDB's
	unfiltered bool // tests ask without filters

	commit sync.Mutex // one writer of new segments
	enc    *encoder
	merge  sync.Mutex    // one writer of new segments in the place of old ones
	remake sync.Mutex    // one Rewrite
	retry  time.Duration // after a sink's first failure

	mu        sync.Mutex
	segments  []*segment        // by name, which is by age
	fresh     int               // of these, as Fresh tells
	frames    []FrameRange      // what all segments account for; nil: to be gathered
	dying     map[*segment]bool // dead ones that something still reads
	aside     []SetAside
	columns   map[string]string // lower-case column name → the spelling in use
	closed    bool
	busy      sync.WaitGroup // queries and writers under way
	serial    int
	grown     chan struct{} // closed when segments come, and made anew
	followers []*follower
}

// SetAside is a file that could not be read at Open.
type SetAside struct {
	File   string // its place now
	Reason string
}

// Stats are the store's figures.
type Stats struct {
	Segments int
	Fresh    int // of these, as Store.Fresh tells
	Events   int64
	Bytes    int64 // on disk, set-aside files apart
	Oldest   time.Time
	Newest   time.Time // @timestamp of the oldest and newest event; zero without
	Tenants  map[string]int64
	SetAside []SetAside
	Damaged  []string // live files with pages or filters that could not be read
	Sinks    []SinkStats
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
	s.stopFollowing()
	s.mu.Unlock()
	s.busy.Wait()
	if was {
		return nil
	}
	defer s.unlock()
	return s.duck.close()
}

// Frames lists the record ranges that the live segments account for, joined
// where they adjoin. The ledger is rebuilt from it at start.
func (s *Store) Frames() []FrameRange {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frames == nil {
		all := []FrameRange{}
		for _, g := range s.segments {
			all = append(all, g.manifest.Frames...)
		}
		s.frames = mergeFrames(all)
	}
	return slices.Clone(s.frames)
}

// Fresh is how many segments are as they were committed, never merged.
func (s *Store) Fresh() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fresh
}

// Stats returns the store's figures.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Segments: len(s.segments), Fresh: s.fresh, Tenants: map[string]int64{}, SetAside: slices.Clone(s.aside), Sinks: s.sinkStats()}
	for _, g := range s.segments {
		m := g.manifest
		st.Events += m.Events
		st.Bytes += g.size
		if g.damaged.Load() || g.unsound.Load() {
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
