package collector

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding/japanese"
	"pgregory.net/rapid"

	"mimamori/frame"
)

// newForm is a form whose coding is known.
func newForm(in Input, charset string) *form {
	t := &tailed{form: form{shape: newShape(&in)}}
	t.recall(position{Charset: charset})
	return &t.form
}

// cutForm cuts all of data into records, given in pieces of so many bytes.
func cutForm(t testing.TB, f *form, data []byte, step int) (out []string) {
	t.Helper()
	pos := 0
	f.final = true
	for n := min(step, len(data)); pos < len(data); {
		p := f.next(data[pos:n], int64(pos), n == len(data))
		switch {
		case p.size < 0 || p.n < 0 || p.n > p.size || pos+p.size > n:
			t.Fatalf("record of %d in %d bytes at %d of %d", p.n, p.size, pos, n)
		case p.size > 0:
			out = append(out, string(data[pos:pos+p.n]))
			pos += p.size
		case n == len(data):
			t.Fatalf("nothing is made of the last %d bytes", n-pos)
		default:
			n = min(n+step, len(data))
		}
	}
	return out
}

func wide(s string, bigEndian bool) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if bigEndian {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return b
}

func TestLinesThatBelongTogetherAreOneRecord(t *testing.T) {
	trace := "2026-11-22 a\n\tat one\n\tat two\r\n2026-11-22 b\r\n2026-11-22 c\n  x\n"
	want := []string{"2026-11-22 a\n\tat one\n\tat two", "2026-11-22 b", "2026-11-22 c\n  x"}
	for name, m := range map[string]*Multiline{"begin": {Begin: `^\d{4}-`}, "continue": {Continue: `^\s`}} {
		for step := 1; step < len(trace); step++ {
			sameLines(t, want, cutForm(t, newForm(Input{Multiline: m}, ""), []byte(trace), step))
		}
		for _, big := range []bool{true, false} {
			charset := map[bool]string{true: "utf-16be", false: "utf-16le"}[big]
			var wide16 []string
			for _, w := range want {
				wide16 = append(wide16, string(wide(w, big)))
			}
			for _, step := range []int{1, 2, 3, 7, 1000} {
				sameLines(t, wide16, cutForm(t, newForm(Input{Multiline: m}, charset), wide(trace, big), step))
			}
		}
		_ = name
	}
}

func TestJapaneseExpressionFitsEveryCharset(t *testing.T) {
	text := "開始 一\n続き 表能ソ\n開始 二\n"
	for name, enc := range map[string]interface{ String(string) (string, error) }{
		"cp932": japanese.ShiftJIS.NewEncoder(), "euc-jp": japanese.EUCJP.NewEncoder(), "iso-2022-jp": japanese.ISO2022JP.NewEncoder(),
	} {
		for _, charset := range []string{name, "auto"} {
			data, err := enc.String(text)
			if err != nil {
				t.Fatal(err)
			}
			if got := cutForm(t, newForm(Input{Charset: charset, Multiline: &Multiline{Begin: "^開始"}}, ""), []byte(data), 5); len(got) != 2 {
				t.Errorf("%s as %s: %q", name, charset, got)
			}
		}
	}
	if got := cutForm(t, newForm(Input{Multiline: &Multiline{Begin: "^開始"}}, "utf-16le"), wide(text, false), 3); len(got) != 2 {
		t.Errorf("utf-16le: %q", got)
	}
}

func TestRecordBeyondItsLimitsGoesOnInTheNext(t *testing.T) {
	f := newForm(Input{Multiline: &Multiline{Begin: "^BEGIN", MaxLines: 3}}, "")
	got := cutForm(t, f, []byte("BEGIN\n1\n2\n3\n4\nBEGIN\n"), 100)
	sameLines(t, []string{"BEGIN\n1\n2", "3\n4", "BEGIN"}, got)
	f = newForm(Input{Multiline: &Multiline{Begin: "^BEGIN", MaxBytes: 1 << 10}}, "")
	line := strings.Repeat("x", 99) + "\n"
	data := []byte("BEGIN\n" + strings.Repeat(line, 20))
	if p := f.next(data, 0, false); p.n != 5+10*100 || p.flags != frame.Truncated {
		t.Errorf("%+v", p)
	}
	if got := cutForm(t, f, data, 1); len(got) != 2 || len(strings.Join(got, "")) != len(data)-2 {
		t.Errorf("%d records", len(got))
	}
}

func TestRowOfCSVIsOneRecordAndKnowsItsHeader(t *testing.T) {
	rows := []string{"名前,時刻,内容", `PC-1,09:15,"a` + "\n" + `b ""quoted"", c"`, `PC-2,09:16,plain "not quoted`, `"",,`, `PC-3, "x` + "\r\n" + `y",1`}
	text := "検索条件,\"x\n全件数,3\n" + strings.Join(rows, "\r\n") + "\r\n"
	for name, c := range map[string]*CSV{"lines": {Preamble: 2}, "expression": {Header: "^名前,"}} {
		for step := 1; step < len(text); step += 3 {
			f := newForm(Input{CSV: c}, "")
			got := cutForm(t, f, []byte(text), step)
			sameLines(t, append([]string{`検索条件,"x`, "全件数,3"}, rows...), got)
			if f.columns.row != rows[0] {
				t.Errorf("%s: header %q", name, f.columns.row)
			}
		}
	}
	for _, big := range []bool{true, false} {
		charset := map[bool]string{true: "utf-16be", false: "utf-16le"}[big]
		f := newForm(Input{CSV: &CSV{Header: "^名前,"}}, charset)
		if got := cutForm(t, f, wide(text, big), 9); len(got) != len(rows)+2 || got[3] != string(wide(rows[1], big)) || f.columns.row != string(wide(rows[0], big)) {
			t.Errorf("%s: %q", charset, got)
		}
	}
	cp932, err := japanese.ShiftJIS.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := cutForm(t, newForm(Input{CSV: &CSV{Header: "^名前,"}}, ""), []byte(cp932), 9); len(got) != len(rows)+2 {
		t.Errorf("cp932: %q", got)
	}
}

func TestStrayQuoteCostsNoRowButItsOwn(t *testing.T) {
	text := "a,b\n1,\"stray\n" + strings.Repeat("2,3\n", 2000)
	f := newForm(Input{CSV: &CSV{}}, "")
	got := cutForm(t, f, []byte(text), 1<<20)
	if len(got) != 2002 || got[1] != `1,"stray` || got[2] != "2,3" {
		t.Errorf("%d records, %.60q", len(got), got[1])
	}
	f = newForm(Input{CSV: &CSV{}}, "") // and at the file's end, when nothing more comes
	f.flush = true
	sizes := 0
	for data := []byte("a,b\n1,\"stray\n2,3\n"); sizes < len(data); {
		p := f.next(data[sizes:], int64(sizes), true)
		if p.size == 0 {
			t.Fatal("it waits for ever")
		}
		sizes += p.size
	}
}

func TestNewHeaderInAFile(t *testing.T) {
	f := newForm(Input{CSV: &CSV{Header: "^time,"}}, "")
	var headers []string
	data := []byte("made 2026\ntime,a\n1,2\ntime,a\n3,4\ntime,a,b\n5,6,7\n")
	for pos := 0; pos < len(data); {
		p := f.next(data[pos:], int64(pos), true)
		headers, pos = append(headers, p.header), pos+p.size
	}
	sameLines(t, []string{"", "time,a", "time,a", "time,a", "time,a", "time,a,b", "time,a,b"}, headers)
}

func TestCodingIsKnownByTheFilesBeginning(t *testing.T) {
	log := "2026-11-22 09:15:02 ファイル作成 C:\\資料.xlsx\r\n"
	for _, x := range []struct {
		head    []byte
		charset string
		want    string
		mark    int
		sure    bool
	}{
		{[]byte(log), "", "", 0, true},
		{append([]byte{0xff, 0xfe}, wide(log, false)...), "", "utf-16le", 2, true},
		{append([]byte{0xfe, 0xff}, wide(log, true)...), "", "utf-16be", 2, true},
		{append([]byte{0xff, 0xfe}, wide(log, false)...), "utf-16", "utf-16le", 2, true},
		{wide(log, false), "", "utf-16le", 0, true},
		{wide(log, true), "auto", "utf-16be", 0, true},
		{wide(log, true), "utf-16", "utf-16be", 0, true},
		{wide(log, true), "cp932", "", 0, true},
		{wide("日本語日本語日本語日本語", false), "", "", 0, true}, // nothing says so
		{wide("日本語日本語日本語日本語", false), "utf-16", "utf-16le", 0, true},
		{[]byte("a\x00\n"), "", "", 0, false},
		{[]byte("\xff"), "", "", 0, false},
		{[]byte("\xef\xbb"), "", "", 0, false},
		{[]byte("\xef\xbb\xbfa"), "", "", 3, true},
		{bytes.Repeat([]byte{0}, 64), "", "", 0, true}, // a hole
		{[]byte("\n"), "", "", 0, true},
		{[]byte("line with\x00NUL in the middle\n"), "", "", 0, true},
	} {
		c, sure := codingOf(x.head, x.charset)
		if sure != x.sure || sure && (c.charset != x.want || c.mark != x.mark || (c.wide != nil) != (x.want != "")) {
			t.Errorf("%.20q %s: %+v %v", x.head, x.charset, c, sure)
		}
	}
}

// TestRecordsCoverTheFile is what positions stand on: whatever the bytes, the
// form and the pieces in which they come, records follow one another, and the
// text of all of them is the file's but for line ends.
func TestRecordsCoverTheFile(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := Input{}
		switch rapid.IntRange(0, 2).Draw(rt, "kind") {
		case 1:
			in.Multiline = &Multiline{Begin: "^a", MaxLines: rapid.IntRange(1, 5).Draw(rt, "lines"), MaxBytes: 1 << 10}
		case 2:
			in.CSV = &CSV{Preamble: rapid.IntRange(0, 2).Draw(rt, "preamble")}
		}
		charset := rapid.SampledFrom([]string{"", "utf-16le", "utf-16be"}).Draw(rt, "charset")
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab,\" \n\n\r表ソ"))).Draw(rt, "text")
		data := []byte(text)
		if charset != "" {
			data = wide(text, charset == "utf-16be")
		}
		strip := func(s string) string {
			return strings.NewReplacer("\n", "", "\r", "", "\x00", "").Replace(s)
		}
		whole := cutForm(t, newForm(in, charset), data, len(data)+1)
		if got := strip(strings.Join(whole, "")); got != strip(string(data)) {
			rt.Fatalf("%q of %q", got, text)
		}
		step := rapid.IntRange(1, 9).Draw(rt, "step")
		sameLines(t, whole, cutForm(t, newForm(in, charset), data, step))
	})
}

func FuzzForms(f *testing.F) {
	f.Add([]byte("a,b\n1,\"x\ny\"\n"), uint8(0), uint8(3))
	f.Add([]byte("a\n b\na\n"), uint8(1), uint8(1))
	f.Add(wide("a\nb\r\n表\n", false), uint8(2), uint8(5))
	f.Add(wide("a\nb\r\n\u0a00\u0a0a\n", true), uint8(3), uint8(2))
	f.Add([]byte("\"\"\"\n\"a\n"), uint8(4), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, kind, step uint8) {
		in, charset := Input{}, ""
		switch kind % 6 {
		case 0:
			in.CSV = &CSV{}
		case 1:
			in.Multiline = &Multiline{Begin: "^a", MaxBytes: 1 << 10}
		case 2:
			charset = "utf-16le"
		case 3:
			charset = "utf-16be"
		case 4:
			in.CSV, charset = &CSV{Header: "a"}, "utf-16le"
		case 5:
			in.Multiline, charset = &Multiline{Continue: `^\s`}, "utf-16be"
		}
		cutForm(t, newForm(in, charset), data, int(step)+1)
	})
}

// BenchmarkForms cuts a megabyte of firewall lines in each form.
func BenchmarkForms(b *testing.B) {
	var text strings.Builder
	for i := 0; text.Len() < 1<<20; i++ {
		text.WriteString(strings.Repeat(`value,"quoted field",`, 20) + "end\n")
	}
	lines := strings.Count(text.String(), "\n")
	for name, in := range map[string]Input{"lines": {}, "multiline": {Multiline: &Multiline{Begin: `^value`}}, "csv": {CSV: &CSV{}}} {
		for _, charset := range []string{"", "utf-16le"} {
			data := []byte(text.String())
			if charset != "" {
				data = wide(text.String(), false)
			}
			b.Run(name+charset, func(b *testing.B) {
				for b.Loop() {
					f := newForm(in, charset)
					f.final = true
					for pos := 0; pos < len(data); {
						pos += f.next(data[pos:], int64(pos), true).size
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/line")
			})
		}
	}
}
