package mask

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/japanese"

	"mimamori/internal/charset"
	"mimamori/internal/sample"
	"mimamori/internal/testkit"
)

var testNow = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func masker(t testing.TB, o Options) *Masker {
	t.Helper()
	o.Key, o.Now = []byte("0123456789abcdef0123456789abcdef"), testNow
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// plant makes a random My Number.
func plant(rnd *rand.Rand) string {
	d := make([]byte, 12)
	for i := range 11 {
		d[i] = '0' + byte(rnd.IntN(10))
	}
	for c := byte('0'); ; c++ {
		if d[11] = c; personal(d) {
			return string(d)
		}
	}
}

func wide(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7F {
			return r + 0xFEE0
		}
		if r == ' ' {
			return '　'
		}
		return r
	}, s)
}

// forms writes a number in one of the ways that people and programs do.
var forms = map[string]func(n string) string{
	"bare":         func(n string) string { return n },
	"hyphens":      func(n string) string { return grouped(n, "-") },
	"spaces":       func(n string) string { return grouped(n, " ") },
	"nbsp":         func(n string) string { return grouped(n, "\u00a0") },
	"wide":         wide,
	"wide-hyphens": func(n string) string { return wide(grouped(n, "-")) },
	"wide-minus":   func(n string) string { return grouped(wide(n), "−") },
	"wide-long":    func(n string) string { return grouped(wide(n), "ー") },
	"wide-spaces":  func(n string) string { return wide(grouped(n, " ")) },
	"half-wide":    func(n string) string { return grouped(n, "－") },
	"half-space":   func(n string) string { return grouped(n, "　") },
	"hyphen-u2010": func(n string) string { return grouped(n, "\u2010") },
	"mixed":        func(n string) string { return wide(n[:4]) + n[4:8] + wide(n[8:]) },
	"url":          func(n string) string { return url.QueryEscape(wide(n)) },
	"url-low":      func(n string) string { return strings.ToLower(url.QueryEscape(wide(grouped(n, "-")))) },
	"url-space":    func(n string) string { return grouped(n, "%20") },
	"url-plus":     func(n string) string { return grouped(n, "+") },
	"url-digits":   percentAll,
	"url-wide-gap": func(n string) string { return grouped(n, "%E3%80%80") },
	"url-cp932":    func(n string) string { return percentAll(must(japanese.ShiftJIS.NewEncoder().String(wide(n)))) },
	"url-cp932-b":  func(n string) string { return url.QueryEscape(must(japanese.ShiftJIS.NewEncoder().String(wide(n)))) },
	"url-euc":      func(n string) string { return url.QueryEscape(must(japanese.EUCJP.NewEncoder().String(wide(n)))) },
	"json":         func(n string) string { return escaped(wide(n)) },
	"json-hyphens": func(n string) string { return escaped(wide(grouped(n, "-"))) },
	"json-half":    escaped,
	"js-escape":    func(n string) string { return strings.ReplaceAll(escaped(wide(n)), `\u`, "%u") },
}

func must(s string, err error) string {
	if err != nil {
		panic(err)
	}
	return s
}

// grouped puts a separator behind each third of the characters.
func grouped(n, sep string) string {
	r := []rune(n)
	return string(r[:4]) + sep + string(r[4:8]) + sep + string(r[8:])
}

func percentAll(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return b.String()
}

// contexts are the places where a value stands in a line.
var contexts = []string{
	"mynumber=%s", "個人番号:%s", "マイナンバーは%sです", `{"id":7,"mynumber":"%s","ok":true}`, `{"value":"%s"}`,
	`{"name":"佐藤","no": "%s"}`, "2026/11/22 10:00:00,PC-01,%s,佐藤太郎", `"2026-11-22","%s","x"`, "%s", "a\t%s\tb",
	"GET http://intra/shinsei?kojin=%s&x=1 HTTP/1.1", "GET /q?no=%s HTTP/1.1", "http://intra/person/%s/edit",
	"ファイル C:\\temp\\scan_%s.pdf を印刷", "/share/税務/%s.xlsx", "C:\\Users\\sato\\%s\\a.txt", "file-%s.csv", "書類(%s)",
	"Nov 22 10:00:00 pc01 app[12]: user entered %s in the form", "msg=\"照会 %s 完了\" code=3", "検索:[%s]", "<No>%s</No>", "<Data Name=\"Value\">%s</Data>",
	"subject=%s さんの申請", "番号%sを受付", "q=abc+%s+def", "k=v;n=%s;", "INSERT INTO t VALUES ('%s', 5)", "宛名番号=12 個人=%s", "params%%3D%s%%26x", "a%%20%s", `{\"n\":\"%s\"}`, `x\n%s\r`,
	"|%s|", "No.%s", "No%s", "scan%s.pdf", "申請書User%s", "id:%s", "'%s'", "mynumber%s", "tel=0857-26-7111 %s", "2026-11-22T10:00:00+09:00 %s end", "row 12: %s",
}

func TestTenThousandPlantedNumbersAreAllFound(t *testing.T) {
	m := masker(t, Options{MyNumber: true})
	rnd := rand.New(rand.NewPCG(3, 4))
	planted, missed := 0, 0
	for planted < 10_000 {
		for form, write := range forms {
			for _, context := range contexts {
				n := plant(rnd)
				text := fmt.Sprintf(context, write(n))
				for _, name := range []string{"", charset.CP932, charset.EUCJP, charset.ISO2022JP, charset.UTF16LE, charset.UTF16BE} {
					line, ok := encode(name, text)
					if !ok {
						continue
					}
					planted++
					got, found := m.Line(line, name, false)
					back := charset.Decode(name, got)
					if len(found) != 1 || !strings.Contains(back, m.pseudonym(MyNumber, n)) {
						if missed++; missed < 40 {
							t.Errorf("%s in %q (%s): %q %+v", form, text, name, back, found)
						}
					}
				}
			}
		}
	}
	t.Logf("%d planted, %d missed", planted, missed)
}

// encode writes text in an encoding, "" for UTF-8.
func encode(name, text string) (string, bool) {
	var b strings.Builder
	switch name {
	case charset.CP932:
		s, err := japanese.ShiftJIS.NewEncoder().String(text)
		return s, err == nil
	case charset.EUCJP:
		s, err := japanese.EUCJP.NewEncoder().String(text)
		return s, err == nil
	case charset.ISO2022JP:
		s, err := japanese.ISO2022JP.NewEncoder().String(text)
		return s, err == nil
	case charset.UTF16LE, charset.UTF16BE:
		for _, r := range text {
			if name == charset.UTF16LE {
				b.WriteString(string([]byte{byte(r), byte(r >> 8)}))
			} else {
				b.WriteString(string([]byte{byte(r >> 8), byte(r)}))
			}
		}
		return b.String(), true
	}
	return text, true
}

func TestOrdinaryLogsAreHardlyEverMasked(t *testing.T) {
	m := masker(t, Options{MyNumber: true})
	lines, masked := 0, 0
	for _, name := range []string{
		"evtx/attack-hayabusa-sample.jsonl.gz", "evtx/benign-evtx-crate.jsonl.gz", "loghub/loghub-2k.jsonl.gz", "otrf/compound.jsonl.gz",
		"otrf/labels.jsonl.gz", "otrf/windows.jsonl.gz", "parsers/sekoia-intake.jsonl.gz", "parsers/wazuh-ruleset.jsonl.gz",
		"sigma-regression/events.jsonl.gz", "zeek/otrf-zeek.jsonl.gz",
	} {
		n, k := 0, 0
		for line := range testkit.Lines(t, name) {
			n++
			if _, found := m.Line(string(line), "", false); len(found) > 0 {
				k++
				for _, f := range found {
					t.Logf("%s: %.200q", name, line[max(0, f.Start-60):min(len(line), f.End+20)])
				}
			}
		}
		t.Logf("%-40s %7d lines, %d masked", name, n, k)
		lines, masked = lines+n, masked+k
	}
	t.Logf("%d lines, %d masked: 1 in %d", lines, masked, lines/max(1, masked))
	if masked*100_000 > lines {
		t.Errorf("%d of %d lines were masked, more than 1 in 100,000", masked, lines)
	}
}

func BenchmarkMask(b *testing.B) {
	m := masker(b, Options{MyNumber: true})
	maker := sample.New(sample.Towns(1)[0], 1, testNow)
	var lines []string
	size := 0
	for range 2000 {
		line, _ := maker.Append(nil)
		lines = append(lines, string(line))
		size += len(line)
	}
	b.SetBytes(int64(size / len(lines)))
	found := 0
	for i := 0; b.Loop(); i++ {
		_, f := m.Line(lines[i%len(lines)], "", false)
		found += len(f)
	}
	b.ReportMetric(float64(found)/float64(b.N), "found/line")
}
