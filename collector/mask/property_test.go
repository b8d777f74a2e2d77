package mask

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"mimamori/internal/charset"
)

func TestCheckDigitsFollowTheOrdinances(t *testing.T) {
	// Worked by hand: 12345678901: 1·2+0·3+9·4+8·5+7·6+6·7+5·2+4·3+3·4+2·5+1·6 =
	// 212, 212 mod 11 = 3, 11 − 3 = 8.
	// With one digit only: 1 at P1 is 1·2, 11 − 2 = 9; 6 at P2 is 6·3 = 18, mod 11
	// 7, 11 − 7 = 4; 5 at P6 is 5·7 = 35, mod 11 2, 9; 1 at P7 is 1·2, 9; remainders
	// 0 and 1 give 0: 4 at P2 is 12, mod 11 1.
	for number, want := range map[string]bool{
		"123456789018": true, "123456789012": false, "000000000019": true, "000000000604": true, "000000000602": false,
		"000005000009": true, "000010000009": true, "000000000400": true, "000000000401": false,
	} {
		if got := personal([]byte(number)); got != want {
			t.Errorf("%s: %v", number, got)
		}
	}
	// The National Tax Agency's own number, as it publishes it.
	for number, want := range map[string]bool{"7000012050002": true, "8000012050002": false} {
		if got := corporate([]byte(number)); got != want {
			t.Errorf("%s: %v", number, got)
		}
	}
}

func TestWhatSomethingElseExplainsIsLeftAlone(t *testing.T) {
	m := masker(t, Options{MyNumber: true, IDs: []string{"asset_no"}})
	const n = "123456789018" // passes the check
	for _, line := range []string{
		"eventtime=1123456789018456789", "x=5" + n, "x=" + n + "5", "hash=ab" + n + "cd", "0x" + n, "1." + n, n + ".25",
		"{5f3b2c1a-1f5d-6740-e703-" + n + "}", "12345678-1234-5678-9018-0242ac120002", "card 1234-5678-9018-1111", "1234 5678 9018 3515",
		"sessionid=" + n, `"serialNumber":"` + n + `"`, `<Data Name="Bytes">` + n + `</Data>`, "DeviceMac=" + n, "asset_no=" + n,
		"tel:+" + "819012345672", "arn:aws:ecs:ap-northeast-1:" + n + ":task/x", n + ".dkr.ecr.ap-northeast-1.amazonaws.com",
		"1,2024/01/03 13:15:29," + n + ",TRAFFIC,end", "123456789012", "1234-5678-9012", "id=137438953472", "no=" + "202611221003", "10.1.2.3 2026-11-22 10:00:00",
		"exit=5 a0=3 a1=" + n + " a2=80441 a3=180 items=1", "a2=0 a3=" + n + " items=0",
	} {
		if got, found := m.Line(line, "", false); got != line {
			t.Errorf("%q became %q: %+v", line, got, found)
		}
	}
	for _, line := range []string{"q a1=" + n + " a3=1", "a3=" + n + " a4=1", " a9=" + n + " items=1"} {
		if got, _ := m.Line(line, "", false); got == line {
			t.Errorf("%q is no argument of a system call", line)
		}
	}
}

func TestEqualNumbersGetEqualPseudonyms(t *testing.T) {
	m := masker(t, Options{MyNumber: true, Corporate: true})
	want := m.pseudonym(MyNumber, "123456789018")
	for form, write := range forms {
		if got, _ := m.Line("個人番号="+write("123456789018")+";", "", false); got != "個人番号="+want+";" {
			t.Errorf("%s: %q", form, got)
		}
	}
	other, err := New(Options{Key: bytes.Repeat([]byte{1}, KeySize), MyNumber: true, Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := other.Line("123456789018", "", false); got == want {
		t.Error("another key gives the same pseudonym")
	}
	if got, _ := m.Line("登録番号 T7000012050002", "", false); !strings.HasPrefix(got, "登録番号 T*corporate-") {
		t.Error(got)
	}
}

func TestALineStaysParseable(t *testing.T) {
	m := masker(t, Options{MyNumber: true})
	mask := func(s string) string {
		got, found := m.Line(s, "", false)
		if len(found) == 0 {
			t.Errorf("%s: nothing was found", s)
		}
		return got
	}
	for _, s := range []string{`{"a":123456789018}`, `{"a": 123456789018 , "b":[1]}`, `{"a":"123456789018"}`, `{"m":"{\"a\":123456789018}"}`, `{"a":"１２３４５６７８９０１８"}`, `{"a":"\uff11234-5678-9018"}`} {
		var v map[string]any
		if err := json.Unmarshal([]byte(mask(s)), &v); err != nil {
			t.Errorf("%s: %v", mask(s), err)
		}
		if inner, ok := v["m"].(string); ok && json.Unmarshal([]byte(inner), &v) != nil {
			t.Errorf("%s: the JSON inside is broken", inner)
		}
	}
	if rec, err := csv.NewReader(strings.NewReader(mask(`a,"123456789018",b,1234-5678-9018`))).Read(); err != nil || len(rec) != 4 {
		t.Errorf("%q %v", rec, err)
	}
	u, err := url.Parse(mask("http://h/p/123456789018/x?q=%EF%BC%91234+5678+9018&z=1"))
	if err != nil || u.Query().Get("z") != "1" {
		t.Errorf("%v %v", u, err)
	}
	if got := mask("a=123456789018 b=2"); len(strings.Fields(got)) != 2 || strings.Count(got, "=") != 2 {
		t.Error(got)
	}
}

func TestTheTownsOwnPatterns(t *testing.T) {
	m := masker(t, Options{Patterns: []Pattern{{"staff", `職員(?:番号)?=([A-Z]?\d+)`}, {"mail", `[a-z]+@town\.example`}}})
	text := "職員番号=S4711 from=sato@town.example"
	line, ok := encode(charset.CP932, text)
	if !ok {
		t.Fatal("not in CP932")
	}
	got, found := m.Line(line, charset.CP932, false)
	want := "職員番号=" + m.pseudonym("staff", "S4711") + " from=" + m.pseudonym("mail", "sato@town.example")
	if charset.Decode(charset.CP932, got) != want || len(found) != 2 {
		t.Errorf("%q %+v", charset.Decode(charset.CP932, got), found)
	}
	for _, bad := range []Pattern{{"x", "a*"}, {"x", "("}, {"X", "a"}, {MyNumber, "a"}, {"x", strings.Repeat("a", 2000)}} {
		if err := Check([]Pattern{bad}); err == nil {
			t.Errorf("%.20v was taken", bad)
		}
	}
}

func TestTheBeginningOfANumberAtACutIsMasked(t *testing.T) {
	m := masker(t, Options{MyNumber: true})
	for _, tail := range []string{"12345678", "1234-5678-9", "１２３４５"} {
		if got, found := m.Line("xxx 個人番号="+tail, "", true); strings.Contains(got, tail) || len(found) != 1 {
			t.Errorf("%q: %q", tail, got)
		}
		if got, _ := m.Line("xxx "+tail, "", false); got != "xxx "+tail {
			t.Errorf("%q is not cut: %q", tail, got)
		}
	}
}

func TestTheKeyIsMadeOnceAndReadByItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "mask.key")
	a, err := LoadOrMakeKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := LoadOrMakeKey(path); err != nil || !bytes.Equal(a, b) || len(a) != KeySize {
		t.Errorf("%x %x %v", a, b, err)
	}
	if fi, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && fi.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", fi.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrMakeKey(path); err == nil {
		t.Error("a broken key was taken, or overwritten")
	}
}

// holds fails unless masking keeps its promises for a line.
func holds(t interface{ Errorf(string, ...any) }, m *Masker, line, name string, cut bool) {
	got, found := m.Line(line, name, cut)
	if len(found) == 0 && got != line {
		t.Errorf("%q (%s) changed without a finding: %q", line, name, got)
	}
	end, rest := 0, got
	for i, f := range found {
		if f.Start < end || f.End <= f.Start || f.End > len(line) {
			t.Errorf("%q (%s): %+v behind %d", line, name, f, end)
			return
		}
		at := strings.Index(rest, line[end:f.Start])
		if at < 0 || i == 0 && at > 0 {
			t.Errorf("%q (%s): bytes beside %+v changed: %q", line, name, f, got)
			return
		}
		end, rest = f.End, rest[at+f.Start-end:]
	}
	if !strings.HasSuffix(rest, line[end:]) {
		t.Errorf("%q (%s): the end changed: %q", line, name, got)
	}
	// A second collector on the way may see other neighbours, but no pseudonym is masked again.
	again, _ := m.Line(got, name, false)
	for _, f := range found {
		if token := m.pseudonym(f.Kind, f.value); !strings.Contains(charset.Decode(name, again), token) && !cut {
			t.Errorf("%q (%s): %s was masked again: %q, %q", line, name, token, got, again)
		}
	}
	if name == "" && utf8.ValidString(line) && !utf8.ValidString(got) {
		t.Errorf("%q is no UTF-8 any more: %q", line, got)
	}
	m.Explain(line, name, cut)
}

func TestMaskingChangesNothingElseAndNoPseudonym(t *testing.T) {
	m := masker(t, Options{MyNumber: true, Corporate: true})
	names := append(charset.Names(), "")
	list := make([]string, 0, len(forms))
	for form := range forms {
		list = append(list, form)
	}
	rapid.Check(t, func(rt *rapid.T) {
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		var text strings.Builder
		for range rapid.IntRange(0, 6).Draw(rt, "parts") {
			switch rapid.IntRange(0, 3).Draw(rt, "part") {
			case 0:
				text.WriteString(forms[list[rnd.IntN(len(list))]](plant(rnd)))
			case 1:
				text.WriteString(rapid.StringN(0, 8, -1).Draw(rt, "text"))
			default:
				text.WriteString(rapid.SampledFrom([]string{" ", ",", "=", `":`, "}", "-", "%", `\u`, "個人番号", "０", "7", "\x1B$B", "\x82", "\xA3"}).Draw(rt, "sign"))
			}
		}
		name := rapid.SampledFrom(names).Draw(rt, "charset")
		line, ok := encode(name, text.String())
		if !ok {
			line = text.String()
		}
		holds(rt, m, line, name, rapid.Bool().Draw(rt, "cut"))
	})
}

func TestAPseudonymIsNoHintForTheNextNumber(t *testing.T) {
	m := masker(t, Options{MyNumber: true})
	line := "no=1234-5678-9018 sessionid=123456789018"
	once, _ := m.Line(line, "", false)
	if twice, _ := m.Line(once, "", false); once != twice || !strings.HasSuffix(once, "sessionid=123456789018") {
		t.Errorf("%q, then %q", once, twice)
	}
}

func FuzzMask(f *testing.F) {
	m := masker(f, Options{MyNumber: true, Corporate: true, Patterns: []Pattern{{"x", `x(\d+)`}}})
	for _, write := range forms {
		f.Add("個人番号="+write("123456789018"), uint8(0), false)
	}
	f.Add("\x1B$B#1#2#3#4#5#6#7#8#9#0#1#8", uint8(3), false)
	f.Add("%%20%u\\u\xEF\xBC123456789018~", uint8(1), true)
	names := append(charset.Names(), "")
	f.Fuzz(func(t *testing.T, line string, n uint8, cut bool) {
		holds(t, m, line, names[int(n)%len(names)], cut)
	})
}
