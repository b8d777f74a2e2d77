package collector

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"mimamori/frame"
)

// content is what an open file holds: the file itself, or what it unpacks to.
type content interface {
	io.ReaderAt
	io.Closer
	Stat() (os.FileInfo, error) // of the file on disk
}

// tailed is one file that is being read, by whatever name it has.
type tailed struct {
	id   int
	path string // name under which it was first found; what records say
	at   string // name it has now, as far as known
	f    content
	info os.FileInfo // identity, for os.SameFile
	form form

	off  int64  // behind the last line that was handed over
	scan int64  // no newline between off and here, when beyond off
	kept []byte // gzip: the beginning of the line between off and scan
	head []byte // the file's first bytes up to off, at most headBytes
	tail []byte // the bytes before off, at most tailBytes

	now   stamp     // the file when it was last looked at
	seen  stamp     // the file when its end was last reached
	held  bool      // something unfinished waits there
	gone  bool      // renamed away or deleted: it ends when it has been quiet
	quiet time.Time // since when its end has been reached and nothing came
	ended bool      // the last line without newline has been taken
	after *tailed   // read that one to its end first
	prev  *tailed   // the file whose place this one took
	next  bool      // something was read of the file that took this one's place
	left  bool      // no longer followed

	still  time.Time // since when it has not changed
	judged bool      // it is no copy of another file, or what of it is new is known
	copied *tailed   // it looks like a copy of that one
	expect *position // opened next, it must be the file of this position; nil: it is
	absent time.Time // on a share: since when it is not there
	gz     bool      // packed: read once, when it is whole
	pack   string    // digest of the packed file
	done   bool      // and all of it was read
	looked time.Time // the folder's time when successors were last looked for

	events bool // it is auditd's log: records are handed over by event
	hold   auditHold
}

// stamp tells whether a file was written to.
type stamp struct {
	size int64
	time time.Time
}

func stampOf(info os.FileInfo) stamp { return stamp{info.Size(), info.ModTime()} }

var (
	errTruncated = errors.New("the file was truncated or written anew")
	errTooMany   = errors.New("one source follows 4096 files at most; give the rest a source of their own")
)

// rewind begins the file anew.
func (t *tailed) rewind() {
	t.off, t.scan, t.seen, t.ended, t.held, t.done, t.expect = 0, 0, stamp{}, false, false, false, nil
	t.head, t.tail, t.kept = t.head[:0], t.tail[:0], nil
	t.form.coding, t.form.sure, t.form.columns = coding{}, false, columns{}
}

// position is the position to keep.
func (t *tailed) position() position {
	if t.expect != nil {
		return *t.expect
	}
	c := &t.form.columns
	p := position{
		Path: t.path, Offset: t.off, Head: digest(t.head), Tail: digest(t.tail), Next: t.next,
		Charset: t.form.coding.charset, Lines: c.lines, Packed: t.pack, Done: t.done,
	}
	if c.row != "" {
		p.Header = [2]int64{c.at, int64(len(c.row))}
	}
	return p
}

func (t *tailed) mark() mark { return mark{id: t.id, Pos: t.position()} }

// ready tells whether there may be something to read.
func (t *tailed) ready() bool {
	if t.after != nil && t.after.busy() {
		return false
	}
	t.after = nil
	info, err := t.f.Stat()
	if err != nil {
		return false
	}
	now := stampOf(info)
	changed := now != t.seen
	t.now = now
	return changed
}

// busy tells that a file is still to be read to its end.
func (t *tailed) busy() bool {
	if t.gz {
		return !t.left && !t.done && t.seen != t.now
	}
	return t.quiet.IsZero() && t.f != nil
}

// read fills the batch with whole records. At the file's end it says eof. It
// fails with errTruncated when what stood before the position has changed.
func (t *tailed) read(b *batch, received int64) (eof bool, err error) {
	if t.scan > t.off {
		return t.long(b, received)
	}
	lead := len(t.tail)
	buf := b.buf[:cap(b.buf)]
	n, err := t.f.ReadAt(buf, t.off-int64(lead))
	end := errors.Is(err, io.EOF)
	if err != nil && !end && n <= lead {
		return false, fmt.Errorf("file: %w", err)
	}
	if n < lead || !bytes.Equal(buf[:lead], t.tail) {
		return false, errTruncated
	}
	data, pos := buf[lead:n], 0
	if t.events {
		return t.readAudit(b, data, received, end)
	}
	if !t.form.sure {
		if t.form.coding, t.form.sure = codingOf(data, t.form.shape.charset); !t.form.sure && !t.form.flush && !t.form.final {
			t.reached(int64(len(data)))
			t.held = true
			return true, nil
		}
		pos = t.form.mark
	}
	r := frame.Record{Received: received, Input: "file", File: t.path, Charset: t.form.coding.charset}
	for len(b.recs) < batchRecords {
		p := t.form.next(data[pos:], t.off+int64(pos), end)
		if p.size == 0 {
			break
		}
		r.Line, r.Offset, r.Flags = text(data[pos:pos+p.n]), t.off+int64(pos), p.flags
		if p.header != r.Header {
			r.Header = p.header
			b.size += len(p.header)
		}
		b.recs = append(b.recs, r)
		pos += p.size
	}
	b.size += pos
	t.advance(data[:pos])
	left := len(data) - pos
	switch {
	case end && len(b.recs) < batchRecords:
		t.reached(t.off + int64(left))
		t.held = left > 0 && t.form.joins() && !t.form.flush
		return true, nil
	case pos == 0 && left > 0:
		return t.large(b, r, left)
	}
	return false, nil
}

// reached notes that the file's end was seen, where nobody had written since.
func (t *tailed) reached(size int64) {
	t.seen = stamp{size, t.now.time}
	if t.gz {
		t.seen = t.now
	}
}

// large reads a record that is larger than a batch's buffer, of which so much
// is known to be part of it, and leaves a line that is longer than any record
// to long.
func (t *tailed) large(b *batch, r frame.Record, known int) (eof bool, err error) {
	if t.form.joins() || t.gz {
		buf := make([]byte, frame.MaxLine+batchBytes)
		n, err := t.f.ReadAt(buf, t.off)
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return false, fmt.Errorf("file: %w", err)
		}
		data := buf[:n]
		if p := t.form.next(data, t.off, end); p.size > 0 {
			r.Line, r.Offset, r.Flags, r.Header = text(data[:p.n]), t.off, p.flags, p.header
			b.recs = append(b.recs, r)
			b.size += p.size + len(p.header)
			t.advance(data[:p.size])
			return false, nil
		}
		if end { // it is not finished
			t.reached(t.off + int64(n))
			t.held = t.form.joins() && !t.form.flush
			return true, nil
		}
		known = n
		if t.gz {
			t.kept = buf
		}
	}
	t.look(t.off + int64(known))
	return false, nil
}

// look sets where the end of a long line is looked for, at a unit's beginning.
func (t *tailed) look(at int64) {
	if t.scan = at; t.form.wide != nil {
		t.scan &^= 1
	}
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
	end := errors.Is(err, io.EOF)
	if err != nil && !end {
		return false, fmt.Errorf("file: %w", err)
	}
	if _, size := t.form.line(buf[:n], t.scan); size > 0 {
		return false, t.takeLong(b, received, t.scan+int64(size), true)
	}
	if info, err := t.f.Stat(); err == nil && !t.gz && info.Size() < t.scan {
		return false, errTruncated
	}
	if !end {
		t.look(t.scan + int64(n))
		return false, nil
	}
	t.reached(t.scan + int64(n))
	if t.form.final {
		return true, t.takeLong(b, received, t.scan+int64(n), false)
	}
	return true, nil
}

// takeLong takes the line from the position to end, which a newline ends or the
// file.
func (t *tailed) takeLong(b *batch, received, end int64, newline bool) error {
	line, tail := t.kept, make([]byte, tailBytes)
	if line == nil {
		line = make([]byte, min(end-t.off, frame.MaxLine+4))
		if _, err := t.f.ReadAt(line, t.off); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("file: %w", err)
		}
	}
	if _, err := t.f.ReadAt(tail, end-tailBytes); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("file: %w", err)
	}
	r := frame.Record{
		Received: received, Input: "file", File: t.path, Offset: t.off, Charset: t.form.coding.charset, Header: t.form.columns.row,
	}
	total, unit := end-t.off, int64(1)
	if t.form.wide != nil {
		unit = 2
	}
	if newline {
		total -= unit
	}
	switch {
	case total > frame.MaxLine:
		r.Flags, r.Total = frame.Truncated, total
		r.Line = text(line[:frame.MaxLine])
	case newline:
		r.Line = text(t.form.chomp(line[:total]))
	default:
		r.Line = text(line[:total])
	}
	b.recs = append(b.recs, r)
	b.size += len(r.Line) + len(r.Header)
	t.advance(line[:headBytes])
	t.off, t.scan, t.tail, t.kept = end, 0, tail, nil
	return nil
}

// jump sets the position and reads what the file is known by.
func (t *tailed) jump(off int64) error {
	head, tail := t.head, make([]byte, min(tailBytes, off))
	if len(head) < headBytes || off < headBytes || t.off == 0 {
		head = make([]byte, min(headBytes, off))
		if _, err := t.f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("file: %w", err)
		}
	}
	if n, err := t.f.ReadAt(tail, off-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("file: %w", err)
	} else if n < len(tail) {
		return errTruncated
	}
	t.off, t.scan, t.head, t.tail = off, 0, head, tail
	return nil
}

// is tells whether the file is the one of the position, and has all of it. Then
// it goes on there.
func (t *tailed) is(p position) bool {
	was := *t
	head := make([]byte, min(headBytes, p.Offset))
	if n, _ := t.f.ReadAt(head, 0); n < len(head) || digest(head) != p.Head {
		return false
	}
	if t.jump(p.Offset) != nil || digest(t.tail) != p.Tail || !t.recall(p) {
		t.off, t.scan, t.head, t.tail, t.form = was.off, was.scan, was.head, was.tail, was.form
		return false
	}
	return true
}

// recall learns from a position how the file is read on.
func (t *tailed) recall(p position) bool {
	f := &t.form
	f.coding, f.sure, f.columns = coding{charset: p.Charset}, true, columns{lines: p.Lines}
	switch p.Charset {
	case "utf-16le":
		f.wide = binary.LittleEndian
	case "utf-16be":
		f.wide = binary.BigEndian
	}
	if at, n := p.Header[0], p.Header[1]; n > 0 && n <= maxHeader {
		row := make([]byte, n)
		if _, err := t.f.ReadAt(row, at); err != nil {
			return false
		}
		f.columns.row, f.columns.at = string(row), at
	}
	return true
}
