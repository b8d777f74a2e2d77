package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"mimamori/frame"
	"mimamori/internal/whole"
)

const (
	stateVersion   = 1
	collectorsFile = "collectors.json"
)

// state is what the files by day hold, as far as they are durable. What a file
// has beyond it was being written when the program ended.
type state struct {
	Version int
	Moved   []*frame.Entry  // what is in files by day
	Days    []*openDay      // not yet signed
	Last    map[string]link // newest signed day, by municipality
	Head    link            // newest head, by the day in its name

	Certified certified // newest certificate of an erasure

	moved *frame.Ledger
}

// openDay is a municipality's day that is not over.
type openDay struct {
	Municipality, Day string
	Tree              tree
	Bytes             int64
	Collectors        []string
}

func newState() *state {
	return &state{Version: stateVersion, Last: map[string]link{}, moved: frame.NewLedger()}
}

// clone copies what a step changes.
func (s *state) clone() *state {
	c := newState()
	c.Head, c.Certified = s.Head, s.Certified
	for _, e := range s.moved.Entries() {
		c.moved.Restore(e)
	}
	for _, d := range s.Days {
		x := *d
		x.Tree.Roots = append([]frame.Hash(nil), d.Tree.Roots...)
		x.Collectors = append([]string(nil), d.Collectors...)
		c.Days = append(c.Days, &x)
	}
	maps.Copy(c.Last, s.Last)
	return c
}

func (s *state) save(dir string) error {
	s.Moved = s.moved.Entries()
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("archive: state: %w", err)
	}
	return whole.Bytes(filepath.Join(dir, stateFile), b)
}

// readState reads the state of an archive's folder; nil when there is none.
func readState(dir string) (*state, error) {
	b, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // none yet
	}
	if err != nil {
		return nil, fmt.Errorf("archive: state: %w", err)
	}
	s := newState()
	if err = json.Unmarshal(b, s); err == nil && s.Version != stateVersion {
		err = fmt.Errorf("version %d, this program reads %d", s.Version, stateVersion)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, filepath.Join(dir, stateFile), err)
	}
	for _, e := range s.Moved {
		s.moved.Restore(e)
	}
	return s, nil
}

// loadState reads what an earlier run knew. Where that is lost, the files
// themselves are read.
func (a *Archive) loadState() error {
	b, err := os.ReadFile(filepath.Join(a.cfg.Dir, collectorsFile))
	a.collectors = map[string]string{}
	if err == nil {
		err = json.Unmarshal(b, &a.collectors)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.cfg.Log.Error("archive: the collectors' public keys can't be read; they are noted anew", "err", err)
	}
	a.state, err = readState(a.cfg.Dir)
	if err != nil {
		a.cfg.Log.Error("archive: its state can't be read; reading all of its files", "err", err)
	}
	if a.state != nil {
		return nil
	}
	a.state, err = a.rebuild()
	return err
}

func (a *Archive) saveCollectors(m map[string]string) error {
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return whole.Bytes(filepath.Join(a.cfg.Dir, collectorsFile), b)
}

// hasKey tells whether a list of keys, each followed by ",", has one.
func hasKey(list, key string) bool { return strings.Contains(list, key) }
