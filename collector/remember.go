package collector

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"mimamori/frame"
)

// twin keeps a small value in two files that are written in turn, so that a
// crash or a damaged disk leaves one of them whole.
type twin[T any] struct {
	files [2]*os.File
	turn  int
	buf   bytes.Buffer
}

// openTwin opens the files NAME.0 and NAME.1 and reads the newer value, by the
// order of newer, of those that are whole; nil where none is.
func openTwin[T any](name string, newer func(a, b *T) bool) (*twin[T], *T, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, nil, err //nolint:wrapcheck // it names the folder
	}
	m := &twin[T]{}
	var newest *T
	for i := range m.files {
		f, err := os.OpenFile(fmt.Sprintf("%s.%d", name, i), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, nil, errors.Join(err, m.close())
		}
		m.files[i] = f
		if v := readTwin[T](f); v != nil && (newest == nil || newer(v, newest)) {
			newest, m.turn = v, 1-i
		}
	}
	return m, newest, nil
}

// readTwin reads a file, nil where it is not whole.
func readTwin[T any](f *os.File) *T {
	info, err := f.Stat()
	if err != nil || info.Size() < sha256.Size || info.Size() > 16<<20 {
		return nil
	}
	b := make([]byte, info.Size())
	if _, err := f.ReadAt(b, 0); err != nil {
		return nil
	}
	if sum := sha256.Sum256(b[sha256.Size:]); !bytes.Equal(sum[:], b[:sha256.Size]) {
		return nil
	}
	v := new(T)
	if json.Unmarshal(b[sha256.Size:], v) != nil {
		return nil
	}
	return v
}

// write keeps a value; with sync it is on disk then, else it survives a crash
// of the program only.
func (m *twin[T]) write(v *T, sync bool) error {
	js, err := json.Marshal(v)
	if err != nil { // numbers and strings always have a JSON form
		panic(err)
	}
	sum := sha256.Sum256(js)
	m.buf.Reset()
	m.buf.Write(sum[:])
	m.buf.Write(js)
	f := m.files[m.turn]
	m.turn = 1 - m.turn
	_, err = f.WriteAt(m.buf.Bytes(), 0)
	if err == nil {
		err = f.Truncate(int64(m.buf.Len()))
	}
	if err == nil && sync {
		err = f.Sync()
	}
	return err //nolint:wrapcheck // it names the file
}

func (m *twin[T]) close() error {
	var errs []error
	for _, f := range m.files {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// remembered is the second copy of what the newest message of a source says. It
// is written when the message is on disk and before the frame is shipped, so
// that a number that went out is never given again, even when the spool is
// damaged.
type remembered struct {
	Collector string     `json:"collector"`
	Epoch     uint64     `json:"epoch"`
	Last      uint64     `json:"last"` // number of the newest record
	Hash      frame.Hash `json:"hash"` // of its frame
	State     state      `json:"state"`
}

// openMemory opens the second copy of a source.
func openMemory(data, source string) (*twin[remembered], *remembered, error) {
	m, was, err := openTwin(filepath.Join(data, "sources", source), func(a, b *remembered) bool {
		return a.Epoch > b.Epoch || a.Epoch == b.Epoch && a.Last > b.Last
	})
	if err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", source, err)
	}
	return m, was, nil
}

// knownSources are those that have a second copy.
func knownSources(data string) (names []string) {
	files, _ := filepath.Glob(filepath.Join(data, "sources", "*.0")) // the pattern is well formed
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".0"))
	}
	return names
}

// resumption is where a source goes on.
type resumption struct {
	state  state
	epoch  uint64 // 0: the numbering begins anew
	last   uint64 // number of the newest record
	prev   frame.Hash
	gap    *frame.Header // of what the spool has lost; names only the range
	damage bool
}

// resumeFrom decides where a source of a collector goes on: behind the newest
// message of the spool, or, where that is gone or damaged, behind what the
// second copy knows. Numbers are not given twice: where nothing is known, the
// numbering begins anew with an epoch of its own.
func resumeFrom(collector string, entry []byte, mem *remembered) (r resumption) {
	if mem != nil && mem.Collector != collector {
		mem = nil
	}
	f, from, err := openEntry(entry)
	r.damage = err != nil
	if f != nil {
		r.state = from // of a collector with another name, the positions hold
	}
	if f != nil && f.Collector != collector {
		return r
	}
	if f != nil {
		r.epoch, r.last, r.prev = f.Epoch, f.Last(), f.Chained()
	}
	if mem == nil || f != nil && (mem.Epoch < f.Epoch || mem.Epoch == f.Epoch && mem.Last <= f.Last()) {
		return r
	}
	gap := &frame.Header{Epoch: mem.Epoch, First: mem.Last}
	if f != nil && f.Epoch == mem.Epoch { // else older ones may still be in the spool
		gap.First, gap.Prev = f.Last()+1, f.Chained()
	}
	gap.Count = uint32(min(mem.Last-gap.First+1, 1<<32-1))
	return resumption{mem.State, mem.Epoch, mem.Last, mem.Hash, gap, true}
}

// openEntry reads a message of the spool; without one all is nil.
func openEntry(entry []byte) (f *frame.Frame, from state, err error) {
	if entry == nil {
		return nil, from, nil
	}
	if from, err = entryState(entry); err != nil { // numbers without positions are of no use
		return nil, from, err
	}
	b, err := entryFrame(entry)
	if err == nil {
		f, err = frame.Parse(b)
	}
	if err != nil {
		return nil, from, fmt.Errorf("the newest message of the spool: %w", err)
	}
	return f, from, nil
}
