package collector

import (
	"bytes"
	"errors"
	"io"
)

// skip begins a file behind its last whole line: it was there before the source
// began, and only what comes is wanted. Of a CSV file the header is read.
func (in *fileInput) skip(t *tailed) {
	t.judged = true
	if t.gz {
		t.done, t.off, t.seen = true, max(1, t.info.Size()), stampOf(t.info)
		return
	}
	end, err := lastLine(t, t.info.Size())
	if err == nil && end > 0 {
		err = t.learn(end)
	}
	if err != nil {
		in.tell(t.at, err)
		return
	}
	in.pending = append(in.pending, t.mark())
	in.log.Info("what a file holds already is left", "file", t.at, "bytes", t.off)
}

// lastLine is the place behind the last line end before size, within reason.
func lastLine(t *tailed, size int64) (int64, error) {
	buf := make([]byte, min(size, batchBytes))
	n, err := t.f.ReadAt(buf, size-int64(len(buf)))
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err //nolint:wrapcheck // told with the file's name
	}
	head := make([]byte, codingBytes)
	m, _ := t.f.ReadAt(head, 0)
	t.form.coding, t.form.sure = codingOf(head[:m], t.form.shape.charset)
	at := size - int64(len(buf))
	if t.form.wide == nil {
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return at + int64(i) + 1, nil
		}
		return size, nil
	}
	for i := (n-int(at&1))&^1 + int(at&1) - 2; i >= 0; i -= 2 {
		if t.form.wide.Uint16(buf[i:]) == '\n' {
			return at + int64(i) + 2, nil
		}
	}
	return size, nil
}

// learn reads the beginning of a file up to the position, for its header.
func (t *tailed) learn(end int64) error {
	buf := make([]byte, min(end, batchBytes))
	n, err := t.f.ReadAt(buf, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err //nolint:wrapcheck // told with the file's name
	}
	for pos := t.form.mark; t.form.csv != nil && t.form.columns.row == ""; {
		p := t.form.next(buf[pos:n], int64(pos), false)
		if p.size == 0 {
			break
		}
		pos += p.size
	}
	return t.jump(end)
}
