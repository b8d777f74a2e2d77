package charset

// mode is what the 7-bit bytes of ISO-2022-JP stand for.
type mode uint8

const (
	ascii   mode = iota // and JIS-Roman, whose 0x5C and 0x7E are read as ASCII
	kana                // JIS X 0201, half width
	kanji               // JIS X 0208
	kanji12             // JIS X 0212
)

// escape reads an escape sequence at line[i]: its length, 0 when there is none,
// and the mode that it begins.
func escape[T string | []byte](line T, i int) (int, mode) {
	if i+2 >= len(line) || line[i] != 0x1B {
		return 0, ascii
	}
	switch string(line[i+1 : i+3]) {
	case "(B", "(J", "(H":
		return 3, ascii
	case "(I":
		return 3, kana
	case "$@", "$B":
		return 3, kanji
	case "$(":
		if i+3 < len(line) && (line[i+3] == '@' || line[i+3] == 'B') {
			return 4, kanji
		}
		if i+3 < len(line) && line[i+3] == 'D' {
			return 4, kanji12
		}
	case "&@": // announces the edition of 1990; the designation follows
		if i+6 <= len(line) && string(line[i+3:i+6]) == "\x1B$B" {
			return 6, kanji
		}
	}
	return 0, ascii
}

// eachJIS walks over ISO-2022-JP. A line begins in ASCII and may end in any
// mode. Control characters and spaces stand for themselves in every mode, SO
// and SI switch half-width kana, and kana with the eighth bit is taken as such.
func eachJIS[T string | []byte](line T, yield func(int, rune) bool) {
	m, before := ascii, ascii
	for i := 0; i < len(line); {
		if size, next := escape(line, i); size > 0 {
			m, i = next, i+size
			continue
		}
		switch c := line[i]; {
		case c == 0x0E:
			m, before, i = kana, m, i+1
			continue
		case c == 0x0F && m == kana:
			m, i = before, i+1
			continue
		}
		r, size := nextJIS(line, i, m)
		if r < 0 {
			r = Invalid + rune(line[i])
		}
		if !yield(i, r) {
			return
		}
		i += size
	}
}

// nextJIS reads one character at line[i]; a negative one is none.
func nextJIS[T string | []byte](line T, i int, m mode) (rune, int) {
	c := line[i]
	switch {
	case c >= 0xA1 && c <= 0xDF:
		return 0xFF61 + rune(c-0xA1), 1
	case c >= 0x80:
		return -1, 1
	case m == ascii || c <= ' ' || c == 0x7F:
		return rune(c), 1
	case m == kana:
		if c <= 0x5F {
			return 0xFF61 + rune(c-0x21), 1
		}
		return -1, 1
	case i+1 >= len(line) || line[i+1] <= ' ' || line[i+1] >= 0x7F:
		return -1, 1
	}
	var r rune
	if m == kanji {
		r = pair0208(c|0x80, line[i+1]|0x80)
	} else {
		r = pair0212(c|0x80, line[i+1]|0x80)
	}
	if r == 0 {
		return -1, 1
	}
	return r, 2
}

// Shift returns the escape sequence that is in force at line[end] in
// ISO-2022-JP, "" in ASCII.
func Shift(line string, end int) string {
	last := ""
	for i := range min(end, len(line)) {
		switch size, m := escape(line, i); {
		case size > 0 && i+size <= end && m == ascii:
			last = ""
		case size > 0 && i+size <= end:
			last = line[i : i+size]
		case line[i] == 0x0E:
			last = "\x0E"
		case line[i] == 0x0F && last == "\x0E":
			last = ""
		}
	}
	return last
}
