package collector

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"mimamori/collector/mask"
	"mimamori/frame"
	"mimamori/internal/charset"
)

// encoders write the encodings that lines come in.
func encoders() map[string]encoding.Encoding {
	return map[string]encoding.Encoding{
		charset.UTF8: encoding.Nop, charset.CP932: japanese.ShiftJIS, charset.EUCJP: japanese.EUCJP, charset.ISO2022JP: japanese.ISO2022JP,
		charset.UTF16LE: unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), charset.UTF16BE: unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	}
}

var texts = []string{
	"ユーザー「佐藤」がファイルを削除しました C:\\表示\\～ソ.txt", "ﾃﾞｰﾀ ｴﾗｰ", "①㈱纊", "plain ASCII", "", "印刷", "接続に失敗", "a\tb\x01c",
}

func inEncoding(t *testing.T, e encoding.Encoding, text string) string {
	t.Helper()
	s, err := encoding.ReplaceUnsupported(e.NewEncoder()).String(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// throughFrame takes lines the way from prepare to Unpack.
func throughFrame(t *testing.T, p *reader, lines []string) []frame.Record {
	t.Helper()
	key := newKey(t).Private()
	w, err := frame.NewWriter(frame.Header{Collector: "c", Source: "s"}, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		r := frame.Record{Line: line}
		p.prepare(&r)
		w.Add(&r)
	}
	f, err := w.Seal()
	if err != nil {
		t.Fatal(err)
	}
	u, err := frame.NewUnpacker()
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	recs, err := u.Unpack(f, nil)
	if err != nil {
		t.Fatal(err)
	}
	return recs
}

func testReader(t *testing.T, in Input) *reader {
	t.Helper()
	m, err := newMasker(Mask{Key: filepath.Join(t.TempDir(), "mask.key")}, time.Unix(1795341600, 0))
	if err != nil {
		t.Fatal(err)
	}
	p := newReader(in, m)
	return &p
}

func TestEveryByteOfEveryEncodingComesBack(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for name, e := range encoders() {
		for _, setting := range []string{"", "auto", name} {
			var lines []string
			for range 300 {
				line := []byte(inEncoding(t, e, texts[rnd.IntN(len(texts))]))
				for range rnd.IntN(3) { // and bytes that fit nothing
					at := rnd.IntN(len(line) + 1)
					line = slices.Insert(line, at, byte(rnd.IntN(256)))
				}
				lines = append(lines, string(line))
			}
			recs := throughFrame(t, testReader(t, Input{Charset: setting}), lines)
			for i, r := range recs {
				if r.Line != lines[i] {
					t.Fatalf("%s: %x became %x", name, lines[i], r.Line)
				}
				if setting == name && r.Charset != "" && r.Charset != name {
					t.Errorf("%s: %x was sent as %s", name, lines[i], r.Charset)
				}
			}
		}
	}
}

func TestTheEncodingOfASourceIsNamed(t *testing.T) {
	for name, e := range encoders() {
		var lines []string
		for range 3 {
			for _, text := range texts {
				lines = append(lines, inEncoding(t, e, text))
			}
		}
		recs := throughFrame(t, testReader(t, Input{}), lines)
		for i, r := range recs {
			text := texts[i%len(texts)]
			want := strings.NewReplacer("～", "～").Replace(text)
			if got := charset.Decode(r.Charset, r.Line); i >= len(texts) && got != want && name != charset.ISO2022JP && !strings.Contains(text, "①") {
				t.Errorf("%s: %q was sent as %q and reads %q", name, text, r.Charset, got)
			}
		}
	}
}

func TestNoMyNumberReachesTheSpool(t *testing.T) {
	key := newKey(t)
	p := newPrefecture(t, key)
	in, path := fileIn(t, "*.log")
	cfg := config(t, in)
	cfg.Mask.Patterns = []mask.Pattern{{Name: "staff", Match: `職員番号=(\d+)`}}
	c := start(t, cfg, key, p.conn)
	sjis := func(s string) string { return inEncoding(t, japanese.ShiftJIS, s) }
	write(t, path, "mynumber=123456789018 ok\n"+sjis("個人番号：１２３４－５６７８－９０１８の照会に失敗")+"\n職員番号=4711 でログオン\nsession=9\n")
	c.shipped("files", 4)
	recs, _ := p.records("files")
	token, _, _ := strings.Cut(strings.TrimPrefix(recs[0].Line, "mynumber="), " ")
	sameLines(t, []string{"mynumber=" + token + " ok", sjis("個人番号：") + token + sjis("の照会に失敗")}, lines(recs)[:2])
	if !strings.HasPrefix(token, "*mynumber-") || !strings.HasPrefix(recs[2].Line, "職員番号=*staff-") || recs[3].Line != "session=9" {
		t.Errorf("%q", lines(recs))
	}
	if recs[0].Masked != 1 || recs[3].Masked != 0 || recs[1].Charset != charset.CP932 {
		t.Errorf("%+v", recs)
	}
	if got := c.Stats().Sources[0].Masked; got["mynumber"] != 2 || got["staff"] != 1 {
		t.Errorf("%v", got)
	}
}
