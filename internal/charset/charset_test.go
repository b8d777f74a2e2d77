package charset

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// python runs a script and returns what it prints.
func python(t *testing.T, script string) string {
	t.Helper()
	exe, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3, whose codecs are the oracle, is not installed")
	}
	out, err := exec.Command(exe, "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// agree compares Decode with a table of "hex code-point" lines, but for pairs
// that the codec reads otherwise on purpose.
func agree(t *testing.T, name, table string, except map[string]string) {
	t.Helper()
	rows := strings.Split(strings.TrimSpace(table), "\n")
	if len(rows) < 6000 {
		t.Fatalf("the oracle has %d rows", len(rows))
	}
	wrong := 0
	for _, row := range rows {
		var in []byte
		var want rune
		if _, err := fmt.Sscanf(row, "%x %x", &in, &want); err != nil {
			t.Fatal(row, err)
		}
		w := string(want)
		if s, ok := except[w]; ok {
			w = s
		}
		if got := Decode(name, string(in)); got != w {
			if wrong++; wrong < 20 {
				t.Errorf("%x is %q (%U), the oracle says %q", in, got, []rune(got), w)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d differ", wrong, len(rows))
	}
}

func TestEveryCharacterOfCP932ReadsAsPythonReadsIt(t *testing.T) {
	agree(t, CP932, python(t, `
for a in range(0x80,0x100):
    for b in [None]+list(range(0x40,0xfd)):
        s = bytes([a]) if b is None else bytes([a,b])
        try: u = s.decode('cp932')
        except UnicodeDecodeError: continue
        if len(u) == 1: print(s.hex(), '%x' % ord(u))
`), nil)
}

func TestEveryCharacterOfEUCJPReadsAsPythonReadsIt(t *testing.T) {
	// Python reads a few signs as the standard does, we as Windows does.
	windows := map[string]string{"\u301c": "\uff5e", "\u2016": "\u2225", "\u2212": "\uff0d", "\u00a2": "\uffe0", "\u00a3": "\uffe1", "\u00ac": "\uffe2", "\u2014": "\u2015", "~": "\uff5e"}
	agree(t, EUCJP, python(t, `
r = list(range(0xa1,0xff))
for s in [bytes([a,b]) for a in r+[0x8e] for b in r] + [bytes([0x8f,a,b]) for a in r for b in r]:
    try: u = s.decode('euc_jp')
    except UnicodeDecodeError: continue
    if len(u) == 1: print(s.hex(), '%x' % ord(u))
`), windows)
}

func TestDecodeReadsWhatIsSpecialToEachEncoding(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{CP932, "C:\x5Clog\x5C\x95\x5C.txt", `C:\log\表.txt`},
		{CP932, "\x81\x60\x81\x7C\x81\x61", "～－∥"},
		{CP932, "\xC3\xDE\xB0\xC0", "ﾃﾞｰﾀ"},
		{CP932, "\x87\x40\x87\x54\x87\x8A", "①Ⅰ㈱"},
		{CP932, "\xED\x40\xFA\x40\xFA\x5C\xFB\xFC", "纊ⅰ纊髙"},
		{CP932, "\xF0\x40\xF9\xFC", "\ue000\ue757"},
		{CP932, "ok \x81", `ok \x81`},
		{CP932, "\x81\"quoted\"", `\x81"quoted"`},
		{CP932, "\x81\xAD\x82\xA0", `\x81\xadあ`},
		{EUCJP, "\xC0\xDC\xC2\xB3\x8E\xC3\x8E\xDE", "接続ﾃﾞ"},
		{EUCJP, "\x8F\xB0\xA1x", "丂x"},
		{EUCJP, "\xA4a\xFF\xA4\xA2", `\xa4a\xffあ`},
		{ISO2022JP, "a\x1B$B@\\B3\x1B(Bb", "a接続b"},
		{ISO2022JP, "\x1B$B@\\B3", "接続"},
		{ISO2022JP, "\x1B(ICG@\x1B(B!", "ﾃﾇﾀ!"},
		{ISO2022JP, "\x0ECG\x0F!", "ﾃﾇ!"},
		{ISO2022JP, "\x1B$(D0!\x1B(B", "丂"},
		{ISO2022JP, "\x1B(J\\~\x1B(B", `\~`},
		{ISO2022JP, "\x1B[0mx", "\x1b[0mx"},
		{ISO2022JP, "\x1B$B@\\ B3", "接 続"},
		{UTF16LE, "\x42\x30\x31\x00\xFF", `あ1\xff`},
		{UTF16BE, "\x30\x42\x00\x31", "あ1"},
		{UTF16, "\xFE\xFF\x30\x42", "あ"},
		{UTF16, "\xFF\xFE\x42\x30", "あ"},
		{UTF16LE, "\x42\xD8\xB7\xDF\x42\xD8a\x00", `𠮷\x42\xd8a`},
		{UTF8, "表\xE8\xA1x", `表\xe8\xa1x`},
		{"", "a\xFF", `a\xff`},
	} {
		if got := Decode(c.name, c.in); got != c.want {
			t.Errorf("%s %x: %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

func TestNamesThatPeopleWriteAreUnderstood(t *testing.T) {
	for in, want := range map[string]string{"Shift_JIS": CP932, "SJIS": CP932, "utf8": UTF8, "EUC_JP": EUCJP, "UTF-16": UTF16, "jis": ISO2022JP} {
		if got, ok := Canonical(in); got != want || !ok {
			t.Errorf("%s: %s %v", in, got, ok)
		}
	}
	if _, ok := Canonical("latin-1"); ok {
		t.Error("latin-1 is not one of them")
	}
}

// sound fails unless decoding holds its promises for these bytes.
func sound(t interface{ Errorf(string, ...any) }, name, line string) {
	at := -1
	for i, r := range Runes(name, line) {
		if i <= at || i >= len(line) || r < 0 || r >= Invalid && byte(r-Invalid) != line[i] {
			t.Errorf("%s %x: %U at %d after %d", name, line, r, i, at)
		}
		at = i
	}
	if text := Decode(name, line); !utf8.ValidString(text) {
		t.Errorf("%s %x: %q is no text", name, line, text)
	}
}

func TestDecodingNeverFailsAndLosesNoASCIIByte(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		line := string(rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("\x1B$B(I\x81\xA4\x8E\x8F\x00\xD8")))).Draw(rt, "line"))
		for _, name := range Names() {
			sound(rt, name, line)
		}
		// An ASCII character below 0x40 is never part of another one.
		low := func(s string) (n int) {
			for i := range len(s) {
				if s[i] >= ' ' && s[i] < 0x30 {
					n++
				}
			}
			return n
		}
		for _, name := range []string{UTF8, CP932, EUCJP} {
			if low(line) != low(Decode(name, line)) {
				rt.Errorf("%s %x: %q", name, line, Decode(name, line))
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "\x81", "\x1B$B!", "\xFF\xFE\x00", "\x8F\xA1", "\x1B&@\x1B$B0!", "表示"} {
		f.Add(s)
	}
	for _, name := range Names() { // make the tables before: they would look like new ways through the code
		sound(f, name, "\x8F\xB0\xA1\x90\x90\x1B$B0!\x1B$(D0!")
	}
	f.Fuzz(func(t *testing.T, line string) {
		for _, name := range Names() {
			sound(t, name, line)
		}
		var d Detector
		name := d.Observe(line)
		if name != d2(line) {
			t.Errorf("%q: the same first line is judged twice otherwise", line)
		}
	})
}

func d2(line string) string {
	var d Detector
	return d.Observe(line)
}
