package whole

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFailedWriteLeavesWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := Bytes(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	err := Write(path, func(w io.Writer) error {
		_, _ = w.Write([]byte("half")) // and then no more
		return full
	})
	if !errors.Is(err, full) || read(t, path) != "first" {
		t.Errorf("%v; the file holds %q", err, read(t, path))
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
	if err := Bytes(filepath.Join(dir, "none", "a"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

func TestFilesAreReplacedCopiedAndTheirOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := os.WriteFile(a+".tmp", []byte("of a crash, and longer than what comes"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Bytes(a, []byte("first")), Bytes(a, []byte("second")), Copy(a, b)); err != nil {
		t.Fatal(err)
	}
	if read(t, a) != "second" || read(t, b) != "second" {
		t.Errorf("%q, %q", read(t, a), read(t, b))
	}
	if info, err := os.Stat(b); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := Copy(filepath.Join(dir, "none"), b); !errors.Is(err, os.ErrNotExist) || read(t, b) != "second" {
		t.Errorf("copied from nothing: %v", err)
	}
}
