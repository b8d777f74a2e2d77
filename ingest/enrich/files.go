package enrich

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"mimamori/internal/charset"
)

const (
	maxText     = 512 << 20 // bytes of a list
	maxDatabase = 2 << 30   // bytes of a database
	maxReports  = 20        // bad lines of a file that are reported one by one
)

// stamp tells whether a file was replaced or written to.
type stamp struct {
	changed time.Time
	size    int64
}

// source is a file and what was read from it last. A file that cannot be read
// leaves what was read before, is reported once, and is tried again when it
// changes.
type source[T any] struct {
	path  string
	stamp stamp
	bad   bool // what is there now cannot be read
	value T
}

// renew reads the file when it has changed since.
func (s *source[T]) renew(read func(path string) (T, error), report func(error)) (changed bool) {
	info, err := os.Stat(s.path)
	if err == nil {
		now := stamp{info.ModTime(), info.Size()}
		if now == s.stamp {
			return false
		}
		var v T
		if v, err = read(s.path); err == nil {
			s.value, s.stamp, s.bad = v, now, false
			return true
		}
		s.stamp, s.bad = now, true
		report(err)
		return false
	}
	if !s.bad || s.stamp != (stamp{}) {
		report(err)
	}
	s.stamp, s.bad = stamp{}, true
	return false
}

// readWhole reads a file of bounded size.
func readWhole(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s: no file, or larger than %d MiB", path, limit>>20)
	}
	b := make([]byte, info.Size())
	n, err := io.ReadFull(f, b)
	if err != nil {
		return nil, fmt.Errorf("%s: it changed while it was read, after %d bytes: %w", path, n, err)
	}
	return b, nil
}

// readText reads a list as UTF-8; Excel in Japan writes another encoding.
func readText(path string) (string, error) {
	b, err := readWhole(path, maxText)
	if err != nil {
		return "", err
	}
	text := strings.TrimPrefix(string(b), "\ufeff")
	if !utf8.ValidString(text) {
		text = charset.Decode(charset.Guess(text), text)
	}
	return text, nil
}

// limited passes on the first reports of a file and counts the others.
type limited struct {
	path   string
	report func(error)
	n      int
}

func (l *limited) add(err error) {
	if l.n++; l.n <= maxReports {
		l.report(err)
	}
}

// done tells how many were not passed on.
func (l *limited) done() {
	if l.n > maxReports {
		l.report(fmt.Errorf("%s: %d more bad lines", l.path, l.n-maxReports))
	}
}

// csvLine is where a row begins.
func csvLine(r *csv.Reader, record []string, err error) int {
	if bad, ok := errors.AsType[*csv.ParseError](err); ok {
		return bad.StartLine
	}
	if len(record) == 0 {
		return 0
	}
	line, _ := r.FieldPos(0)
	return line
}
