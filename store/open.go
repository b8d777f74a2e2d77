package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mimamori/internal/lock"
)

// Open opens the store in dir, which it creates if need be. Files that a crash
// left half written are removed; damaged segments are set aside, and the rest
// works. Its error says why nothing works at all; it wraps ErrInUse when another
// process has the directory open to write.
func Open(dir string, opts Options) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s := &Store{
		dir: dir, log: opts.Log, now: opts.Now, readOnly: opts.ReadOnly, opts: opts, sqlTurn: make(chan struct{}, 1),
		columns: map[string]string{}, dying: map[*segment]bool{}, unlock: func() {}, retry: retryFirst, grown: make(chan struct{}),
	}
	if !s.readOnly {
		if s.unlock, err = lock.Dir(dir); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
	}
	if err := s.open(opts); err != nil {
		s.unlock()
		return nil, err
	}
	return s, nil
}

// open does what is left once the directory is locked.
func (s *Store) open(opts Options) (err error) {
	if !s.readOnly {
		if err := os.MkdirAll(filepath.Join(s.dir, "set-aside"), 0o700); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if err := cleanBoxes(s.dir); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.workers = opts.Threads; s.workers <= 0 {
		s.workers = runtime.GOMAXPROCS(0)
	}
	if s.enc, err = newEncoder(); err != nil {
		return err
	}
	if err := s.load(); err != nil {
		return err
	}
	if err := s.openSinks(opts.Sinks); err != nil {
		return err
	}
	s.duck, err = openDuck(s.dir, opts)
	return err
}

// load reads the directory.
func (s *Store) load() error {
	if !s.readOnly {
		if err := s.clean(); err != nil {
			return err
		}
	}
	live, gone, err := s.read(nil)
	if err != nil {
		return err
	}
	for _, g := range gone {
		if err := s.remove(g.path); err != nil {
			return err
		}
	}
	s.have(live)
	for _, g := range live {
		s.spell(g)
	}
	s.sortSegments()
	return nil
}

// clean removes what a crash left half written.
func (s *Store) clean() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), ".tmp") {
			if err := remove(filepath.Join(s.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxReads bounds how often a reader begins anew because its owner has merged
// files meanwhile.
const maxReads = 20

// read reads the footers of the segments, but for those that are known (nil: not
// to be read), and tells which count.
func (s *Store) read(known map[string]*segment) (live, gone []*segment, err error) {
	columns := map[string]map[string]shape{}
	all := maps.Clone(known)
	if all == nil {
		all = map[string]*segment{}
	}
	for range maxReads {
		names, err := segmentNames(s.dir)
		if err != nil {
			return nil, nil, err
		}
		todo := slices.DeleteFunc(slices.Clone(names), func(name string) bool { _, ok := all[name]; return ok })
		loaded, failed := s.loadAll(todo)
		moved := false
		for i, name := range todo {
			if failed[i] == nil {
				loaded[i].shareColumns(columns)
				all[name] = loaded[i]
				continue
			}
			if s.readOnly && errors.Is(failed[i], fs.ErrNotExist) { // merged into another just now
				moved = true
				continue
			}
			all[name] = nil
			if err := s.setAside(filepath.Join(s.dir, name), failed[i]); err != nil {
				return nil, nil, err
			}
		}
		live, gone = standing(names, all)
		if !moved {
			break
		}
	}
	return live, gone, nil
}

// loadAll reads footers, several at a time: there may be tens of thousands.
func (s *Store) loadAll(names []string) ([]*segment, []error) {
	loaded, failed := make([]*segment, len(names)), make([]error, len(names))
	var wg sync.WaitGroup
	var next atomic.Int64
	for range max(1, min(2*s.workers, len(names))) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(names); i = int(next.Add(1)) - 1 {
				loaded[i], failed[i] = loadSegment(filepath.Join(s.dir, names[i]))
			}
		})
	}
	wg.Wait()
	return loaded, failed
}

// remove deletes a file that a merge replaced; its owner does so, not a reader.
func (s *Store) remove(path string) error {
	if s.readOnly {
		return nil
	}
	defer s.look()
	return remove(path)
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
