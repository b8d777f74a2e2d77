package archive

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"mimamori/frame"
)

// day checks the frames of a day against index and manifest. m is nil where
// there is none that can be trusted.
func (v *verifier) day(code, day string, m *manifest, have []string) error {
	v.report.Days++
	if v.report.From == "" || day < v.report.From {
		v.report.From = day
	}
	gone := false
	for _, suffix := range []string{framesSuffix, indexSuffix} {
		if !slices.Contains(have, suffix) {
			gone = true
			v.find(Finding{Kind: Missing, File: path.Join(code, day+suffix), Text: "the file is gone"})
		}
	}
	if gone && !slices.Contains(have, framesSuffix) {
		return nil
	}
	w := &dayCheck{v: v, code: code, day: day, manifest: m}
	ok, err := w.quick()
	if err == nil && !ok {
		err = w.diagnose()
	}
	return err
}

// dayCheck is the check of one day.
type dayCheck struct {
	v         *verifier
	code, day string
	manifest  *manifest
}

func (w *dayCheck) file(suffix string) string { return path.Join(w.code, w.day+suffix) }
func (w *dayCheck) path(suffix string) string {
	return filepath.Join(w.v.dir, w.code, w.day+suffix)
}

// quick reads a day once; false when anything is not as it should be.
func (w *dayCheck) quick() (bool, error) {
	frames, err := os.Open(w.path(framesSuffix))
	if err != nil {
		return false, fmt.Errorf("archive: %w", err)
	}
	defer frames.Close()
	index, err := os.Open(w.path(indexSuffix))
	if err != nil {
		return false, nil // missing: said already, or found by diagnose
	}
	defer index.Close()
	leaves, s := bufio.NewReaderSize(index, fileBuffer), newScanner(frames, size(w.path(framesSuffix)))
	var t tree
	seen := newAccount()
	bad := w.v.opened()
	for {
		e, at, sealed, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, errHopeless) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		var want frame.Hash
		leaf := e.leaf()
		if _, err := io.ReadFull(leaves, want[:]); err != nil || want != leaf || e.Municipality != w.code || e.Day != w.day || !seen.add(&e) {
			bad.undo()
			return false, nil
		}
		t.add(leaf)
		if !w.anchored(&t) {
			bad.undo()
			return false, nil
		}
		w.v.deepen(w, &e, sealed, at, t.Size)
	}
	_, err = leaves.ReadByte()
	m := w.manifest
	if len(s.bad) > 0 || !errors.Is(err, io.EOF) || m != nil && (t.Size != m.Frames || s.at != m.Bytes || t.root() != m.Root) || !w.reaches(t.Size) {
		bad.undo()
		return false, nil
	}
	w.v.report.Frames += t.Size
	w.v.report.Bytes += s.at
	w.take(seen)
	return true, nil
}

// take enters the day's sequences into the whole account.
func (w *dayCheck) take(seen *account) {
	for _, e := range seen.have.Entries() {
		for _, r := range e.Ranges {
			if w.v.seen.have.Has(e.Key, r) {
				w.v.find(Finding{Kind: Replayed, File: w.file(framesSuffix), Text: fmt.Sprintf("%s/%s/%d seq %d-%d was archived on an earlier day too", e.Collector, e.Source, e.Epoch, r.First, r.Last)})
			}
			w.v.seen.have.Add(w.v.seen.have.Entry(e.Key, e.Municipality, ""), r, frame.Counts{})
		}
		all := w.v.seen.have.Entry(e.Key, e.Municipality, "")
		all.Dropped += e.Dropped
	}
	for k, r := range seen.given {
		w.v.seen.given[k] = append(w.v.seen.given[k], r...)
	}
}

// open is what the anchor says of this day when it was not over; nil for none.
func (w *dayCheck) open() *openHead {
	if w.v.anchor == nil {
		return nil
	}
	i := slices.IndexFunc(w.v.anchor.Open, func(o openHead) bool { return o.Municipality == w.code && o.Day == w.day })
	if i < 0 {
		return nil
	}
	return &w.v.anchor.Open[i]
}

// anchored checks the tree where the anchor names its root.
func (w *dayCheck) anchored(t *tree) bool {
	o := w.open()
	return o == nil || o.Frames != t.Size || o.Root == t.root()
}

// reaches checks that the day has as many frames as the anchor knows of.
func (w *dayCheck) reaches(n uint64) bool {
	o := w.open()
	return o == nil || o.Frames <= n
}
