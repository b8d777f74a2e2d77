package collector

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// coding says how a file's text is laid out, as far as lines are concerned:
// one byte to a unit, or two.
type coding struct {
	charset string           // what records say; "" leaves it to whoever looks at the bytes
	wide    binary.ByteOrder // of UTF-16, nil for one byte to a unit
	mark    int              // bytes of the byte order mark that the file begins with
}

// How much of a file's beginning is looked at, and the least that tells UTF-16
// without a byte order mark.
const (
	codingBytes = headBytes
	leastWide   = 16
)

// codingOf tells a file's layout from its first bytes and the configured
// charset. It is not sure while too little of the file is there.
func codingOf(head []byte, charset string) (c coding, sure bool) {
	head = head[:min(len(head), codingBytes)]
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		return coding{mark: 3}, true
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}) && charset != "utf-16be":
		return coding{"utf-16le", binary.LittleEndian, 2}, true
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}) && charset != "utf-16le":
		return coding{"utf-16be", binary.BigEndian, 2}, true
	case charset == "utf-16le":
		return coding{charset: charset, wide: binary.LittleEndian}, len(head) > 1
	case charset == "utf-16be":
		return coding{charset: charset, wide: binary.BigEndian}, len(head) > 1
	}
	utf16 := charset == "utf-16"
	if !utf16 && charset != "" && charset != "auto" {
		return coding{}, !begins(head)
	}
	little, big := units(head, binary.LittleEndian), units(head, binary.BigEndian)
	switch whole := len(head) / 2; {
	case big > little && (utf16 || big > whole/2):
		c = coding{charset: "utf-16be", wide: binary.BigEndian}
	case utf16 || little > big && little > whole/2:
		c = coding{charset: "utf-16le", wide: binary.LittleEndian}
	}
	open := utf16 || len(head) == 0 || bytes.IndexByte(head, 0) >= 0 || head[0] >= 0xfe || begins(head)
	return c, !open || len(head) >= leastWide
}

// begins tells whether the bytes may become the byte order mark of UTF-8.
func begins(head []byte) bool {
	return len(head) < 3 && string(head) == "\xef\xbb\xbf"[:len(head)]
}

// units counts the units that are ASCII as logs have it; none when one of them
// is NUL, which no text has.
func units(b []byte, order binary.ByteOrder) (n int) {
	for ; len(b) > 1; b = b[2:] {
		switch u := order.Uint16(b); {
		case u == 0:
			return 0
		case u >= ' ' && u < 0x7f, u == '\t', u == '\r', u == '\n':
			n++
		}
	}
	return n
}

// line finds the first line of data, which stands at the offset in its file:
// its length without and with its end; both 0 when the end is not there.
func (c *coding) line(data []byte, at int64) (n, size int) {
	if c.wide == nil {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			return 0, 0
		}
		return len(chomp(data[:i])), i + 1
	}
	for from := int(at & 1); from < len(data); {
		i := bytes.IndexByte(data[from:], '\n')
		if i < 0 {
			return 0, 0
		}
		i = (from+i-int(at&1))&^1 + int(at&1) // where its unit begins
		if i+2 > len(data) {
			return 0, 0
		}
		if c.wide.Uint16(data[i:]) == '\n' {
			return len(c.chomp(data[:i])), i + 2
		}
		from = i + 2
	}
	return 0, 0
}

// chomp removes the carriage return before a line's end.
func (c *coding) chomp(line []byte) []byte {
	if c.wide == nil {
		return chomp(line)
	}
	if n := len(line); n > 1 && c.wide.Uint16(line[n-2:]) == '\r' {
		return line[:n-2]
	}
	return line
}

// order is where a unit's low and high byte stand. (Calls through ByteOrder are
// too slow for every unit of every line.)
func (c *coding) order() (low, high int) {
	if c.charset == "utf-16be" {
		return 1, 0
	}
	return 0, 1
}

// text makes UTF-8 of a line in UTF-16, in buf.
func (c *coding) text(line, buf []byte) []byte {
	buf = buf[:0]
	low, high := c.order()
	for ; len(line) > 1; line = line[2:] {
		r := rune(line[low]) | rune(line[high])<<8
		if r < utf8.RuneSelf {
			buf = append(buf, byte(r))
			continue
		}
		if utf16.IsSurrogate(r) && len(line) > 3 {
			if pair := utf16.DecodeRune(r, rune(c.wide.Uint16(line[2:]))); pair != utf8.RuneError {
				r, line = pair, line[2:]
			}
		}
		buf = utf8.AppendRune(buf, r)
	}
	return buf
}
