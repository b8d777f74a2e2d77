package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mimamori/frame"
	"mimamori/internal/whole"
)

// rebuild makes the state from the files by day.
func (a *Archive) rebuild() (*state, error) {
	s := newState()
	towns, err := os.ReadDir(a.cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	for _, town := range towns {
		if !town.IsDir() || !isCode(town.Name()) {
			continue
		}
		days, err := os.ReadDir(filepath.Join(a.cfg.Dir, town.Name()))
		if err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
		for _, d := range days { // ascending
			if day, ok := strings.CutSuffix(d.Name(), framesSuffix); ok && isDay(day) {
				if err := a.rebuildTown(s, town.Name(), day); err != nil {
					return nil, err
				}
			}
		}
	}
	names, err := filepath.Glob(filepath.Join(a.cfg.Dir, headsDir, "*"+headSuffix))
	if err != nil || len(names) == 0 {
		return s, err
	}
	newest := names[len(names)-1]
	text, err := os.ReadFile(newest)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	if _, err := parseHead(text); err != nil {
		a.cfg.Log.Error("archive: a head can't be read; see mimamori archive verify", "file", newest, "err", err)
		return s, nil
	}
	s.Head = link{strings.TrimSuffix(filepath.Base(newest), headSuffix), textHash(text)}
	return s, nil
}

// rebuildTown enters one day of a municipality.
func (a *Archive) rebuildTown(s *state, municipality, day string) error {
	text, err := os.ReadFile(a.path(municipality, day, manifestSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		account, err := a.rebuildDay(municipality, day, s.moved)
		if err == nil && account.Tree.Size > 0 {
			*s.day(municipality, day) = *account
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	_, hash, err := parseManifest(text)
	if err != nil {
		a.cfg.Log.Error("archive: a manifest can't be read; see mimamori archive verify", "municipality", municipality, "day", day, "err", err)
	}
	s.Last[municipality] = link{day, hash}
	_, err = scanFile(a.path(municipality, day, framesSuffix), func(e *Entry, _ []byte) error {
		s.moved.Add(s.moved.Entry(e.Sequence(), e.Municipality, ""), e.span(), frame.Counts{})
		return nil
	})
	return err
}

// rebuildDay makes the account and the index of a day that is not signed from
// its records, and enters them into moved where that is given. Where the file is
// damaged, what can be read becomes a new one and the old one is kept aside.
func (a *Archive) rebuildDay(municipality, day string, moved *frame.Ledger) (*openDay, error) {
	account := &openDay{Municipality: municipality, Day: day}
	path := a.path(municipality, day, framesSuffix)
	var leaves []byte
	bad, err := scanFile(path, func(e *Entry, _ []byte) error {
		leaf := e.leaf()
		account.add(e, leaf)
		leaves = append(leaves, leaf[:]...)
		if moved != nil {
			moved.Add(moved.Entry(e.Sequence(), e.Municipality, ""), e.span(), frame.Counts{})
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil && len(bad) > 0 {
		a.cfg.Log.Error("archive: a file is damaged; what can be read is kept, the old file set aside", "file", path, "places", len(bad), "first", bad[0].From)
		err = errors.Join(whole.Copy(path, path+".damaged"), a.clean(path))
	}
	if err != nil {
		return nil, err
	}
	return account, whole.Bytes(a.path(municipality, day, indexSuffix), leaves)
}

// clean writes a file anew with its whole records only.
func (a *Archive) clean(path string) error {
	return whole.Write(path, func(w io.Writer) error {
		_, err := scanFile(path, func(e *Entry, sealed []byte) error {
			_, err := w.Write(e.header)
			if err == nil {
				_, err = w.Write(sealed)
			}
			return err //nolint:wrapcheck // whole.Write does
		})
		return err
	})
}

// scanFile visits the whole records of a file and returns what lies between
// them. What each is called with is a view until the next call.
func scanFile(path string, each func(e *Entry, sealed []byte) error) ([]damage, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	defer f.Close()
	s := newScanner(f, size(path))
	for {
		e, _, sealed, err := s.next()
		if errors.Is(err, io.EOF) {
			return s.bad, nil
		}
		if err == nil {
			err = each(&e, sealed)
		}
		if err != nil {
			return s.bad, err
		}
	}
}
