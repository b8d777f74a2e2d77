package store

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"
)

// What a filter is asked for, all in lower case as full text sees it:
//   - a gram: any 5 bytes in a row of a text of which one is a letter, a colon or
//     no ASCII. A search is for a part of a line, which may begin and end within a
//     word: whatever it is, its own grams stand in the line. Two letters of
//     Japanese are two grams. Grams of digits are left out: logs are full of
//     numbers, and each would be there somewhere;
//   - a quad: an IPv4 address in a text, also with less digits at its ends, since
//     10.1.2.3 is a part of 10.1.2.33;
//   - a value: the whole text of a field.
const gramBytes = 5

// tokenVersion is the version of what keys are made from. Filters of others are
// not asked.
const tokenVersion = 1

// gramTable has of each byte its lower case, and above it how many grams it makes
// worth a key: those that it is in.
var gramTable = func() (table [256]uint16) {
	for c := range table {
		table[c] = uint16(c)
		if 'A' <= c && c <= 'Z' {
			table[c] += 'a' - 'A'
		}
		if c >= utf8.RuneSelf || c == ':' || 'a' <= table[c] && table[c] <= 'z' {
			table[c] |= gramBytes << 8
		}
	}
	return table
}()

const gramMask = 1<<(8*gramBytes) - 1

// grams yields each gram of a text, as a number below 1<<40. Letters of ASCII are
// taken in lower case.
func grams(s string, yield func(gram uint64)) {
	gram, live := uint64(0), 0
	for i := range len(s) {
		c := gramTable[s[i]]
		gram = gram<<8 | uint64(c&0xff)
		live = max(live-1, int(c>>8))
		if live > 0 && i >= gramBytes-1 {
			yield(gram & gramMask)
		}
	}
}

// appendLower appends s as strings.ToLower gives it.
func appendLower(dst []byte, s string) []byte {
	for _, r := range s {
		dst = utf8.AppendRune(dst, unicode.ToLower(r))
	}
	return dst
}

// quads yields each IPv4 address in a text, as four parts of at most three digits.
func quads(s string, yield func(q quad)) {
	for i := 0; ; {
		dot := strings.IndexByte(s[i:], '.')
		if dot < 0 {
			return
		}
		dot += i
		i = dot + 1
		if dot == 0 || i == len(s) || !isDigit(s[dot-1]) || !isDigit(s[i]) {
			continue
		}
		q := quad{digitsBefore(s[:dot])}
		at, ok := dot, true
		for part := 1; ok && part < 4; part++ {
			if q[part] = digitsAfter(s[at+1:]); q[part].n == 0 {
				ok = false
				break
			}
			at += 1 + int(q[part].n)
			ok = part == 3 || at < len(s) && s[at] == '.'
		}
		if ok {
			yield(q)
		}
	}
}

// quad is an address as it is written.
type quad [4]digits

// digits are up to three of them.
type digits struct{ n, value uint16 }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// digitsBefore reads the last digits of s, at most three.
func digitsBefore(s string) digits {
	n := 0
	for n < 3 && n < len(s) && isDigit(s[len(s)-1-n]) {
		n++
	}
	return digitsAfter(s[len(s)-n:])
}

// digitsAfter reads the first digits of s, at most three.
func digitsAfter(s string) (d digits) {
	for d.n < 3 && int(d.n) < len(s) && isDigit(s[d.n]) {
		d.value = 10*d.value + uint16(s[d.n]-'0')
		d.n++
	}
	return d
}

func pow10(n uint16) uint16 { return [4]uint16{1, 10, 100, 1000}[n] }

// first are the first n digits, last the last n.
func (d digits) first(n uint16) digits { return digits{n, d.value / pow10(d.n-n)} }
func (d digits) last(n uint16) digits  { return digits{n, d.value % pow10(n)} }

// number is the quad as one number, other than any gram.
func (q quad) number() uint64 { return q.middle() | q[0].code()<<36 | q[3].code() }

func (q quad) middle() uint64 { return 1<<48 | q[1].code()<<24 | q[2].code()<<12 }

func (d digits) code() uint64 { return uint64(d.n)<<10 | uint64(d.value) }

// within appends the quad and what it is when digits at its ends are left out.
func (q quad) within(dst []uint64) []uint64 {
	middle := q.middle()
	for l := uint16(1); l <= q[0].n; l++ {
		left := middle | q[0].last(l).code()<<36
		for r := uint16(1); r <= q[3].n; r++ {
			dst = append(dst, left|q[3].first(r).code())
		}
	}
	return dst
}

// valueKey is the key of a field's whole value, which is in lower case but for
// letters of ASCII. seed is the field's.
func valueKey(seed uint64, s string) uint64 {
	b := bytesOf(s)
	h := seed ^ uint64(len(b))*0x9E3779B97F4A7C15
	var tail [8]byte
	for len(b) > 0 {
		if len(b) < 8 {
			copy(tail[:], b)
			b = tail[:]
		}
		hi, lo := bits.Mul64(lowerASCII(binary.LittleEndian.Uint64(b))^0xa0761d6478bd642f, h^0xe7037ed1a0b428db)
		h, b = hi^lo, b[8:]
	}
	return scatter(h)
}

// bytesOf are a text's bytes, to be read only.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// lowerASCII lowers eight characters at once.
func lowerASCII(x uint64) uint64 {
	const ones = 0x0101010101010101
	low := x & (0x7f * ones)
	upper := (low + (0x80-'A')*ones) ^ (low + (0x7f-'Z')*ones)
	return x | (upper & ^x & (0x80 * ones) >> 2)
}

// fieldSeed begins the keys of a field's values.
func fieldSeed(name string) uint64 { return valueKey(1, name) }
