// Package testkit holds what tests of several packages need: lines that are bad
// on purpose, and the corpora of real logs, which stay outside the project.
// Reading blocks on the disk only; a proxy holds what it was told to delay.
package testkit

import (
	"bufio"
	"compress/gzip"
	"iter"
	"os"
	"path/filepath"
	"testing"
)

// Corpora is the folder of real logs. The test is skipped where
// MIMAMORI_CORPORA does not name it.
func Corpora(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("MIMAMORI_CORPORA")
	if dir == "" {
		t.Skip("set MIMAMORI_CORPORA to the folder of real logs")
	}
	return dir
}

// Lines yields the lines of a gzip file of the corpora. A line is valid until
// the next one. A file that can't be read fails the test.
func Lines(t testing.TB, name string) iter.Seq[[]byte] {
	t.Helper()
	path := filepath.Join(Corpora(t), name)
	return func(yield func([]byte) bool) {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		s := bufio.NewScanner(z)
		s.Buffer(nil, 64<<20)
		for s.Scan() {
			if !yield(s.Bytes()) {
				return
			}
		}
		if err := s.Err(); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
}
