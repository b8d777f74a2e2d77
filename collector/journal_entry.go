package collector

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"mimamori/frame"
)

// journalEntry is one line of journalctl; line is valid until the next one.
type journalEntry struct {
	line   []byte // at most frame.MaxLine bytes of it
	total  int64
	cursor string // "" where the entry has none
}

// entryReader cuts what journalctl writes into entries. An entry of any length
// costs at most frame.MaxLine bytes of memory.
type entryReader struct {
	r    *bufio.Reader
	long []byte // the beginning of an entry that is longer than the buffer
}

// wait blocks until there is something to read.
func (r *entryReader) wait() error {
	if _, err := r.r.Peek(1); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// ready tells whether a whole entry can be had without waiting.
func (r *entryReader) ready() bool {
	b, _ := r.r.Peek(r.r.Buffered())
	return bytes.IndexByte(b, '\n') >= 0
}

// next returns an entry, without its newline.
func (r *entryReader) next() (journalEntry, error) {
	part, err := r.r.ReadSlice('\n')
	if err == nil {
		line := part[:len(part)-1]
		return journalEntry{line, int64(len(line)), findCursor(line)}, nil
	}
	e := journalEntry{}
	var window []byte // what was read last: a cursor may stand across two parts
	for r.long = nil; ; part, err = r.r.ReadSlice('\n') {
		e.total += int64(len(part))
		r.long = append(r.long, part[:min(len(part), frame.MaxLine-len(r.long))]...)
		if e.cursor == "" {
			window = append(window[max(0, len(window)-cursorBytes):], part...)
			e.cursor = findCursor(window)
		}
		switch {
		case err == nil:
			e.total--
			e.line = r.long[:min(int64(len(r.long)), e.total)]
			return e, nil
		case errors.Is(err, io.EOF):
			return journalEntry{}, errHalfEntry
		case !errors.Is(err, bufio.ErrBufferFull):
			return journalEntry{}, fmt.Errorf("journal: %w", err)
		}
	}
}

// cursorBytes bounds a cursor with its name; systemd's have about 150.
const cursorBytes = 512

// findCursor returns the entry's own name for its place, "" when it has none.
// What looks like one within a value does not match: its quotes are escaped.
func findCursor(line []byte) string {
	for rest := line; ; {
		i := bytes.Index(rest, []byte(`"__CURSOR"`))
		if i < 0 {
			return ""
		}
		rest = rest[i+len(`"__CURSOR"`):]
		value, ok := bytes.CutPrefix(bytes.TrimLeft(rest, " "), []byte(":"))
		if !ok {
			continue
		}
		if value, ok = bytes.CutPrefix(bytes.TrimLeft(value, " "), []byte(`"`)); !ok {
			continue
		}
		if end := bytes.IndexByte(value, '"'); end > 0 && end <= cursorBytes && bytes.IndexByte(value[:end], '\\') < 0 {
			return string(value[:end])
		}
		return ""
	}
}
