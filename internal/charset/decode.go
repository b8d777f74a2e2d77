package charset

import (
	"iter"
	"unicode/utf8"
)

// Invalid is added to a byte that fits nothing; Runes yields the sum, which is
// beyond every code point.
const Invalid rune = 0x110000

// Decode reads a line as text. A name that is not one of Names is read as
// UTF-8. Bytes that fit nothing are written \xNN.
func Decode(name, line string) string {
	return string(AppendText(make([]byte, 0, len(line)+len(line)/2+8), name, line))
}

// AppendText appends what Decode returns.
func AppendText(dst []byte, name, line string) []byte {
	for _, r := range Runes(name, line) {
		dst = AppendRune(dst, r)
	}
	return dst
}

// AppendRune appends a character that Runes yields.
func AppendRune(dst []byte, r rune) []byte {
	if r < Invalid {
		return utf8.AppendRune(dst, r)
	}
	const digits = "0123456789abcdef"
	b := byte(r - Invalid)
	return append(dst, '\\', 'x', digits[b>>4], digits[b&15])
}

// Runes yields the characters of a line and where each begins; bytes that fit
// nothing come as Invalid plus the byte. Escape sequences of ISO-2022-JP and a
// byte order mark at the beginning yield nothing.
func Runes[T string | []byte](name string, line T) iter.Seq2[int, rune] {
	return func(yield func(int, rune) bool) {
		switch name {
		case CP932:
			each(line, yield, nextCP932)
		case EUCJP:
			each(line, yield, nextEUC)
		case ISO2022JP:
			eachJIS(line, yield)
		case UTF16, UTF16LE, UTF16BE:
			eachUTF16(name, line, yield)
		default:
			each(line, yield, nextUTF8)
		}
	}
}

// each walks over an encoding without states. next is given up to 4 bytes, and
// returns the character and its length; a negative character is none, and the
// bytes of that length are shown as bytes.
func each[T string | []byte](line T, yield func(int, rune) bool, next func([4]byte, int) (rune, int)) {
	for i := 0; i < len(line); {
		if line[i] < utf8.RuneSelf {
			if !yield(i, rune(line[i])) {
				return
			}
			i++
			continue
		}
		var b [4]byte
		r, size := next(b, copy(b[:], line[i:min(i+4, len(line))]))
		if r >= 0 {
			if !yield(i, r) {
				return
			}
			i += size
			continue
		}
		for range size {
			if !yield(i, Invalid+rune(line[i])) {
				return
			}
			i++
		}
	}
}

func nextUTF8(b [4]byte, n int) (rune, int) {
	r, size := utf8.DecodeRune(b[:n])
	if r == utf8.RuneError && size == 1 {
		return -1, 1
	}
	return r, size
}

// nextCP932 reads a character that is not ASCII. A lead byte without its trail
// byte is shown alone, so that an ASCII character after it stays.
func nextCP932(b [4]byte, n int) (rune, int) {
	switch c := b[0]; {
	case c >= 0xA1 && c <= 0xDF:
		return 0xFF61 + rune(c-0xA1), 1
	case c == 0x80: // this and the next two as Windows reads them
		return 0x80, 1
	case c == 0xA0:
		return 0xF8F0, 1
	case c >= 0xFD:
		return 0xF8F1 + rune(c-0xFD), 1
	case n < 2 || !trail932(b[1]):
		return -1, 1
	}
	if r := pair932(b[0], b[1]); r != 0 {
		return r, 2
	}
	if b[1] < utf8.RuneSelf {
		return -1, 1
	}
	return -1, 2
}

func trail932(c byte) bool { return c >= 0x40 && c <= 0xFC && c != 0x7F }

// nextEUC reads a character that is not ASCII.
func nextEUC(b [4]byte, n int) (rune, int) {
	high := func(i int) bool { return i < n && b[i] >= 0xA1 && b[i] <= 0xFE }
	switch {
	case b[0] == 0x8E && high(1) && b[1] <= 0xDF:
		return 0xFF61 + rune(b[1]-0xA1), 2
	case b[0] == 0x8F && high(1) && high(2):
		if r := pair0212(b[1], b[2]); r != 0 {
			return r, 3
		}
		return -1, 3
	case high(0) && high(1):
		if r := pair0208(b[0], b[1]); r != 0 {
			return r, 2
		}
		return -1, 2
	}
	return -1, 1
}
