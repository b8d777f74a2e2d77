package format

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"mimamori/event"
)

const shapesFormat = `name: NAME
module: acme
dataset: acme.NAME
recognise:
  - RECOGNISE
cut: NAME
MORE
set: {event.category: [host]}
fields:
  KEY: user.name
tests:
  - {name: one, line: x, expect: {user.name: x}}
`

// shaped is what differs between formats of one shape and another.
type shaped struct{ shape, recognise, key, more string }

// parseShape reads a line with a format of one shape and returns a field getter.
func parseShape(t *testing.T, c shaped, in Input) func(string) string {
	t.Helper()
	text := strings.NewReplacer("NAME", c.shape, "RECOGNISE", c.recognise, "KEY", c.key, "MORE", c.more).Replace(shapesFormat)
	s, err := loadText(text)
	if err != nil {
		t.Fatal(err)
	}
	x := &event.Builder{}
	if in.Received.IsZero() {
		in.Received = time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	}
	if res := s.Parser(Options{}).Parse(in, x); res.Format != c.shape {
		t.Fatalf("%q: taken by %q: %s", in.Line, res.Format, res.Reason)
	}
	return func(name string) string {
		f, ok := event.Lookup(name)
		if !ok {
			return "(no field " + name + ")"
		}
		v, ok := x.Get(f)
		if !ok {
			return ""
		}
		return v.Text()
	}
}

func check(t *testing.T, get func(string) string, want map[string]string) {
	t.Helper()
	for name, v := range want {
		if got := get(name); got != v {
			t.Errorf("%s is %q, want %q", name, got, v)
		}
	}
}

func TestXMLIsCutIntoPaths(t *testing.T) {
	line := `<?xml version="1.0"?><Event xmlns='urn:x'><System><Provider Name='P &amp; Q' Guid="{1}"/><EventID Qualifiers='0'>4624</EventID><Empty/></System>` +
		`<EventData><Data Name='TargetUserName'>佐藤 &lt;a&gt; &#x41;</Data><Data>first</Data><Data>second</Data><!-- <x> --><Data Name="Cd"><![CDATA[a<b&amp;]]></Data></EventData></Event>`
	get := parseShape(t, shaped{"xml", "keys: [System.EventID]", "EventData.TargetUserName", ""}, Input{Line: line})
	check(t, get, map[string]string{
		"user.name": "佐藤 <a> A", "acme.xml.System.Provider.Name": "P & Q", "acme.xml.System.Provider.Guid": "{1}", "acme.xml.System.EventID": "4624",
		"acme.xml.System.EventID.Qualifiers": "0", "acme.xml.EventData.param1": "first", "acme.xml.EventData.param2": "second", "acme.xml.EventData.Cd": "a<b&amp;",
	})
}

func TestXMLWithADoctypeIsRefusedNotExpanded(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	for _, line := range []string{
		`<!DOCTYPE lolz [<!ENTITY lol "lol">]><a>&lol;</a>`, `<a><b>`, `<a`, `<a b="`, `<`, `<a></a`, `<a><!DOCTYPE x></a>`,
	} {
		p.resetTokens()
		if p.cutXML(line) == "" {
			t.Errorf("%q was taken as whole", line)
		}
	}
}

func TestLEEFSeparators(t *testing.T) {
	for _, line := range []string{
		"LEEF:1.0|A|P|1|id|src=10.0.0.1\tusrName=sato hanako\tmsg=a=b",
		"LEEF:2.0|A|P|1|id|^|src=10.0.0.1^usrName=sato hanako^msg=a=b",
		"LEEF:2.0|A|P|1|id|0x7C|src=10.0.0.1|usrName=sato hanako|msg=a=b",
		"LEEF:1.0|A|P|1|id|src=10.0.0.1|usrName=sato hanako|msg=a=b",
		"LEEF:1.0|A|P|1|id|src=10.0.0.1 usrName=sato hanako msg=a=b",
	} {
		check(t, parseShape(t, shaped{"leef", `starts: ["LEEF:"]`, "usrName", ""}, Input{Line: line}), map[string]string{
			"user.name": "sato hanako", "acme.leef.src": "10.0.0.1", "acme.leef.Vendor": "A", "acme.leef.EventID": "id", "acme.leef.msg": "a=b",
		})
	}
}

func TestLTSVIsCut(t *testing.T) {
	check(t, parseShape(t, shaped{"ltsv", "keys: [host, user]", "user", ""}, Input{Line: "time:10:00\thost:10.0.0.1\tuser:佐藤\treq:GET / HTTP/1.1"}), map[string]string{
		"user.name": "佐藤", "acme.ltsv.time": "10:00", "acme.ltsv.req": "GET / HTTP/1.1",
	})
}

func TestRowsAreNamedByTheirHeader(t *testing.T) {
	for header, line := range map[string]string{
		"日時,\"ユーザー \"\"名\"\"\",操作":          `2026/11/22 10:00,"佐藤, 花子",a`,
		"\ufeff日時\tユーザー \"名\"\t操作":          "2026/11/22 10:00\t佐藤, 花子\ta",
		"日時;\"ユーザー \"\"名\"\"\";操作":          `2026/11/22 10:00;佐藤, 花子;a`,
		"#fields\t日時\tユーザー \"名\"\t操作":       "2026/11/22 10:00\t佐藤, 花子\ta",
		"#Fields: 日時 \"ユーザー \"\"名\"\"\" 操作": `"2026/11/22 10:00" "佐藤, 花子" a`,
	} {
		get := parseShape(t, shaped{"rows", "keys: [日時, 操作]", `'ユーザー "名"'`, "time: [日時]"}, Input{Line: line, Header: header})
		check(t, get, map[string]string{"user.name": "佐藤, 花子", "acme.rows.操作": "a", "@timestamp": "2026-11-22T01:00:00Z"})
	}
	get := parseShape(t, shaped{"rows", "header: true", "b", "generic: true"}, Input{Line: "1,2,3", Header: "a,b"})
	check(t, get, map[string]string{"user.name": "2", "acme.rows.a": "1"})
}

func TestValueInsideIsCutAgain(t *testing.T) {
	get := parseShape(t, shaped{"json", "keys: [message]", "who", "inside: {message: json, detail: {cut: kv, starts: a}}"}, Input{Line: `{"message":"{\"who\":\"sato\",\"n\":1}","detail":"a=1 b=\"x y\""}`})
	check(t, get, map[string]string{"user.name": "sato", "acme.json.n": "1", "acme.json.b": "x y"})
}

// FuzzXML: what encoding/xml takes for a document without a DOCTYPE, the cutter
// reads to its end.
func FuzzXML(f *testing.F) {
	f.Add(`<a x="1"><b>c</b><Data Name="d">&#65;</Data></a>`)
	f.Add(`<?xml version="1.0"?><Event xmlns="u"><System><EventID>1</EventID></System></Event>`)
	f.Add(`<a><![CDATA[x]]></a>`)
	set, err := Builtin()
	if err != nil {
		f.Fatal(err)
	}
	p := set.Parser(Options{})
	f.Fuzz(func(t *testing.T, line string) {
		p.resetTokens()
		broken := p.cutXML(line)
		for i := range p.tokens {
			p.text(&p.tokens[i], &binding{})
		}
		if broken == "" || strings.Contains(line, "<!") || strings.Contains(line, "<?") || strings.Count(line, "<") > maxDepth {
			return
		}
		d := xml.NewDecoder(strings.NewReader(strings.TrimSpace(line)))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return
			}
		}
		if strings.HasPrefix(strings.TrimSpace(line), "<") {
			t.Errorf("%q: %s", line, broken)
		}
	})
}

// FuzzRows: rows written as RFC 4180 wants them come back.
func FuzzRows(f *testing.F) {
	f.Add("a,b", `1,"x ""y"", z"`)
	f.Add("#fields\ta\tb", "1\t2")
	set, err := Builtin()
	if err != nil {
		f.Fatal(err)
	}
	p := set.Parser(Options{})
	f.Fuzz(func(t *testing.T, header, line string) {
		p.resetTokens()
		p.header = header
		if header != "" {
			p.cutRows(header, line)
		}
		for i := range p.tokens {
			p.text(&p.tokens[i], &binding{})
		}
		quoted := `"` + strings.ReplaceAll(header, `"`, `""`) + `","` + strings.ReplaceAll(line, `"`, `""`) + `"`
		var got []string
		for v := (values{s: quoted, sep: ',', rows: true}); ; {
			s, k, ok := v.next()
			if !ok {
				break
			}
			if k == doubled {
				s = strings.ReplaceAll(s, `""`, `"`)
			}
			got = append(got, s)
		}
		if len(got) != 2 || got[0] != header || got[1] != line {
			t.Errorf("%q came back as %q", quoted, got)
		}
	})
}

func TestAnExpressionNeedsWhatIsInEveryMatch(t *testing.T) {
	for text, want := range map[string]string{
		`^(?P<a>\d+) from (?P<b>\S+)$`: " from ", `(?i)from`: "", `a|b`: "", `(?:abc)?de`: "de", `(?:abc)+`: "abc", `(?:abc){2,}`: "abc", `(abc)*`: "", `\Aab.cde\b`: "cde", ``: "", `[x]`: "x", `庁.`: "庁",
	} {
		if got := needed(text); got != want {
			t.Errorf("%q needs %q, want %q", text, got, want)
		}
	}
}
