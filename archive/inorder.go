package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"mimamori/frame"
)

// Item is a frame as it lies in a file by day.
type Item struct {
	Entry
	file string
	at   int64
	came int64 // not before those of its municipality in front of it
}

// Damaged is a stretch of a file that holds no whole record.
type Damaged struct {
	File     string
	From, To int64
	Entry    *Entry // what it says it was, where that can still be read
}

// InOrder calls each with the selected frames of all municipalities in the order
// in which they came, and damaged with what can't be read between them. It
// holds the headers of one day in memory. An error of either ends it.
func InOrder(ctx context.Context, dir string, s Selection, each func(*Item) error, damaged func(Damaged) error) error {
	towns, days, err := s.places(dir)
	if err != nil {
		return err
	}
	for _, day := range days {
		var items []Item
		for _, code := range towns {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("archive: %w", err)
			}
			if items, err = s.headers(items, filepath.Join(dir, code, day), damaged); err != nil {
				return err
			}
		}
		slices.SortStableFunc(items, func(a, b Item) int { return cmp.Compare(a.came, b.came) })
		for i := range items {
			if err := each(&items[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// places lists the selected municipalities, and all of their days, ascending.
func (s *Selection) places(dir string) (towns, days []string, err error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("archive: %w", err)
	}
	for _, t := range list {
		if !t.IsDir() || !isCode(t.Name()) {
			continue
		}
		more, err := s.days(dir, t.Name())
		if err != nil {
			return nil, nil, err
		}
		if len(more) > 0 {
			towns, days = append(towns, t.Name()), append(days, more...)
		}
	}
	slices.Sort(days)
	return towns, slices.Compact(days), nil
}

// headers appends the selected records of a municipality's day; base is the path
// of its files without their suffix.
func (s *Selection) headers(items []Item, base string, damaged func(Damaged) error) ([]Item, error) {
	path := base + framesSuffix
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) { // that of another municipality
		return items, nil
	}
	if err != nil {
		return items, fmt.Errorf("archive: %w", err)
	}
	defer f.Close()
	end, came := size(path), int64(0)
	scan := newScanner(f, end)
	for {
		e, at, _, err := scan.next()
		if err != nil {
			return items, scan.tell(path, end, err, damaged)
		}
		came = max(came, e.Arrived)
		if s.takes(&e) {
			e.header = nil // a view
			items = append(items, Item{e, path, at, came})
		}
	}
}

// tell names the damage of a file that was read to its end. What stands at the
// end of a day that is not over is being written.
func (s *scanner) tell(path string, end int64, err error, damaged func(Damaged) error) error {
	if errors.Is(err, errHopeless) {
		s.bad = append(s.bad, damage{From: s.at, To: end})
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	_, over := os.Stat(path[:len(path)-len(framesSuffix)] + manifestSuffix)
	for _, d := range s.bad {
		if d.To == end && over != nil {
			continue
		}
		if err := damaged(Damaged{path, d.From, d.To, d.Entry}); err != nil {
			return err
		}
	}
	return nil
}

// Opens tells whether the key of an entry is at hand. The error wraps ErrErased,
// ErrNoKey or ErrLocked.
func (k *Keys) Opens(e *Entry) error {
	_, err := k.forReading(e)
	return err
}

// Open reads and decrypts the frame, which is the caller's. An error that wraps
// ErrMalformed is of this frame only.
func (i *Item) Open(keys *Keys) (*frame.Frame, error) {
	f, err := os.Open(i.file)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	defer f.Close()
	b := make([]byte, maxHeader+i.Size)
	n, err := f.ReadAt(b, i.at)
	e, ok := parseHeader(b[:n])
	if !ok || e.Cipher != i.Cipher || len(e.header)+e.Size > n {
		return nil, errors.Join(fmt.Errorf("%w: %s byte %d: %s is not there any more", ErrMalformed, i.file, i.at, i.name()), err)
	}
	return keys.unseal(&e, b[len(e.header):len(e.header)+e.Size])
}

// Move puts what is in the journal into files by day now.
func (a *Archive) Move() error { return a.step() }

// Waiting tells whether frames are in the journal of an archive's folder, which
// are not in files by day.
func Waiting(dir string) (bool, error) {
	list, err := journals(filepath.Join(dir, journalDir))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return slices.ContainsFunc(list, func(p part) bool { return p.size > 0 }), err
}
