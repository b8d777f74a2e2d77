package archive

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// heads checks the archive's own heads: each is signed, names the one before it,
// and fits the days that are there.
func (v *verifier) heads() error {
	list, err := os.ReadDir(filepath.Join(v.dir, headsDir))
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("archive: %w", err)
	}
	chain, newest := link{}, head{}
	for _, d := range list { // by day
		file := path.Join(headsDir, d.Name())
		day, ok := strings.CutSuffix(d.Name(), headSuffix)
		if strings.HasSuffix(d.Name(), tmpSuffix) {
			continue
		}
		if !ok || !isDay(day) {
			v.find(Finding{Kind: Inserted, File: file, Text: "this is no file of an archive"})
			continue
		}
		text, err := readText(filepath.Join(v.dir, filepath.FromSlash(file)))
		if err != nil {
			return err
		}
		before := chain
		chain = link{Day: day}
		h, err := parseHead(text)
		if !v.signed(file, h.Key, err) {
			continue
		}
		if last := h.day(); last != day {
			v.find(Finding{Kind: Replayed, File: file, Text: "this is the head of " + orNone(last)})
			continue
		}
		chain.Hash = textHash(text)
		v.follows(file, headsDir, h.Previous, before)
		v.fits(&h, file, file)
		newest = h
	}
	for _, code := range slices.Sorted(maps.Keys(v.towns)) {
		if day := v.towns[code]; day > newest.Last[code].Day && day != "" {
			v.find(Finding{Kind: Missing, File: path.Join(headsDir, day+headSuffix), Text: fmt.Sprintf("no head names the signed day %s of %s", day, code)})
		}
	}
	return nil
}

// day is the newest day that a head names, after which its file is named.
func (h *head) day() string {
	newest := ""
	for _, l := range h.Last {
		newest = max(newest, l.Day)
	}
	return newest
}

// fits checks that every day that a head names is there as it was then.
func (v *verifier) fits(h *head, file, name string) {
	v.fitsCertified(h.Certified, name)
	for _, code := range slices.Sorted(maps.Keys(h.Last)) {
		l := h.Last[code]
		hash, ok := v.days[[2]string{code, l.Day}]
		target := path.Join(code, l.Day+manifestSuffix)
		if !ok && v.found(target) {
			continue // said already
		}
		if !ok {
			v.find(Finding{Kind: Missing, File: target, Text: fmt.Sprintf("%s names this day, and it is gone", name)})
		} else if hash != l.Hash {
			v.find(Finding{Kind: Edited, File: target, Text: fmt.Sprintf("it is signed, but it is not the one that %s names", name)})
		}
	}
	if file != "anchor" {
		return
	}
	for _, o := range h.Open {
		if v.towns[o.Municipality] < o.Day && size(filepath.Join(v.dir, o.Municipality, o.Day+framesSuffix)) == 0 {
			v.find(Finding{Kind: Missing, File: path.Join(o.Municipality, o.Day+framesSuffix), Text: fmt.Sprintf("%s names %d frames of this day, and it is gone", name, o.Frames)})
		}
	}
}

// found tells whether a file has a finding already.
func (v *verifier) found(file string) bool {
	return slices.ContainsFunc(v.report.Findings, func(f Finding) bool { return f.File == file })
}
