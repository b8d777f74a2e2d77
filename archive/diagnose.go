package archive

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"mimamori/frame"
)

// found is a whole record in a file that is not as it should be.
type found struct {
	leaf frame.Hash
	at   int64
	name string
	away string // municipality and day it is of, where these are others
}

// diagnose reads a day that is wrong once more, and finds out what is wrong. It
// compares the records that are there with the leaves that should be there:
// those of the index, unless the manifest says that the index is what is wrong.
func (w *dayCheck) diagnose() error {
	records, bad, size, err := w.records()
	if err != nil {
		return err
	}
	index, tail, err := w.leaves()
	if err != nil {
		return err
	}
	here := make([]frame.Hash, len(records))
	for i := range records {
		here[i] = records[i].leaf
	}
	fits := func(leaves []frame.Hash) bool {
		return w.manifest != nil && uint64(len(leaves)) == w.manifest.Frames && rootOf(leaves) == w.manifest.Root
	}
	before := w.v.report.total()
	switch {
	case fits(here) && len(bad) == 0 && !slices.Equal(here, index):
		w.index(here, index, tail)
	case fits(here) && slices.Equal(here, index): // what is there is right; something was put between or behind it
		w.between(bad)
		if tail > 0 {
			w.v.find(Finding{Kind: Edited, File: w.file(indexSuffix), Frame: uint64(len(index)), Text: fmt.Sprintf("%d bytes too many at its end", tail)})
		}
	case w.manifest == nil && len(bad) <= 1 && w.prefix(here, index, bad, size):
		// being written when it was copied
	default:
		w.compare(records, index, bad, size)
		if tail > 0 || w.manifest != nil && !fits(index) {
			w.v.find(Finding{Kind: Edited, File: w.file(indexSuffix), Text: "the index does not fit the signed manifest"})
		}
	}
	if w.manifest != nil && w.v.report.total() == before {
		w.v.find(Finding{Kind: Edited, File: w.file(framesSuffix), Text: "the frames do not fit the signed manifest"})
	}
	w.anchorOpen(here)
	return nil
}

// anchorOpen compares with what the anchor knows of a day that was not over.
func (w *dayCheck) anchorOpen(here []frame.Hash) {
	o := w.open()
	switch {
	case o == nil:
	case uint64(len(here)) < o.Frames:
		w.v.find(Finding{Kind: Truncated, File: w.file(framesSuffix), Frame: uint64(len(here)) + 1, Text: fmt.Sprintf("the anchor knows %d frames, %d are there", o.Frames, len(here))})
	case rootOf(here[:o.Frames]) != o.Root:
		w.v.find(Finding{Kind: Edited, File: w.file(framesSuffix), Text: fmt.Sprintf("the first %d frames are not those that the anchor knows", o.Frames)})
	}
}

// prefix tells whether a day that is not signed is right as far as both files go.
func (w *dayCheck) prefix(here, index []frame.Hash, bad []damage, size int64) bool {
	n := min(len(here), len(index))
	return slices.Equal(here[:n], index[:n]) && (len(bad) == 0 || bad[0].To == size)
}

// records lists what is whole in the file, and what is not.
func (w *dayCheck) records() ([]found, []damage, int64, error) {
	f, err := os.Open(w.path(framesSuffix))
	if err != nil {
		return nil, nil, 0, fmt.Errorf("archive: %w", err)
	}
	defer f.Close()
	s := newScanner(f, size(w.path(framesSuffix)))
	var out []found
	seen := newAccount()
	for {
		e, at, _, err := s.next()
		if errors.Is(err, errHopeless) {
			w.v.find(Finding{Kind: Edited, File: w.file(framesSuffix), Offset: s.at, Text: err.Error()})
		} else if err != nil && !errors.Is(err, io.EOF) {
			return nil, nil, 0, err
		}
		if err != nil {
			break
		}
		r := found{leaf: e.leaf(), at: at, name: e.name()}
		if e.Municipality != w.code || e.Day != w.day {
			r.away = e.Municipality + " " + e.Day
		} else {
			seen.add(&e)
		}
		out = append(out, r)
		w.v.report.Frames++
	}
	w.v.report.Bytes += s.at
	w.take(seen)
	return out, s.bad, s.at, nil
}

// leaves reads the index, and how many bytes at its end are no leaf.
func (w *dayCheck) leaves() ([]frame.Hash, int, error) {
	b, err := os.ReadFile(w.path(indexSuffix))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, 0, fmt.Errorf("archive: %w", err)
	}
	out := make([]frame.Hash, len(b)/len(frame.Hash{}))
	for i := range out {
		copy(out[i][:], b[i*len(out[i]):])
	}
	return out, len(b) % len(frame.Hash{}), nil
}

// total is how many findings there are.
func (r *Report) total() int { return len(r.Findings) + r.More }
