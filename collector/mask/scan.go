package mask

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// escapeEnd marks the bytes that may be the last but digits of an escape.
var escapeEnd = set("%u#xABCDEFabcdef")

// What may follow a digit within a number.
const (
	none  = iota
	same  // a digit
	sep   // a separator
	other // another form of either
)

// follows classes bytes so.
var follows = classes()

func classes() (t [256]uint8) {
	for c := range t {
		switch b := byte(c); {
		case digit(b):
			t[c] = same
		case b == ' ' || b == '-' || b == '+':
			t[c] = sep
		case b == '%' || b == '\\' || b >= utf8.RuneSelf:
			t[c] = other
		}
	}
	return t
}

func set(chars string) (t [256]bool) {
	for _, c := range []byte(chars) {
		t[c] = true
	}
	return t
}

// scanner walks over a line for places that deserve a look.
type scanner struct {
	line string
	long int  // digits of the longest number looked for
	all  bool // look at numbers whose check digit does not fit, too
	look func(at int) (end int)
}

// run calls look for every place where a number of 12 (or long) digits may
// begin. A number in ASCII digits has four in a row somewhere, and other forms of
// digits are found by what they begin with.
func (s *scanner) run() {
	s.digits()
	s.each("%")
	s.each(`\u`)
	s.each("\xEF\xBC")
}

// each looks at the places where a digit is written in a form that begins with
// prefix.
func (s *scanner) each(prefix string) {
	for i := 0; ; {
		j := strings.Index(s.line[i:], prefix)
		if j < 0 {
			return
		}
		i += j
		if r, size := next(s.line, i); size > 1 && r < utf8.RuneSelf && digit(byte(r)) {
			from := i
			for from > 0 && digit(s.line[from-1]) { // in half width before
				from--
			}
			if from < i {
				s.look(from)
			}
			i = max(s.look(i), i+size)
			continue
		}
		i += len(prefix)
	}
}

// digits looks at runs of at least four ASCII digits.
func (s *scanner) digits() {
	line := s.line
	for i := fourDigits(line, 0); i < len(line); {
		from, to := i, i+4
		for from > 0 && digit(line[from-1]) {
			from--
		}
		for to < len(line) && digit(line[to]) {
			to++
		}
		if n := to - from; n != 12 && from > 0 && escapeEnd[line[from-1]] {
			from = afterEscape(line, from, to)
		}
		if n := to - from; n == s.long && n > 12 || n <= 12 && (n == 12 || to < len(line) && s.goesOn(to)) && s.promising(from) {
			s.look(from)
		}
		i = fourDigits(line, to)
	}
}

// fourDigits finds the next four digits in a row, and returns the length of the
// line when there are none. It tests eight bytes at a time without branches: in
// logs, digits come too irregularly to be guessed.
func fourDigits(line string, i int) int {
	const each = 0x0101010101010101
	b := unsafe.Slice(unsafe.StringData(line), len(line))[i:] // only read
	for ; len(b) >= 8; b = b[5:] {
		v := binary.LittleEndian.Uint64(b) ^ 0x30*each         // digits become 0 to 9
		v = ^((v&(0x7F*each) + 0x76*each) | v) & (0x80 * each) // 0x80 where there is one
		if v &= v >> 8; v&(v>>16) != 0 {
			return len(line) - len(b) + bits.TrailingZeros64(v&(v>>16))/8
		}
	}
	for n := 0; len(b) > 0; b = b[1:] {
		if n++; !digit(b[0]) {
			n = 0
		}
		if n == 4 {
			return len(line) - len(b) - 3
		}
	}
	return len(line)
}

// goesOn tells whether a number may go on at to behind its first digits.
func (s *scanner) goesOn(to int) bool {
	c := follows[s.line[to]]
	return c == other || c == sep && to+1 < len(s.line) && follows[s.line[to+1]] != none
}

// promising tells whether the digits at from may be a number: 12 of them, with
// ASCII separators between, of which the last is their check digit, or fewer
// that another form of digits or separators follows.
func (s *scanner) promising(from int) bool {
	var d [12]byte
	n, gap := 0, 0
	for i := from; i < len(s.line); i++ {
		switch c := s.line[i]; {
		case digit(c) && n == len(d):
			return false
		case digit(c):
			d[n], n, gap = c, n+1, 0
		case n == len(d):
			return s.fits(&d)
		case c == ' ' || c == '-' || c == '+':
			if gap++; gap > 3 {
				return false
			}
		case c < utf8.RuneSelf && c != '%' && c != '\\':
			return false
		default:
			r, size := next(s.line, i)
			return size > 1 && (isDigit(r) || r == '-' || r == ' ')
		}
	}
	return n == len(d) && s.fits(&d)
}

// fits tells whether 12 digits are worth a look. Zeros alone, which pass the
// check, are what GUIDs are full of.
func (s *scanner) fits(d *[12]byte) bool {
	return s.all || personal(d[:]) && *d != [12]byte([]byte("000000000000"))
}

// afterEscape returns where the digits begin that are not part of an escape:
// %20, \u3000, #011 or \x20 before a number belong to the separator.
func afterEscape(line string, from, to int) int {
	for p := from - 1; p >= max(0, from-5); p-- {
		if c := line[p]; c == '%' || c == '\\' || c == '#' {
			if _, size := next(line, p); size > 1 && p+size > from && p+size <= to-4 {
				return p + size
			}
			return from
		}
	}
	return from
}
