package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"
)

// SinkOptions declare a sink that Follow will serve.
type SinkOptions struct {
	Name    string        // small letters, digits, - and _; its position's file is named so
	FromNow bool          // a new sink is not given what is stored already
	Replace bool          // it writes over events that it has: it is given again what Rewrite changes
	Keep    time.Duration // how long beyond its age Retain leaves what the sink has not had
}

// SinkStats tell how far a sink has come.
type SinkStats struct {
	Name     string
	Behind   int64     // events that it has not had, about
	Oldest   time.Time // when the oldest of these arrived, at the earliest; zero without
	Given    int64     // events given since Open
	Lost     int64     // events that Retain removed before the sink had them, since ever
	Err      string    // why it is not given more just now
	Since    time.Time // of Err
	Position string    // why its position can't be kept
	Damaged  []string  // files that can't be read to the end: what follows there was not given
}

// follower is a sink and how far it has come. Store.mu guards it.
type follower struct {
	SinkOptions
	position
	path   string
	saving sync.Mutex        // one writer of the file
	had    map[*segment]bool // live ones of which it lacks nothing
	stats  SinkStats
	stop   context.CancelFunc // while Follow serves it
}

var sinkName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// openSinks reads how far the sinks have come.
func (s *Store) openSinks(list []SinkOptions) error {
	if len(list) == 0 || s.readOnly {
		return nil
	}
	dir := filepath.Join(s.dir, "sinks")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	for _, o := range list {
		if !sinkName.MatchString(o.Name) || s.follower(o.Name) != nil {
			return fmt.Errorf("store: sink %q: give each a name of its own, of small letters, digits, - and _", o.Name)
		}
		f := &follower{SinkOptions: o, path: filepath.Join(dir, o.Name+".json"), had: map[*segment]bool{}, stats: SinkStats{Name: o.Name}}
		var err error
		f.position, err = loadPosition(f.path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(f.path, f.path+".damaged"); err != nil {
				return fmt.Errorf("store: %w", err)
			}
			s.log.Error("how far a sink has come can't be read: it is given everything again", "sink", o.Name, "aside", f.path+".damaged", "error", err)
		}
		if errors.Is(err, fs.ErrNotExist) && o.FromNow {
			f.add(s.Frames())
			f.Rewritten = s.nextAnew()
		}
		if err := s.savePosition(f); err != nil {
			return err
		}
		s.followers = append(s.followers, f)
	}
	return nil
}

func (s *Store) follower(name string) *follower {
	i := slices.IndexFunc(s.followers, func(f *follower) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return s.followers[i]
}

// sinkStats adds up what each sink lacks. The caller holds s.mu.
func (s *Store) sinkStats() []SinkStats {
	var out []SinkStats
	for _, f := range s.followers {
		st := f.stats
		st.Lost, st.Damaged = f.Lost, slices.Clone(st.Damaged)
		for _, g := range s.segments {
			if f.had[g] {
				continue
			}
			n, _, _ := f.missing(g.manifest)
			st.Behind += n
			if at := time.Unix(0, g.first).UTC(); n > 0 && (st.Oldest.IsZero() || at.Before(st.Oldest)) {
				st.Oldest = at
			}
		}
		out = append(out, st)
	}
	return out
}

// awaited tells whether a sink has not had all of a segment and may have it yet,
// though what is of that age is beyond the limit.
func (s *Store) awaited(g *segment, age, limit int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.followers, func(f *follower) bool {
		_, some, _ := f.missing(g.manifest)
		return some && age >= limit-int64(f.Keep)
	})
}

// giveUp counts what sinks lose by the removal of so many events of a segment, or
// of the whole.
func (s *Store) giveUp(g *segment, events int64, whole bool) error {
	for _, f := range s.followers {
		s.mu.Lock()
		lost, some, _ := f.missing(g.manifest)
		if lost = min(lost, events); some && whole {
			f.add(g.manifest.Frames)
		}
		f.Lost += lost
		s.mu.Unlock()
		if lost == 0 {
			continue
		}
		s.log.Error("events were removed by age before a sink had them", "sink", f.Name, "events", lost)
		if err := s.savePosition(f); err != nil {
			return err
		}
	}
	return nil
}

// savePosition keeps how far a sink has come.
func (s *Store) savePosition(f *follower) error {
	f.saving.Lock()
	defer f.saving.Unlock()
	s.mu.Lock()
	file := f.file()
	s.mu.Unlock()
	err := file.save(f.path)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.stats.Position = ""; err != nil {
		f.stats.Position = err.Error()
	}
	return err
}
