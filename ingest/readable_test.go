package ingest

import (
	"strings"
	"testing"

	"mimamori/frame"
)

func TestALineIsReadInTheEncodingThatItsRecordNames(t *testing.T) {
	for _, c := range []struct{ charset, line, text, tag string }{
		{"cp932", "C:\\\x95\x5C\\\x83\x8D\x83\x4F", `C:\表\ログ`, "charset-cp932"},
		{"euc-jp", "\xC0\xDC\xC2\xB3\xFF", `接続\xff`, "charset-euc-jp"},
		{"iso-2022-jp", "\x1B$B@\\B3", "接続", "charset-iso-2022-jp"},
		{"utf-16le", "\x42\x30a\x00", "あa", "charset-utf-16le"},
		{"", "\x83\x8D\x83\x4F\x83\x49\x83\x93", "ログオン", "charset-cp932"},                    // guessed
		{"", "\xA5\xED\xA5\xB0\xA5\xAA\xA5\xF3", "ログオン", "charset-euc-jp"},                   // guessed
		{"", "caf\xE9 x", `caf\xe9 x`, "charset-unknown"},                                    // of no such encoding
		{"klingon", "\xFFa", `\xffa`, "charset-unknown"},                                     // of a newer collector
		{"utf-8", "表\xE8\xA1x", "表" + `\xe8\xa1x`, "charset-utf-8"},                          // as configured
		{"cp932", "\x81\xAD" + strings.Repeat("a", 9), `\x81\xadaaaaaaaaa`, "charset-cp932"}, // a faulty byte costs nothing else
	} {
		text, tags := readable(&frame.Record{Line: c.line, Charset: c.charset, Flags: frame.NotUTF8})
		if text != c.text || len(tags) != 1 || tags[0] != c.tag {
			t.Errorf("%s %x: %q %v, want %q %s", c.charset, c.line, text, tags, c.text, c.tag)
		}
	}
}
