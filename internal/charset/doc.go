// Package charset reads the encodings of Japanese log lines: UTF-8, CP932,
// EUC-JP, ISO-2022-JP and UTF-16. It turns bytes into text for people and
// tells which encoding a source's lines are in.
//
// Decoding never fails: a byte that fits nothing is shown as \xNN and costs no
// other byte. The collector keeps the original bytes, so that text is a view
// and never the only copy. Nothing here blocks; time is linear in the line, and
// memory is a small multiple of it. A detector judges at most the first 8 KiB
// of a line's bytes outside ASCII.
//
// Characters that encodings and vendors map differently are read as Windows
// reads them, in every encoding, so that equal text compares equal whatever it
// came in: 0x5C is a backslash, in JIS X 0201 too; the wave dash (0x8160) is
// U+FF5E, the minus (0x817C) U+FF0D, the parallel (0x8161) U+2225.
package charset

import (
	"slices"
	"strings"
)

// The encodings, as Record.Charset and configurations name them.
const (
	UTF8      = "utf-8"
	CP932     = "cp932"
	EUCJP     = "euc-jp"
	ISO2022JP = "iso-2022-jp"
	UTF16LE   = "utf-16le"
	UTF16BE   = "utf-16be"
	UTF16     = "utf-16" // by its byte order mark; little-endian without one
)

// Names lists the encodings.
func Names() []string { return []string{UTF8, CP932, EUCJP, ISO2022JP, UTF16, UTF16LE, UTF16BE} }

// Canonical turns the names that people write into one of Names; ok is false
// for a name that is none of theirs.
func Canonical(name string) (canonical string, ok bool) {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	switch name {
	case "utf8", "ascii", "us-ascii":
		name = UTF8
	case "shift-jis", "shiftjis", "sjis", "windows-31j", "ms932", "cp-932":
		name = CP932
	case "eucjp", "euc", "ujis", "eucjp-ms", "cp51932":
		name = EUCJP
	case "jis", "iso2022jp", "iso-2022-jp-1", "cp50220", "cp50221":
		name = ISO2022JP
	case "utf16":
		name = UTF16
	case "utf16le":
		name = UTF16LE
	case "utf16be":
		name = UTF16BE
	}
	return name, slices.Contains(Names(), name)
}
