package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// maxDamage is how many damaged places of one file are looked behind; a file
// with more of them is not read on, so that a made one costs bounded time.
const maxDamage = 1000

// errHopeless ends the reading of a file that has more damage than records.
var errHopeless = errors.New("too much damage: the rest was not looked at")

// damage is a stretch of a file that holds no whole record.
type damage struct {
	From, To int64
	Entry    *Entry // what it says it is, where that can still be read
}

// scanner reads records one after the other, past what is damaged.
type scanner struct {
	in     *bufio.Reader
	at     int64 // of the next byte
	bad    []damage
	looked int // damaged places looked behind
}

// newScanner reads the first size bytes of r.
func newScanner(r io.Reader, size int64) *scanner {
	return &scanner{in: bufio.NewReaderSize(io.LimitReader(r, size), int(min(size, int64(maxRecord+maxHeader))))}
}

// peek is up to n bytes, fewer at the end of the file.
func (s *scanner) peek(n int) ([]byte, error) {
	b, err := s.in.Peek(n)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) { // a buffer that is too small holds all there is
		return b, fmt.Errorf("archive: %w", err)
	}
	return b, nil
}

// next returns the next whole record, where it begins, and its ciphertext; both
// are views until the next call. It ends with io.EOF.
func (s *scanner) next() (Entry, int64, []byte, error) {
	for {
		head, err := s.peek(maxHeader)
		if err == nil && len(head) == 0 {
			err = io.EOF
		}
		if err != nil {
			return Entry{}, s.at, nil, err
		}
		e, ok := parseHeader(head)
		if !ok {
			if err := s.skip(head, nil); err != nil {
				return Entry{}, s.at, nil, err
			}
			continue
		}
		size := len(e.header) + e.Size
		all, err := s.peek(size)
		if err != nil {
			return Entry{}, s.at, nil, err
		}
		e, _ = parseHeader(all) // the window may have moved
		if len(all) == size && sha256.Sum256(all[len(e.header):]) == e.Cipher {
			at := s.at
			s.at += int64(size)
			_, _ = s.in.Discard(size) // it is all there
			return e, at, all[len(e.header):], nil
		}
		if err := s.skip(all, &e); err != nil {
			return Entry{}, s.at, nil, err
		}
	}
}

// skip goes on to where the next record may begin, and notes what lies between.
func (s *scanner) skip(seen []byte, e *Entry) error {
	if s.looked++; s.looked > maxDamage {
		return errHopeless
	}
	n := len(seen)
	d := damage{From: s.at}
	if e != nil { // a copy: peek moves what it is a view of
		c := *e
		c.header = bytes.Clone(e.header)
		d.Entry = &c
	}
	if e != nil && n == len(e.header)+e.Size { // edited in its place: the next one stands right behind it
		if more, _ := s.peek(n + maxHeader); len(more) > n {
			if _, ok := parseHeader(more[n:]); !ok {
				n = nextMagic(more[:n])
			}
		}
	} else {
		n = nextMagic(seen)
	}
	d.To = s.at + int64(n)
	if last := len(s.bad) - 1; last >= 0 && s.bad[last].To == d.From && d.Entry == nil {
		s.bad[last].To = d.To
		s.looked--
	} else {
		s.bad = append(s.bad, d)
	}
	s.at += int64(n)
	_, err := s.in.Discard(n)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return nil
}

// nextMagic is how many bytes to pass over until a record may begin.
func nextMagic(b []byte) int {
	if i := bytes.Index(b[1:], []byte(recordMagic)); i >= 0 {
		return i + 1
	}
	return max(len(b)-len(recordMagic)+1, 1)
}
