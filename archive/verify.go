package archive

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"mimamori/frame"
)

// Check says how to verify.
type Check struct {
	Dir    string
	Anchor []byte // a head that was kept elsewhere; nil for none
	Keys   *Keys  // nil: without keys, integrity only
}

// verifier goes through one archive.
type verifier struct {
	ctx    context.Context
	dir    string
	key    ed25519.PublicKey
	anchor *head
	report *Report
	seen   *account
	days   map[[2]string]frame.Hash // manifests that were read, by municipality and day
	towns  map[string]string        // newest day with a manifest
	deep   *deep                    // nil without keys

	certificates map[int]Certificate // genuine ones, by number
}

// Verify checks an archive, or a copy of one, without its service. It needs no
// key; with Keys it also opens every frame. The error says that it could not be
// checked; what is wrong with it is in the report.
func Verify(ctx context.Context, c Check) (*Report, error) {
	v := &verifier{
		ctx: ctx, dir: c.Dir, report: &Report{Findings: []Finding{}}, seen: newAccount(),
		days: map[[2]string]frame.Hash{}, towns: map[string]string{}, certificates: map[int]Certificate{},
	}
	if c.Anchor != nil {
		h, err := parseHead(c.Anchor)
		if err != nil {
			return nil, fmt.Errorf("archive: the anchor itself is not genuine: %w", err)
		}
		v.anchor, v.key, v.report.Anchor = &h, h.Key, h.At.Format("2006-01-02 15:04")
	}
	if err := v.public(); err != nil {
		return nil, err
	}
	if c.Keys != nil {
		var err error
		if v.deep, err = newDeep(v, c.Keys); err != nil {
			return nil, err
		}
		defer v.deep.unpack.Close()
	}
	for _, step := range []func() error{v.erasures, v.walk, v.heads} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	v.certifiedDays()
	if v.anchor != nil {
		v.fits(v.anchor, "anchor", v.anchor.At.Format("anchor of 2006-01-02 15:04"))
	}
	v.report.Key, v.report.Sequences = hex.EncodeToString(v.key), v.seen.sequences()
	return v.report, nil
}

// public reads which key should have signed. An anchor knows better.
func (v *verifier) public() error {
	text, err := os.ReadFile(filepath.Join(v.dir, publicFile))
	if errors.Is(err, os.ErrNotExist) && v.key != nil {
		v.find(Finding{Kind: Missing, File: publicFile, Text: "the file with the archive's public key is gone"})
		return nil
	}
	if err != nil {
		return fmt.Errorf("archive: %s is no archive, or its public key is missing; with an anchor it can be checked without: %w", v.dir, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	switch {
	case err != nil || len(key) != ed25519.PublicKeySize:
		v.find(Finding{Kind: Edited, File: publicFile, Text: "it holds no public key"})
	case v.key != nil && !bytes.Equal(key, v.key):
		v.find(Finding{Kind: Resigned, File: publicFile, Text: fmt.Sprintf("the anchor was signed by %x…, this is %x…", v.key[:8], key[:8])})
	case v.key == nil:
		v.key = key
	}
	return nil
}

func (v *verifier) find(f Finding) { v.report.add(f) }

// walk looks at every file.
func (v *verifier) walk() error {
	list, err := os.ReadDir(v.dir)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	for _, d := range list {
		switch name := d.Name(); {
		case d.IsDir() && isCode(name):
			if err := v.town(name); err != nil {
				return err
			}
		case slices.Contains([]string{publicFile, stateFile, collectorsFile, lockFile, journalDir, headsDir, erasuresDir}, name), strings.HasSuffix(name, tmpSuffix):
		default:
			v.find(Finding{Kind: Inserted, File: name, Text: "this is no file of an archive"})
		}
	}
	return nil
}

// town checks the days of a municipality.
func (v *verifier) town(code string) error {
	list, err := os.ReadDir(filepath.Join(v.dir, code))
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	files := map[string][]string{} // suffixes by day
	var days []string
	newest := ""
	for _, d := range list {
		suffix := path.Ext(d.Name())
		day := strings.TrimSuffix(d.Name(), suffix)
		switch {
		case suffix == tmpSuffix:
		case !isDay(day) || d.IsDir() || !slices.Contains([]string{framesSuffix, indexSuffix, manifestSuffix}, suffix):
			v.find(Finding{Kind: Inserted, File: path.Join(code, d.Name()), Text: "this is no file of an archive"})
		default:
			if files[day] == nil {
				days = append(days, day)
			}
			files[day] = append(files[day], suffix)
			if suffix == manifestSuffix {
				newest = max(newest, day)
			}
		}
	}
	v.towns[code] = newest
	chain := link{}
	for _, day := range days {
		if err := v.ctx.Err(); err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		m, err := v.manifest(code, day, newest, &chain, files[day])
		if err == nil {
			err = v.day(code, day, m, files[day])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// manifest checks a day's manifest and its place in the chain; nil when there is
// none that can be trusted.
func (v *verifier) manifest(code, day, newest string, chain *link, have []string) (*manifest, error) {
	file := path.Join(code, day+manifestSuffix)
	before := *chain
	*chain = link{Day: day}
	if !slices.Contains(have, manifestSuffix) {
		if day < newest {
			v.find(Finding{Kind: Missing, File: file, Text: "the day's manifest is gone"})
		} else {
			v.report.Unsigned = append(v.report.Unsigned, code+" "+day)
		}
		return nil, nil //nolint:nilnil // none
	}
	text, err := readText(filepath.Join(v.dir, filepath.FromSlash(file)))
	if err != nil {
		return nil, err
	}
	m, hash, err := parseManifest(text)
	if !v.signed(file, m.Key, err) {
		return nil, nil //nolint:nilnil // none that can be trusted
	}
	if m.Municipality != code || m.Day != day {
		v.find(Finding{Kind: Replayed, File: file, Text: fmt.Sprintf("this is the manifest of %s, %s", m.Municipality, m.Day)})
		return nil, nil //nolint:nilnil // none that can be trusted
	}
	v.days[[2]string{code, day}], chain.Hash = hash, hash
	v.report.Signed = max(v.report.Signed, day)
	v.follows(file, code, m.Previous, before)
	return &m, nil
}

// signed tells whether a signed text is genuine.
func (v *verifier) signed(file string, key ed25519.PublicKey, err error) bool {
	switch {
	case key != nil && !bytes.Equal(key, v.key):
		v.find(Finding{Kind: Resigned, File: file, Text: fmt.Sprintf("signed by %x…, not by the archive's key %x…", key[:8], v.key[:min(8, len(v.key))])})
	case err != nil:
		v.find(Finding{Kind: Edited, File: file, Text: err.Error()})
	default:
		return true
	}
	return false
}

// follows checks that a signed text names the one before it. have is the one
// that is there; its hash is zero where it was found wrong already.
func (v *verifier) follows(file, folder string, names, have link) {
	suffix := path.Ext(file)
	switch {
	case names.Day == have.Day && (names.Hash == have.Hash || have.Hash == (frame.Hash{})):
	case names.Day == have.Day:
		v.find(Finding{Kind: Edited, File: path.Join(folder, have.Day+suffix), Text: fmt.Sprintf("it is signed, but it is not the one that %s names", file)})
	case names.Day > have.Day:
		v.find(Finding{Kind: Missing, File: path.Join(folder, names.Day+suffix), Text: fmt.Sprintf("%s names this day, and it is gone, with all between it and %s", file, orNone(have.Day))})
	default:
		v.find(Finding{Kind: Inserted, File: path.Join(folder, have.Day+suffix), Text: fmt.Sprintf("%s names %s as the one before it", file, orNone(names.Day))})
	}
}

func orNone(day string) string {
	if day == "" {
		return "the beginning"
	}
	return day
}

// readText reads a text that should be small.
func readText(path string) ([]byte, error) {
	if n := size(path); n > maxText {
		return []byte{}, nil // malformed
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return text, nil
}
