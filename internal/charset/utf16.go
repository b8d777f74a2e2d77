package charset

import "unicode/utf16"

// eachUTF16 walks over UTF-16. Half a surrogate pair and an odd byte at the
// end are shown as bytes.
func eachUTF16[T string | []byte](name string, line T, yield func(int, rune) bool) {
	big := name == UTF16BE
	i := 0
	if len(line) >= 2 {
		switch string(line[:2]) {
		case "\xFE\xFF":
			if name != UTF16LE {
				big, i = true, 2
			}
		case "\xFF\xFE":
			if name != UTF16BE {
				big, i = false, 2
			}
		}
	}
	unit := func(i int) rune {
		if big {
			return rune(line[i])<<8 | rune(line[i+1])
		}
		return rune(line[i+1])<<8 | rune(line[i])
	}
	for i < len(line) {
		if i+1 == len(line) {
			yield(i, Invalid+rune(line[i]))
			return
		}
		r, size := unit(i), 2
		if utf16.IsSurrogate(r) {
			low := rune(0)
			if i+3 < len(line) {
				low = unit(i + 2)
			}
			if r = utf16.DecodeRune(r, low); r == 0xFFFD {
				if !yield(i, Invalid+rune(line[i])) || !yield(i+1, Invalid+rune(line[i+1])) {
					return
				}
				i += 2
				continue
			}
			size = 4
		}
		if !yield(i, r) {
			return
		}
		i += size
	}
}

// Big tells whether UTF-16 of that name and beginning is big-endian.
func Big[T string | []byte](name string, line T) bool {
	return name == UTF16BE || name == UTF16 && len(line) >= 2 && line[0] == 0xFE && line[1] == 0xFF
}
