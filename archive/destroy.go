package archive

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"mimamori/internal/whole"
)

// Destroy ends the data keys of a municipality's month (2026-11) in this folder
// and in memory: each file is overwritten, synced and removed. First it leaves a
// mark, so that readers say ErrErased, and a crash in between is finished by
// the next call. It is idempotent. Copies of the folder, and blocks that a disk
// keeps by itself, are beyond its reach. It returns how many keys went.
func (k *Keys) Destroy(municipality, month string) (int, error) {
	if !isCode(municipality) || !isDay(month+"-01") {
		return 0, fmt.Errorf("archive: %q %q is no municipality and month (312011 2026-11)", municipality, month)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	p := period{municipality, month}
	newest, err := k.newest(p)
	if err != nil || newest == 0 {
		return 0, err
	}
	if err := whole.Bytes(k.mark(p), fmt.Appendf(nil, "%d\n", newest)); err != nil {
		return 0, fmt.Errorf("archive: keys: %w", err)
	}
	delete(k.current, p)
	gone := 0
	for n := uint64(1); n <= newest; n++ {
		name := keyName{p, n}
		delete(k.open, name)
		switch err := shred(filepath.Join(k.dir, name.file())); {
		case err == nil:
			gone++
		case !errors.Is(err, fs.ErrNotExist):
			return gone, fmt.Errorf("archive: keys: %w", err)
		}
	}
	return gone, nil
}

// Erased tells whether the keys that a month had were destroyed. It may have got
// a new one since.
func (k *Keys) Erased(municipality, month string) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n, err := k.erasedTo(period{municipality, month})
	return n > 0, err
}

func (k *Keys) mark(p period) string {
	return filepath.Join(k.dir, p.municipality+"-"+p.month+erasedSuffix)
}

// erasedTo is the highest number of a month that was destroyed, 0 for none.
func (k *Keys) erasedTo(p period) (uint64, error) {
	b, err := os.ReadFile(k.mark(p))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("archive: keys: %w", err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", ErrMalformed, k.mark(p), err)
	}
	return n, nil
}

// shred overwrites a file and removes it.
func shred(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err //nolint:wrapcheck // it names the file
	}
	info, err := f.Stat()
	if err == nil {
		noise := make([]byte, info.Size())
		_, _ = rand.Read(noise) // never fails
		if _, err = f.WriteAt(noise, 0); err == nil {
			err = f.Sync()
		}
	}
	return errors.Join(err, f.Close(), os.Remove(path))
}
