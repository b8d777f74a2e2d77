package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
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
		columns: map[string]string{}, unlock: func() {}, retry: retryFirst, grown: make(chan struct{}),
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
		case isSegment(e.Name()):
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
