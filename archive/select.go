package archive

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mimamori/frame"
)

// Selection says which frames of an archive are meant. What is zero is any.
type Selection struct {
	Municipalities []string
	From, To       string // days of the archive, both included
	Collector      string
	Source         string
	Epoch          uint64
	First, Last    uint64 // records; a frame is meant when it has any of them
}

// takes tells whether an entry is meant.
func (s *Selection) takes(e *Entry) bool {
	return (s.Collector == "" || s.Collector == e.Collector) && (s.Source == "" || s.Source == e.Source) && (s.Epoch == 0 || s.Epoch == e.Epoch) &&
		(s.Last == 0 || e.First <= s.Last && e.Last >= s.First)
}

// days lists the municipality's days that are meant, ascending.
func (s *Selection) days(dir, code string) ([]string, error) {
	if len(s.Municipalities) > 0 && !slices.Contains(s.Municipalities, code) {
		return nil, nil
	}
	list, err := os.ReadDir(filepath.Join(dir, code))
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	var out []string
	for _, d := range list {
		day, ok := strings.CutSuffix(d.Name(), framesSuffix)
		if ok && isDay(day) && day >= s.From && (s.To == "" || day <= s.To) {
			out = append(out, day)
		}
	}
	return out, nil
}

// Frames calls each with the selected frames that are in files by day, ordered
// by municipality and, within it, as they were archived. What each is called
// with belongs to it. A frame that can't be opened, such as one whose key was
// destroyed, goes to skip with the reason; an error of either ends it. Damage of
// the files is passed over: Verify names it.
func Frames(dir string, keys *Keys, s Selection, each func(e Entry, f *frame.Frame) error, skip func(e Entry, err error) error) error {
	towns, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	for _, t := range towns {
		if !t.IsDir() || !isCode(t.Name()) {
			continue
		}
		days, err := s.days(dir, t.Name())
		if err != nil {
			return err
		}
		for _, day := range days {
			_, err := scanFile(filepath.Join(dir, t.Name(), day+framesSuffix), func(e *Entry, sealed []byte) error {
				if !s.takes(e) {
					return nil
				}
				f, err := keys.unseal(e, sealed)
				own := *e
				own.header = slices.Clone(e.header)
				if err != nil {
					return skip(own, err)
				}
				return each(own, f)
			})
			if err != nil && !errors.Is(err, errHopeless) {
				return err
			}
		}
	}
	return nil
}

// unseal opens a record's frame and checks that it is the one.
func (k *Keys) unseal(e *Entry, sealed []byte) (*frame.Frame, error) {
	aead, err := k.forReading(e)
	if err != nil {
		return nil, err
	}
	plain, err := e.open(sealed, aead)
	if err != nil {
		return nil, err
	}
	f, err := frame.Parse(plain)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return f, e.fits(f)
}
