package charset

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
	"unsafe"
)

// How sure a detector must be. A character that speaks clearly for one encoding
// and against the other differs by about 30 points.
const (
	clear    = 18  // points by which a line is told by itself
	settled  = 60  // points, summed over lines, that make a choice stand
	mostSure = 400 // no more is remembered, so that a source that changes is believed in time
	leastFor = 3   // lines in a row that speak against the standing choice before it falls
)

// Detector chooses the encoding of one source's lines and sticks to it: a short
// line that could be either is read as the source's other lines are. The zero
// value knows nothing yet. It is used by one goroutine.
type Detector struct {
	standing string // CP932, EUCJP or "" while nothing is known
	sure     int    // points for CP932 (positive) or EUC-JP (negative)
	wide     string // UTF16LE, UTF16BE or "": what lines with zero bytes were
	against  int    // lines in a row that clearly contradict
}

// Plain tells whether a line is ASCII without control characters, of which
// nothing can be learned. It takes 32 bytes at a time.
func Plain(line string) bool {
	const each = 0x0101010101010101
	b := unsafe.Slice(unsafe.StringData(line), len(line)) // only read
	odd := uint64(0)
	for ; len(b) >= 32; b = b[32:] {
		v, w := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		x, y := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
		odd |= v | (v - 0x20*each) | w | (w - 0x20*each) | x | (x - 0x20*each) | y | (y - 0x20*each)
	}
	for _, c := range b {
		odd |= uint64(c) | (uint64(c) - 0x20)
	}
	return odd&(0x80*each) == 0
}

// Observe names the encoding of a line: "" for ASCII, UTF-8 and bytes that fit
// no encoding, else one of Names.
func (d *Detector) Observe(text string) string {
	if d.wide == "" && Plain(text) {
		return ""
	}
	line := unsafe.Slice(unsafe.StringData(text), len(text)) // only read
	if name := d.marked(line); name != "" {
		return name
	}
	if utf8.Valid(line) && !d.kanaInDisguise(line) {
		return ""
	}
	a, b := score(CP932, line), score(EUCJP, line)
	diff := a.points - b.points
	if max(a.points, b.points) < -12*high(line) {
		return "" // neither text: the bytes are shown as bytes
	}
	if max(a.points, b.points) < 0 && len(line)%2 == 0 {
		for _, name := range []string{UTF16LE, UTF16BE} {
			if score(name, line).points > 8*len(line) {
				d.wide = name
				return name
			}
		}
	}
	d.learn(diff)
	switch {
	case a.invalid == 0 && b.invalid > 0 && (d.standing != EUCJP || diff > clear):
		return CP932
	case b.invalid == 0 && a.invalid > 0 && (d.standing != CP932 || diff < -clear):
		return EUCJP
	case d.standing != "" && -settled < diff && diff < settled:
		return d.standing
	case diff >= 0:
		return CP932
	}
	return EUCJP
}

// Guess names the encoding of a line of which nothing else is known.
func Guess(line string) string {
	var d Detector
	return d.Observe(line)
}

// learn adds a line's evidence to the standing choice.
func (d *Detector) learn(diff int) {
	d.sure = max(-mostSure, min(mostSure, d.sure+max(-settled, min(settled, diff))))
	says := ""
	switch {
	case diff >= clear:
		says = CP932
	case diff <= -clear:
		says = EUCJP
	}
	switch {
	case says == d.standing:
		d.against = 0
	case says != "" && d.standing != "":
		if d.against++; d.against < leastFor {
			return
		}
		d.standing, d.sure, d.against = says, max(-settled, min(settled, diff)), 0
	case says != "" && (d.sure >= settled || d.sure <= -settled):
		d.standing = says
	}
}

// high counts the bytes that are not ASCII.
func high(line []byte) (n int) {
	for _, c := range line[:min(len(line), maxScored)] {
		if c >= utf8.RuneSelf {
			n++
		}
	}
	return n
}

// kanaInDisguise tells that a line which is valid UTF-8 is more likely text of
// the standing encoding: all its characters take two bytes, as Latin and Greek
// ones do, and so do pairs of half-width kana and some words in EUC-JP.
func (d *Detector) kanaInDisguise(line []byte) bool {
	if d.standing == "" {
		return false
	}
	two := false
	for i := 0; i < len(line); {
		if line[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, size := utf8.DecodeRune(line[i:])
		if size != 2 {
			return false
		}
		two = true
		i += size
	}
	return two && score(d.standing, line).points > 0
}

// marked finds the encodings that give themselves away: ISO-2022-JP by its
// escapes, UTF-16 by its mark or by the zero bytes of its ASCII part.
func (d *Detector) marked(line []byte) string {
	if jis(line) {
		return ISO2022JP
	}
	if len(line) < 2 {
		return ""
	}
	switch {
	case (line[0] == 0xFF && line[1] == 0xFE || line[0] == 0xFE && line[1] == 0xFF) && readable(line[2:]):
		return "" // two odd bytes before plain text
	case line[0] == 0xFF && line[1] == 0xFE:
		d.wide = UTF16LE
		return UTF16LE
	case line[0] == 0xFE && line[1] == 0xFF:
		d.wide = UTF16BE
		return UTF16BE
	case len(line)%2 != 0 || d.wide == "" && bytes.IndexByte(line, 0) < 0:
		return ""
	}
	name := wide(line)
	switch {
	case name != "":
		d.wide = name
	case d.wide != "" && score(d.wide, line).points > max(0, score(CP932, line).points/2):
		name = d.wide // no ASCII in it
	}
	return name
}

// readable tells that nearly all bytes are printable ASCII, as those of UTF-16
// are not: its ASCII has a zero in each character.
func readable(line []byte) bool {
	n := 0
	for _, c := range line[:min(len(line), maxScored)] {
		if c >= ' ' && c < 0x7F {
			n++
		}
	}
	return len(line) >= 8 && n*10 >= min(len(line), maxScored)*9
}

// wide names the byte order of UTF-16 whose lines hold ASCII.
func wide(line []byte) string {
	var zeros [2]int
	for i, c := range line[:min(len(line), maxScored)] {
		if c == 0 {
			zeros[i%2]++
		}
	}
	switch {
	case zeros[1] > 4*zeros[0] && score(UTF16LE, line).points >= 0:
		return UTF16LE
	case zeros[0] > 4*zeros[1] && score(UTF16BE, line).points >= 0:
		return UTF16BE
	}
	return ""
}

// jis tells that a line is in 7 bits and switches to a Japanese set.
func jis(line []byte) bool {
	for i := 0; i < len(line); i++ {
		j := bytes.IndexByte(line[i:], 0x1B)
		if j < 0 {
			return false
		}
		i += j
		if size, m := escape(line, i); size > 0 && m != ascii {
			return high(line) == 0
		}
	}
	return false
}
