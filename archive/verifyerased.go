package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"mimamori/frame"
)

// ErasedMonth is a month that a genuine certificate says was erased.
type ErasedMonth struct {
	Municipality string `json:"municipality"`
	Month        string `json:"month"`
	Certificate  string `json:"certificate"` // below the archive's folder
	Requested    string `json:"requested"`   // who, and for whom
	Approved     string `json:"approved"`
	Ended        string `json:"ended"`
	Readable     uint64 `json:"readable,omitempty"` // frames that the keys at hand open nevertheless: a copy of a key is left
}

// by names a person and the organisation.
func (a *Act) by() string { return a.By + " (" + a.Side + ")" }

// erasures checks the certificates: each is signed, and names the one before it.
func (v *verifier) erasures() error {
	list, err := os.ReadDir(filepath.Join(v.dir, erasuresDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("archive: %w", err)
	}
	before := certified{}
	for _, f := range list { // by number
		file := path.Join(erasuresDir, f.Name())
		n := certificateNumber(f.Name())
		if strings.HasSuffix(f.Name(), tmpSuffix) {
			continue
		}
		if n == 0 || f.IsDir() {
			v.find(Finding{Kind: Inserted, File: file, Text: "this is no file of an archive"})
			continue
		}
		for gone := before.Number + 1; gone < n && gone <= before.Number+maxFindings; gone++ {
			v.find(Finding{Kind: Missing, File: certificateName(gone), Text: fmt.Sprintf("%s has a higher number, and this certificate is gone", file)})
		}
		text, err := readText(filepath.Join(v.dir, filepath.FromSlash(file)))
		if err != nil {
			return err
		}
		v.erasure(file, text, certified{n, frame.Hash{}}, &before)
	}
	return nil
}

// erasure checks one certificate. before is the one before it, and then this one.
func (v *verifier) erasure(file string, text []byte, this certified, before *certified) {
	previous := *before
	*before = this
	c, err := ParseCertificate(text)
	if !v.signed(file, c.Key, err) {
		return
	}
	if c.Number != this.Number {
		v.find(Finding{Kind: Replayed, File: file, Text: fmt.Sprintf("this is certificate %d", c.Number)})
		return
	}
	if previous.Number == this.Number-1 && (previous.Number == 0 || previous.Hash != frame.Hash{}) && c.Previous != previous.Hash {
		v.find(Finding{Kind: Edited, File: certificateName(max(previous.Number, 1)), Text: fmt.Sprintf("it is signed, but it is not the one that %s names", file)})
	}
	before.Hash = c.hash
	v.certificates[this.Number] = c
	v.report.Certificates = append(v.report.Certificates, ErasedMonth{
		Municipality: c.Municipality, Month: c.Month, Certificate: file, Requested: c.Requested.by(), Approved: c.Approved.by(), Ended: c.Ended.Format("2006-01-02 15:04"),
	})
}

// certifiedDays compares what certificates name with the days that are there.
func (v *verifier) certifiedDays() {
	for _, n := range sortedKeys(v.certificates) {
		c := v.certificates[n]
		for _, d := range c.Days {
			target := path.Join(c.Municipality, d.Day+manifestSuffix)
			hash, ok := v.days[[2]string{c.Municipality, d.Day}]
			switch {
			case ok && hash == d.Manifest, v.found(target):
			case ok:
				v.find(Finding{Kind: Edited, File: target, Text: fmt.Sprintf("it is signed, but it is not the one that %s names", certificateName(n))})
			default:
				v.find(Finding{Kind: Missing, File: target, Text: fmt.Sprintf("%s names this day, and it is gone", certificateName(n))})
			}
		}
	}
}

func sortedKeys(m map[int]Certificate) []int {
	out := make([]int, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// fitsCertified checks that the newest certificate that a head names is there.
func (v *verifier) fitsCertified(want certified, name string) {
	file := certificateName(max(want.Number, 1))
	c, ok := v.certificates[want.Number]
	switch {
	case want.Number == 0, !ok && v.found(file):
	case !ok:
		v.find(Finding{Kind: Missing, File: file, Text: fmt.Sprintf("%s names this certificate of an erasure, and it is gone", name)})
	case c.hash != want.Hash:
		v.find(Finding{Kind: Edited, File: file, Text: fmt.Sprintf("it is signed, but it is not the one that %s names", name)})
	}
}

// stillReadable counts a frame of an erased month that a key opened.
func (v *verifier) stillReadable(e *Entry) {
	for i := range v.report.Certificates {
		if c := &v.report.Certificates[i]; c.Municipality == e.Municipality && c.Month == e.Month() {
			c.Readable++
		}
	}
}
