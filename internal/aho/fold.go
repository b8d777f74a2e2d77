package aho

import (
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"
)

// foldRune maps all runes that the language may take for equal to one: it is
// coarser than both strings.ToLower and strings.EqualFold, so that no match is
// lost.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	r = unicode.ToLower(r)
	least := r
	for x := unicode.SimpleFold(r); x != r; x = unicode.SimpleFold(x) {
		least = min(least, x)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}

// AppendFold appends the folded form of s, in which letters that any reader may
// take for equal are the same.
func AppendFold(dst []byte, s string) []byte {
	for _, r := range s {
		if r < utf8.RuneSelf {
			dst = append(dst, byte(foldRune(r)))
			continue
		}
		dst = utf8.AppendRune(dst, foldRune(r))
	}
	return dst
}

// AppendLower appends plain ASCII in lower case, which is its folded form.
func AppendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// BeginsWith tells whether a text begins with one in small letters, ASCII
// letters of either case being equal.
func BeginsWith[T string | []byte](text T, folded string) bool {
	if len(text) < len(folded) {
		return false
	}
	for i := range len(folded) {
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != folded[i] {
			return false
		}
	}
	return true
}

// Fold is AppendFold as a text.
func Fold(s string) string { return string(AppendFold(nil, s)) }

const highBits = 0x8080808080808080

// Plain tells whether no letter of s outside ASCII folds to one in it: literals
// of ASCII stand in s as they do in its folded form. There are three such letters.
func Plain(s string) bool {
	return IsASCII(s) || !strings.Contains(s, "\u0130") && !strings.Contains(s, "\u017f") && !strings.Contains(s, "\u212a")
}

// IsASCII tells whether s is plain ASCII. It looks at 32 bytes at a time.
func IsASCII(s string) bool {
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	for ; len(b) >= 32; b = b[32:] {
		x := binary.LittleEndian.Uint64(b) | binary.LittleEndian.Uint64(b[8:])
		y := binary.LittleEndian.Uint64(b[16:]) | binary.LittleEndian.Uint64(b[24:])
		if (x|y)&highBits != 0 {
			return false
		}
	}
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b)&highBits != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
