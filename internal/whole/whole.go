// Package whole writes files that are there whole or not at all. When a call
// returns without an error the file is on disk under its name, and survives a
// power cut. Under pressure (a full disk, a crash) the file that was there
// before stays; what was begun beside it, under the name with .tmp, is removed
// or written over by the next call.
package whole

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Write replaces the file at path, readable by its owner alone, by what fill
// writes. One writer at a time may use a path.
func Write(path string, fill func(io.Writer) error) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(tmp))
	}
	return syncDir(filepath.Dir(path))
}

// Bytes replaces the file at path by b.
func Bytes(path string, b []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(b)
		return err //nolint:wrapcheck // Write does
	})
}

// Copy copies the file from to the path to.
func Copy(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	err = Write(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err //nolint:wrapcheck // Write does
	})
	return errors.Join(err, in.Close())
}

// syncDir makes a renaming durable, where folders can be synced.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) { // such as on a stick
		err = nil
	}
	if err = errors.Join(err, d.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
