package mask

import "unicode/utf8"

// How much of a line is read around a candidate. The widest form of a number,
// URL-encoded full-width digits with separators, takes 126 bytes; of what is
// before it, 256 bytes are read where they may be encoded, else 96.
const (
	behind = 256 // bytes, and so characters
	near   = 96
	ahead  = 96 // characters
)

// char is one character of a window: what it means and where it stands.
type char struct {
	r   rune  // full-width ASCII folded, escapes undone
	at  int32 // first byte in the line
	end int32 // behind its last
}

// window is the neighbourhood of a candidate, with widths, hyphens, spaces and
// escapes made one.
type window struct {
	line  string
	left  []char // what stands before the candidate
	right []char // the candidate and what follows
}

// start returns where to begin to read so that at has its surroundings.
func start(line string, at int) int {
	lo := max(0, at-near)
	for i := lo; i < at; i++ {
		if follows[line[i]] == other {
			lo = max(0, at-behind)
			break
		}
	}
	for lo > 0 && lo < at && !utf8.RuneStart(line[lo]) {
		lo++
	}
	return lo
}

// unfold reads characters from line[i] until dst is full.
func unfold(line string, i int, dst []char) []char {
	for i < len(line) && len(dst) < cap(dst) {
		r, size := next(line, i)
		dst = append(dst, char{r, int32(i), int32(i + size)})
		i += size
	}
	return dst
}

// next reads one character at line[i], undoing URL encoding (of UTF-8, CP932
// and EUC-JP as far as digits, hyphens and spaces go), JSON's \u and the
// escapes of control characters.
func next(line string, i int) (rune, int) {
	switch c := line[i]; {
	case c == '%':
		if r, size := percent(line, i); size > 0 {
			return fold(r), size
		}
		return '%', 1
	case c == '\\' && i+1 < len(line):
		return backslash(line, i)
	case c == '#' && control(line, i):
		return ' ', 4
	case c < utf8.RuneSelf:
		return rune(c), 1
	}
	r, size := utf8.DecodeRuneInString(line[i:])
	return fold(r), size
}

// control tells whether #011 stands at line[i], as rsyslog writes a tab.
func control(line string, i int) bool {
	return i+4 < len(line) && line[i+1] == '0' && line[i+2] >= '0' && line[i+2] <= '4' && line[i+3] >= '0' && line[i+3] <= '7' && digit(line[i+4])
}

func backslash(line string, i int) (rune, int) {
	switch line[i+1] {
	case 'n', 'r', 't':
		return ' ', 2
	case 'u':
		if v, ok := hex(line, i+2, 4); ok {
			return fold(v), 6
		}
	case 'x':
		if v, ok := hex(line, i+2, 2); ok && v < utf8.RuneSelf {
			return fold(v), 4
		}
	}
	return '\\', 1
}

// percent undoes one URL-encoded character; size 0 means that there is none.
func percent(line string, i int) (r rune, size int) {
	if i+1 < len(line) && (line[i+1] == 'u' || line[i+1] == 'U') {
		if v, ok := hex(line, i+2, 4); ok {
			return v, 6
		}
	}
	var b [4]byte
	v, ok := hex(line, i+1, 2)
	if !ok {
		return 0, 0
	}
	if b[0] = byte(v); b[0] < utf8.RuneSelf {
		return v, 3
	}
	n := 1
	for p := i + 3; n < len(b) && p < len(line) && line[p] == '%'; p += 3 {
		v, ok := hex(line, p+1, 2)
		if !ok {
			break
		}
		b[n] = byte(v)
		n++
	}
	if r, size := utf8.DecodeRune(b[:n]); r != utf8.RuneError {
		return r, 3 * size
	}
	second := 3
	if n == 1 && i+3 < len(line) { // a trail byte that is ASCII may stand for itself
		b[1], second = line[i+3], 1
	}
	if r := legacy(b[0], b[1]); r != 0 {
		return r, 3 + second
	}
	return utf8.RuneError, 3
}

// legacy reads the digits, hyphens and spaces of CP932 and EUC-JP, 0 for others.
func legacy(a, b byte) rune {
	switch {
	case a == 0x82 && b >= 0x4F && b <= 0x58:
		return rune('0' + b - 0x4F)
	case a == 0xA3 && b >= 0xB0 && b <= 0xB9:
		return rune('0' + b - 0xB0)
	case a == 0x81 && b == 0x40, a == 0xA1 && b == 0xA1:
		return ' '
	case a == 0x81 && (b == 0x5B || b == 0x5C || b == 0x5D || b == 0x7C), a == 0xA1 && (b == 0xBC || b == 0xBD || b == 0xBE || b == 0xDD):
		return '-'
	}
	return 0
}

// fold makes widths, hyphens and spaces one.
func fold(r rune) rune {
	switch {
	case r < 0xA0:
		return r
	case r >= 0xFF01 && r <= 0xFF5E:
		return r - 0xFEE0
	case r == 0xA0, r == 0x3000, r >= 0x2000 && r <= 0x200B, r == 0x202F:
		return ' '
	case r >= 0x2010 && r <= 0x2015, r == 0x2212, r == 'ー', r == 'ｰ', r == 0xAD, r == 0x2500, r == 0xFE63:
		return '-'
	}
	return r
}

func hex(s string, i, n int) (rune, bool) {
	if i+n > len(s) {
		return 0, false
	}
	v := rune(0)
	for _, c := range []byte(s[i : i+n]) {
		switch {
		case digit(c):
			v = v<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			v = v<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

func digit(c byte) bool { return c-'0' <= 9 }
