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

// digits looks at each run of four ASCII digits and more.
func (s *scanner) digits() {
	line := s.line
	var before, runs uint64 // of the 64 bytes before: digits, and ends of four digits in a row
	for base := 0; base < len(line); base += 64 {
		here := digitsOf(line[base:])
		four := here & (here<<1 | before>>63) & (here<<2 | before>>62) & (here<<3 | before>>61)
		for first := four &^ (four<<1 | runs>>63); first != 0; first &= first - 1 {
			s.run4(base + bits.TrailingZeros64(first) - 3)
		}
		before, runs = here, four
	}
}

// run4 looks at the digits from a place on; a fourth is there.
func (s *scanner) run4(from int) {
	line, to := s.line, from+4
	for to < len(line) && digit(line[to]) {
		to++
	}
	if n := to - from; n != 12 && from > 0 && escapeEnd[line[from-1]] {
		from = afterEscape(line, from, to)
	}
	if n := to - from; n == s.long && n > 12 || n <= 12 && (n == 12 || to < len(line) && s.goesOn(to)) && s.promising(from) {
		s.look(from)
	}
}

// digitsOf has a bit for each of the first 64 bytes, set where that is a digit.
// It has no branches: in logs, digits come too irregularly to be guessed.
func digitsOf(s string) uint64 {
	b := unsafe.Slice(unsafe.StringData(s), len(s)) // only read
	if len(b) < 64 {
		var whole [64]byte
		copy(whole[:], b)
		b = whole[:]
	}
	b = b[:64]
	return digits8(b) | digits8(b[8:])<<8 | digits8(b[16:])<<16 | digits8(b[24:])<<24 |
		digits8(b[32:])<<32 | digits8(b[40:])<<40 | digits8(b[48:])<<48 | digits8(b[56:])<<56
}

// digits8 is digitsOf of eight bytes.
func digits8(b []byte) uint64 {
	const each = 0x0101010101010101
	v := binary.LittleEndian.Uint64(b) ^ 0x30*each         // digits become 0 to 9
	v = ^((v&(0x7F*each) + 0x76*each) | v) & (0x80 * each) // 0x80 where there is one
	return v >> 7 * 0x0102040810204080 >> 56               // their eight bits, side by side
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
