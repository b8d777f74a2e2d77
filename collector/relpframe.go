package collector

import (
	"bytes"
	"errors"

	"mimamori/frame"
)

// Bounds of a RELP frame's head, by its specification (librelp, doc/relp.html):
// TXNR SP COMMAND SP DATALEN, then SP and the data unless DATALEN is 0, then LF.
const (
	relpDigits  = 9
	relpCommand = 32
	relpHead    = relpDigits + 1 + relpCommand + 1 + relpDigits + 1
	relpLast    = 999_999_999 // the transaction after it is 1
)

// errRELP means that a stream is not RELP.
var errRELP = errors.New("this is not RELP")

// relpFrame is one command; data lasts until the next read.
type relpFrame struct {
	txnr    uint32
	command string
	data    message
}

// relpFramer cuts a stream into RELP frames. It keeps the first frame.MaxLine
// bytes of longer data.
type relpFramer struct {
	splitter
	head relpFrame // whose data is coming in
	size int64     // bytes of data
}

func newRELPFramer(grow func(int) bool) *relpFramer {
	return &relpFramer{splitter: splitter{limit: frame.MaxLine + 1, grow: grow}} // the frame's LF is read with the data
}

// next takes a frame off the stream, false when more must be read first.
func (f *relpFramer) next() (relpFrame, bool, error) {
	if f.need == 0 {
		n, err := f.begin()
		if n == 0 || err != nil {
			return relpFrame{}, false, err
		}
		if f.r += n; f.size == 0 {
			return f.head, true, nil
		}
		f.need = f.size + 1
	}
	m, ok := f.splitter.next()
	if !ok {
		return relpFrame{}, false, nil
	}
	if f.buf[f.r-1] != '\n' {
		return relpFrame{}, false, errRELP
	}
	m.line = m.line[:min(len(m.line), frame.MaxLine)]
	m.cut, m.total = m.cut && int64(len(m.line)) < f.size, f.size
	x := f.head
	x.data = m
	return x, true, nil
}

// begin reads a frame's head and returns its length, 0 when more must be read.
// Of a frame without data, LF is part of the head.
func (f *relpFramer) begin() (int, error) {
	b := f.buf[f.r:min(f.w, f.r+relpHead)]
	txnr, i, ok := number(b)
	if !ok || i < len(b) && b[i] != ' ' {
		return 0, errRELP
	}
	if i >= len(b) {
		return 0, nil
	}
	command := b[i+1:]
	n := 0
	for n < len(command) && (command[n]|0x20 >= 'a' && command[n]|0x20 <= 'z') {
		n++
	}
	if n > relpCommand || n < len(command) && (n == 0 || command[n] != ' ') {
		return 0, errRELP
	}
	if n >= len(command) {
		return 0, nil
	}
	size, digits, ok := number(command[n+1:])
	end := i + 1 + n + 1 + digits
	switch {
	case !ok:
		return 0, errRELP
	case end >= len(b):
		return 0, nil
	case b[end] != ' ' && b[end] != '\n' || (size == 0) != (b[end] == '\n'):
		return 0, errRELP
	}
	f.head, f.size = relpFrame{txnr: uint32(txnr), command: relpName(command[:n])}, size
	return end + 1, nil
}

// relpName is a command without allocation for those that are known.
func relpName(b []byte) string {
	for _, known := range [...]string{"syslog", "open", "close"} {
		if string(b) == known {
			return known
		}
	}
	return string(b)
}

// number reads at most nine digits; false when there is something else first,
// or more of them.
func number(b []byte) (n int64, digits int, ok bool) {
	for digits < len(b) && b[digits] >= '0' && b[digits] <= '9' {
		if digits == relpDigits {
			return 0, 0, false
		}
		n = n*10 + int64(b[digits]-'0')
		digits++
	}
	return n, digits, digits > 0 || len(b) == 0
}

// relpVersion finds the version that a client's open offers; false when there is none.
func relpVersion(open []byte) (string, bool) {
	for line := range bytes.SplitSeq(open, []byte{'\n'}) {
		if name, value, ok := bytes.Cut(line, []byte{'='}); ok && string(name) == "relp_version" {
			if string(bytes.TrimSpace(value)) == "0" { // what librelp calls itself
				return "0", true
			}
			return "1", true
		}
	}
	return "", false
}
