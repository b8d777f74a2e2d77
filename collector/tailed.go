package collector

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"mimamori/frame"
)

// tailed is one file that is being read, by whatever name it has.
type tailed struct {
	id   int
	path string // name under which it was first found; what records say
	at   string // name it has now, as far as known
	f    *os.File
	info os.FileInfo // identity, for os.SameFile

	off  int64  // behind the last line that was handed over
	scan int64  // no newline between off and here, when beyond off
	head []byte // the file's first bytes up to off, at most headBytes
	tail []byte // the bytes before off, at most tailBytes

	seen  int64     // size of the file when its end was last reached
	gone  bool      // renamed away or deleted: it ends when it has been quiet
	quiet time.Time // since when its end has been reached and nothing came
	ended bool      // the last line without newline has been taken
	after *tailed   // read that one to its end first
	prev  *tailed   // the file whose place this one took
	next  bool      // something was read of the file that took this one's place
	left  bool      // no longer followed

	looked time.Time // the folder's time when successors were last looked for
}

var (
	errTruncated = errors.New("the file was truncated or written anew")
	errTooMany   = errors.New("one source follows 4096 files at most; give the rest a source of their own")
)

// openTailed opens a file to read it from the beginning.
func openTailed(id int, path, at string) (*tailed, error) {
	f, err := openShared(at)
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("file: %w", err)
	}
	return &tailed{id: id, path: path, at: at, f: f, info: info, seen: -1}, nil
}

// rewind begins the file anew.
func (t *tailed) rewind() {
	t.off, t.scan, t.seen, t.ended = 0, 0, -1, false
	t.head, t.tail = t.head[:0], t.tail[:0]
}

// mark is the position to keep.
func (t *tailed) mark() mark {
	return mark{t.id, position{t.path, t.off, digest(t.head), digest(t.tail), t.next}}
}

// ready tells whether there may be something to read.
func (t *tailed) ready() bool {
	if t.after != nil && (t.after.quiet.IsZero() && t.after.f != nil) {
		return false
	}
	t.after = nil
	info, err := t.f.Stat()
	return err == nil && info.Size() != t.seen
}

// read fills the batch with whole lines. At the file's end it says eof. It
// fails with errTruncated when what stood before the position has changed.
func (t *tailed) read(b *batch, received int64) (eof bool, err error) {
	if t.scan > t.off {
		return t.long(b, received)
	}
	lead := len(t.tail)
	buf := b.buf[:cap(b.buf)]
	n, err := t.f.ReadAt(buf, t.off-int64(lead))
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("file: %w", err)
	}
	if n < lead || !bytes.Equal(buf[:lead], t.tail) {
		return false, errTruncated
	}
	data, pos := buf[lead:n], 0
	r := frame.Record{Received: received, Input: "file", File: t.path}
	for len(b.recs) < batchRecords {
		i := bytes.IndexByte(data[pos:], '\n')
		if i < 0 {
			break
		}
		r.Line, r.Offset = text(chomp(data[pos:pos+i])), t.off+int64(pos)
		b.recs = append(b.recs, r)
		pos += i + 1
	}
	b.size = pos
	t.advance(data[:pos])
	if eof = n < len(buf) && len(b.recs) < batchRecords; eof {
		t.seen = t.off + int64(len(data)-pos)
	} else if pos == 0 {
		t.scan = t.off + int64(len(data))
	}
	return eof, nil
}

// advance moves the position behind the bytes, which stood at it.
func (t *tailed) advance(data []byte) {
	if n := min(headBytes-len(t.head), len(data)); n > 0 && int64(len(t.head)) == t.off {
		t.head = append(t.head, data[:n]...)
	}
	t.off += int64(len(data))
	if len(data) >= tailBytes {
		t.tail = append(t.tail[:0], data[len(data)-tailBytes:]...)
		return
	}
	t.tail = append(t.tail, data...)
	t.tail = append(t.tail[:0], t.tail[max(0, len(t.tail)-tailBytes):]...)
}

// chomp removes the carriage return before a newline.
func chomp(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

// long goes on looking for the end of a line that is longer than a batch's
// buffer, one buffer at a time.
func (t *tailed) long(b *batch, received int64) (eof bool, err error) {
	buf := b.buf[:cap(b.buf)]
	n, err := t.f.ReadAt(buf, t.scan)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("file: %w", err)
	}
	if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
		return false, t.takeLong(b, received, t.scan+int64(i)+1, 1)
	}
	if info, err := t.f.Stat(); err == nil && info.Size() < t.scan {
		return false, errTruncated
	}
	t.scan += int64(n)
	if n < len(buf) {
		t.seen = t.scan
		return true, nil
	}
	return false, nil
}

// takeLong takes the line from the position to end, whose line end has so many
// bytes.
func (t *tailed) takeLong(b *batch, received, end, newline int64) error {
	total := end - newline - t.off
	line := make([]byte, min(total, frame.MaxLine))
	if _, err := t.f.ReadAt(line, t.off); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("file: %w", err)
	}
	r := frame.Record{Received: received, Input: "file", File: t.path, Offset: t.off, Line: text(line)}
	switch {
	case int64(len(line)) < total:
		r.Flags, r.Total = frame.Truncated, total
	case newline > 0:
		r.Line = text(chomp(line))
	}
	b.recs = append(b.recs, r)
	b.size += len(line)
	return t.jump(end)
}

// jump sets the position and reads what the file is known by.
func (t *tailed) jump(off int64) error {
	head, tail := make([]byte, min(headBytes, off)), make([]byte, min(tailBytes, off))
	if _, err := t.f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("file: %w", err)
	}
	if _, err := t.f.ReadAt(tail, off-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("file: %w", err)
	}
	t.off, t.scan, t.head, t.tail = off, 0, head, tail
	return nil
}

// rest takes what stands behind the last newline of a file that has ended.
func (t *tailed) rest(b *batch, received int64) error {
	info, err := t.f.Stat()
	if err != nil {
		return fmt.Errorf("file: %w", err)
	}
	if info.Size() <= t.off {
		return nil
	}
	return t.takeLong(b, received, info.Size(), 0)
}

// is tells whether the file is the one of the position, and has all of it.
func (t *tailed) is(p position) bool {
	if t.info.Size() < p.Offset || t.jump(p.Offset) != nil {
		return false
	}
	return digest(t.head) == p.Head && digest(t.tail) == p.Tail
}
