package charset

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
)

// plane is a table of 94 by 94 characters, 0 where there is none.
type plane [94 * 94]uint16

// The tables are read out of x/text once, when the first such line comes, so
// that a pair is one look-up and its length is ours to decide.
var (
	plane0208 = sync.OnceValue(func() *plane { return readPlane(nil) })
	plane0212 = sync.OnceValue(func() *plane { return readPlane([]byte{0x8F}) })
	table932  = sync.OnceValue(readCP932)
)

func readPlane(prefix []byte) *plane {
	p, dec := new(plane), japanese.EUCJP.NewDecoder()
	for i := range p {
		p[i] = readChar(dec, append(prefix[:len(prefix):len(prefix)], byte(0xA1+i/94), byte(0xA1+i%94)))
	}
	return p
}

// readCP932 makes the table of lead bytes 0x81-0x9F and 0xE0-0xFC by trail
// bytes 0x40-0xFC. The user-defined area, which x/text lacks, is U+E000 to
// U+E757.
func readCP932() *[60][189]uint16 {
	t, dec := new([60][189]uint16), japanese.ShiftJIS.NewDecoder()
	for i := range t {
		for j := range t[i] {
			lead, trail := byte(0x81+i), byte(0x40+j)
			if i >= 31 {
				lead = byte(0xE0 + i - 31)
			}
			switch {
			case trail == 0x7F:
			case lead >= 0xF0 && lead <= 0xF9:
				t[i][j] = uint16(0xE000 + 188*int(lead-0xF0) + j)
				if trail > 0x7F {
					t[i][j]--
				}
			default:
				t[i][j] = readChar(dec, []byte{lead, trail})
			}
		}
	}
	return t
}

// readChar decodes bytes that stand for one character, 0 when they do not.
func readChar(dec *encoding.Decoder, b []byte) uint16 {
	s, err := dec.Bytes(b)
	r, size := utf8.DecodeRune(s)
	if err != nil || size != len(s) || r == utf8.RuneError {
		return 0
	}
	return uint16(r)
}

func pair0208(a, b byte) rune { return rune(plane0208()[int(a-0xA1)*94+int(b-0xA1)]) }
func pair0212(a, b byte) rune { return rune(plane0212()[int(a-0xA1)*94+int(b-0xA1)]) }

func pair932(lead, trail byte) rune {
	i := int(lead) - 0x81
	if lead >= 0xE0 {
		i = int(lead) - 0xE0 + 31
	}
	return rune(table932()[i][trail-0x40])
}
