// Package pack writes what a checkpoint remembers in few bytes, and reads it
// back. What is read may be damaged: a Reader never fails before it is asked,
// and never takes more memory than the bytes it has.
package pack

import "encoding/binary"

// Writer appends numbers and texts to B, each in as few bytes as it needs.
type Writer struct {
	B     []byte
	names map[string]int
}

// Uint writes a number.
func (w *Writer) Uint(n uint64) { w.B = binary.AppendUvarint(w.B, n) }

// Int writes a number that may be below zero.
func (w *Writer) Int(n int64) { w.B = binary.AppendVarint(w.B, n) }

// Bool writes a truth.
func (w *Writer) Bool(v bool) {
	n := uint64(0)
	if v {
		n = 1
	}
	w.Uint(n)
}

// Text writes a text.
func (w *Writer) Text(s string) {
	w.Uint(uint64(len(s)))
	w.B = append(w.B, s...)
}

// Bytes writes bytes, which Text reads as well.
func (w *Writer) Bytes(b []byte) {
	w.Uint(uint64(len(b)))
	w.B = append(w.B, b...)
}

// partLength is how many bytes a part's length has: always as many, as it is known
// last.
const partLength = 5

// Part writes what fill writes, with names of its own; Bytes reads it.
func (w *Writer) Part(fill func(*Writer)) {
	at := len(w.B)
	part := Writer{B: append(w.B, make([]byte, partLength)...)}
	fill(&part)
	w.B = part.B
	n := len(w.B) - at - partLength
	for i := range partLength {
		w.B[at+i] = byte(n>>(7*i))&0x7f | 0x80
	}
	w.B[at+partLength-1] &= 0x7f
}

// Name writes a text that comes often: whole the first time, then its number.
func (w *Writer) Name(s string) {
	if w.names == nil {
		w.names = map[string]int{}
	}
	n, ok := w.names[s]
	if ok {
		w.Uint(uint64(n))
		return
	}
	n = len(w.names) + 1
	w.names[s] = n
	w.Uint(0)
	w.Text(s)
}

// Reader reads what a Writer wrote. Once Bad, it answers zeros.
type Reader struct {
	B     []byte
	Bad   bool
	names []string
}

// Uint reads a number.
func (r *Reader) Uint() uint64 {
	v, n := binary.Uvarint(r.B)
	if r.Bad || n <= 0 {
		r.Bad = true
		return 0
	}
	r.B = r.B[n:]
	return v
}

// Int reads a number that may be below zero.
func (r *Reader) Int() int64 {
	v, n := binary.Varint(r.B)
	if r.Bad || n <= 0 {
		r.Bad = true
		return 0
	}
	r.B = r.B[n:]
	return v
}

// Bool reads a truth.
func (r *Reader) Bool() bool { return r.Uint() == 1 }

// Text reads a text.
func (r *Reader) Text() string { return string(r.Bytes()) }

// Bytes reads bytes, as a view of B.
func (r *Reader) Bytes() []byte {
	n := r.Uint()
	if r.Bad || n > uint64(len(r.B)) {
		r.Bad = true
		return nil
	}
	b := r.B[:n:n]
	r.B = r.B[n:]
	return b
}

// Length reads how many items follow, each of a byte or more.
func (r *Reader) Length() int {
	n := r.Uint()
	if n > uint64(len(r.B)) {
		r.Bad = true
		return 0
	}
	return int(n)
}

// Name reads a text that comes often.
func (r *Reader) Name() string {
	n := r.Uint()
	switch {
	case r.Bad:
		return ""
	case n == 0:
		s := r.Text()
		r.names = append(r.names, s)
		return s
	case n > uint64(len(r.names)):
		r.Bad = true
		return ""
	}
	return r.names[n-1]
}
