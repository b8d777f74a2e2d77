package archive

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"mimamori/frame"
	"mimamori/internal/whole"
)

const (
	erasuresDir       = "erasures"
	certificateSuffix = ".certificate"
)

// certified is how far an archive's certificates go: each names the one before
// it, and heads name the newest.
type certified struct {
	Number int
	Hash   frame.Hash
}

// certificateName is a certificate's file below the archive's folder.
func certificateName(n int) string {
	return path.Join(erasuresDir, fmt.Sprintf("%06d%s", n, certificateSuffix))
}

// certificateNumber reads the name of a certificate's file; 0 for any other.
func certificateNumber(name string) int {
	digits, _ := strings.CutSuffix(name, certificateSuffix)
	if n, err := strconv.Atoi(digits); err == nil && n > 0 && certificateName(n) == path.Join(erasuresDir, name) {
		return n
	}
	return 0
}

// Certify numbers and signs a certificate, adds the days that it is about, keeps
// it in the archive, and returns the name of its file below the archive's
// folder. Of one that is there already, from before a crash, it returns the
// name. A month with a day that is not signed yet is an error.
func (a *Archive) Certify(c Certificate) (string, error) {
	a.moving.Lock()
	defer a.moving.Unlock()
	if !isCode(c.Municipality) || !isDay(c.Month+"-01") {
		return "", fmt.Errorf("archive: %q %q is no municipality and month (312011 2026-11)", c.Municipality, c.Month)
	}
	a.adopt()
	if name, err := a.certifiedBefore(&c); name != "" || err != nil {
		return name, err
	}
	var err error
	if c.Days, err = signedDays(a.cfg.Dir, c.Municipality, c.Month); err != nil {
		return "", err
	}
	c.Number, c.Previous = a.state.Certified.Number+1, a.state.Certified.Hash
	text := c.text(a.cfg.Sign)
	if _, err := ParseCertificate(text); err != nil {
		return "", fmt.Errorf("archive: the certificate cannot be written: %w", err)
	}
	name := certificateName(c.Number)
	if err := os.MkdirAll(filepath.Join(a.cfg.Dir, erasuresDir), 0o700); err != nil {
		return "", fmt.Errorf("archive: %w", err)
	}
	if err := whole.Bytes(filepath.Join(a.cfg.Dir, filepath.FromSlash(name)), text); err != nil {
		return "", fmt.Errorf("archive: %w", err)
	}
	next := a.state.clone()
	next.Certified = certified{c.Number, textHash(text)}
	if err := next.save(a.cfg.Dir); err != nil {
		return "", err
	}
	a.state = next
	return name, nil
}

// adopt takes certificates into the state that a crash kept out of it; moving is
// held, or nothing else runs yet.
func (a *Archive) adopt() {
	public, _ := a.cfg.Sign.Public().(ed25519.PublicKey)
	for {
		name := certificateName(a.state.Certified.Number + 1)
		text, err := readText(filepath.Join(a.cfg.Dir, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		var c Certificate
		if err == nil {
			c, err = ParseCertificate(text)
		}
		if err != nil || !public.Equal(c.Key) || c.Number != a.state.Certified.Number+1 || c.Previous != a.state.Certified.Hash {
			a.cfg.Log.Error("archive: a certificate of erasure is not genuine; see mimamori archive verify", "file", name, "err", err)
			return
		}
		a.state.Certified = certified{c.Number, c.hash}
	}
}

// certifiedBefore finds the certificate of the same erasure; "" for none.
func (a *Archive) certifiedBefore(c *Certificate) (string, error) {
	for n := a.state.Certified.Number; n > 0; n-- {
		name := certificateName(n)
		text, err := readText(filepath.Join(a.cfg.Dir, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // verify names it
		}
		if err != nil {
			return "", err
		}
		have, err := ParseCertificate(text)
		if err == nil && have.Municipality == c.Municipality && have.Month == c.Month && have.Request == line(c.Request) && have.Requested.At.Unix() == c.Requested.At.Unix() {
			return name, nil
		}
	}
	return "", nil
}

// signedDays are the manifests of a month, all of which must be there.
func signedDays(dir, municipality, month string) ([]ErasedDay, error) {
	days, err := daysOf(dir, municipality, month)
	out := []ErasedDay{}
	for _, day := range days {
		text, err := readText(filepath.Join(dir, municipality, day+manifestSuffix))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("archive: %s %s is not signed yet; the month can be certified when all of its days are: %w", municipality, day, err)
		}
		if err != nil {
			return nil, err
		}
		m, hash, err := parseManifest(text)
		if err != nil {
			return nil, fmt.Errorf("archive: the manifest of %s %s is not genuine; see mimamori archive verify: %w", municipality, day, err)
		}
		out = append(out, ErasedDay{day, m.Frames, m.Bytes, m.Root, hash})
	}
	return out, err
}

// daysOf lists the days of a month, "" for all, that an archive has of a municipality.
func daysOf(dir, municipality, month string) ([]string, error) {
	list, err := os.ReadDir(filepath.Join(dir, municipality))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("archive: %w", err)
	}
	var out []string
	for _, f := range list { // by name
		day, ok := strings.CutSuffix(f.Name(), framesSuffix)
		if ok && isDay(day) && strings.HasPrefix(day, month) {
			out = append(out, day)
		}
	}
	return out, nil
}

// Months lists the months that the archive holds of a municipality and no
// certificate says are erased.
func (a *Archive) Months(municipality string) ([]string, error) {
	if !isCode(municipality) {
		return nil, fmt.Errorf("archive: %q is no municipality's code", municipality)
	}
	gone := map[string]bool{}
	list, err := certificates(a.cfg.Dir)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Municipality == municipality {
			gone[list[i].Month] = true
		}
	}
	days, err := daysOf(a.cfg.Dir, municipality, "")
	var out []string
	for _, day := range days {
		if month := day[:monthLen]; !gone[month] {
			gone[month] = true
			out = append(out, month)
		}
	}
	return out, err
}

// certificates reads those of an archive that are genuine in themselves.
func certificates(dir string) ([]Certificate, error) {
	list, err := os.ReadDir(filepath.Join(dir, erasuresDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("archive: %w", err)
	}
	var out []Certificate
	for _, f := range list {
		if certificateNumber(f.Name()) == 0 {
			continue
		}
		text, err := readText(filepath.Join(dir, erasuresDir, f.Name()))
		if err != nil {
			return nil, err
		}
		if c, err := ParseCertificate(text); err == nil {
			out = append(out, c)
		}
	}
	return out, nil
}

// CertificateText is a certificate as it is kept, by the name that Certify gave.
func (a *Archive) CertificateText(name string) ([]byte, error) {
	if path.Dir(name) != erasuresDir || certificateNumber(path.Base(name)) == 0 {
		return nil, fmt.Errorf("archive: %q is no certificate: %w", name, fs.ErrNotExist)
	}
	return readText(filepath.Join(a.cfg.Dir, filepath.FromSlash(name)))
}
