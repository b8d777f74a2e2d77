package format

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mimamori/event"
)

// cutPairs cuts a text by a shape and tells its tokens as path=value.
func cutPairs(p *Parser, sh shape, text string) string {
	p.resetTokens()
	p.cutShape(sh, text)
	var out []string
	for i := range p.tokens {
		out = append(out, p.tokens[i].key.path+"="+p.text(&p.tokens[i], &binding{}))
	}
	return strings.Join(out, "|")
}

func TestLabelsAndTheirHeadings(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	for _, c := range [][2]string{
		{"An account failed.\r\n\r\nSubject:\r\n\tSecurity ID:\t\tS-1\r\n\tAccount Name:\t\t-\r\nLogon Type:\t\t3\r\n", "labels.Subject.Security ID=S-1|labels.Subject.Account Name=-|labels.Logon Type=3"},
		{"サブジェクト:\n\tアカウント名:\t佐藤\n", "labels.サブジェクト.アカウント名=佐藤"},
		{"Image: C:\\a b\\c.exe\nUser: T\\s\n", "labels.Image=C:\\a b\\c.exe|labels.User=T\\s"},
		{"\tHostApplication=powershell -c \"x: y\"\n\tEngineVersion=5.1\n", `labels.HostApplication=powershell -c "x: y"|labels.EngineVersion=5.1`},
		{"        Host Application = a.exe\n", "labels.Host Application=a.exe"},
		{"Failed.    Subject:   Security ID:  S-1   Account Name:  a b    Network Information:   Workstation Name: PC   Source Port:  5", "labels.Subject.Security ID=S-1|labels.Subject.Account Name=a b|labels.Network Information.Workstation Name=PC|labels.Network Information.Source Port=5"},
		{"no labels here", ""},
		{"", ""},
	} {
		if got := cutPairs(p, shapeLabels, c[0]); got != c[1] {
			t.Errorf("%q:\n%s, want\n%s", c[0], got, c[1])
		}
	}
}

func TestRecordsBearTheirType(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	for _, c := range [][2]string{
		{"type=PATH msg=audit(1.5:7): item=0 name=\"/a b\"\ntype=CWD msg=audit(1.5:7): cwd=\"/\"", `time=1.5|serial=7|PATH.type=PATH|PATH.item=0|PATH.name=/a b|time=1.5|serial=7|CWD.type=CWD|CWD.cwd=/`},
		{`node=h type=USER_LOGIN msg=audit(1.5:7): uid=0 msg='op=login acct="a" res=failed'`, `node=h|USER_LOGIN.type=USER_LOGIN|time=1.5|serial=7|USER_LOGIN.uid=0|USER_LOGIN.op=login|USER_LOGIN.acct=a|USER_LOGIN.res=failed`},
		{"type=1400 audit(1.5:2): apparmor=\"DENIED\"", "1400.type=1400|time=1.5|serial=2|1400.apparmor=DENIED"},
		{"type=SYSCALL msg=audit(1.5:7): key=\"x\"\x1dSYSCALL=open UID=\"root\"", "SYSCALL.type=SYSCALL|time=1.5|serial=7|SYSCALL.key=x|SYSCALL.SYSCALL=open|SYSCALL.UID=root"},
	} {
		got := strings.Split(cutPairs(p, shapeRecords, c[0]), "|")
		want := strings.Split(c[1], "|")
		if len(got) != len(want) {
			t.Errorf("%q:\n%q, want\n%q", c[0], got, want)
			continue
		}
		for _, w := range want {
			if !strings.Contains("|"+strings.Join(got, "|")+"|", "|"+w+"|") {
				t.Errorf("%q: %q is missing in %q", c[0], w, got)
			}
		}
	}
}

func TestTransformsOfTexts(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	for _, c := range [][3]string{
		{"short", "pc1.town.example.jp", "pc1"},
		{"short", "10.0.0.1", "10.0.0.1"},
		{"short", "2001:db8::1.2.3.4", "2001:db8::1.2.3.4"},
		{"short", "pc1", "pc1"},
		{"program", `"C:\a b\c.exe" /x`, `C:\a b\c.exe`},
		{"program", `C:\a b\c.EXE was run`, `C:\a b\c.EXE`},
		{"program", "/bin/sh -c x", "/bin/sh"},
		{"program", "", ""},
		{"hex", "636174002D6E", "cat -n"},
		{"hex", "CAFE", "CAFE"},
		{"hex", "E5BA81", "庁"},
		{"hex", "abc", "abc"},
		{"sockaddr", "020001BBCB007109", "203.0.113.9:443"},
		{"sockaddr", "0100", ""},
		{"sockaddr", "0A0001BB0000000020010DB8000000000000000000000001", "[2001:db8::1]:443"},
		{"sockaddr", "xx", ""},
		{"bytes", "72, 105", "Hi"},
		{"bytes", "Hi", "Hi"},
		{"bytes", "300", "300"},
		{"utc", "2026-11-01 00:00:00", "2026-11-01 00:00:00Z"},
	} {
		if got := textTransforms[c[0]](p, c[1]); got != c[2] {
			t.Errorf("%s of %q is %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

const baseFormat = `name: first
module: first
dataset: first.log
recognise: [{starts: ["A "]}]
cut: {columns: {separator: blank, names: [-, src, app, text]}}
tables: {verdict: {drop: denied, "*": ""}}
set: {event.category: [network]}
fields: {src: source.ip, app: first.app}
then: [{when: has(source.ip), set: {event.action: base}}]
tests: [{line: "A 10.0.0.1 x y", expect: {source.ip: 10.0.0.1}}]
`

// A format that builds on another has its parts, and its own before them.
func TestAFormatBuildsOnAnother(t *testing.T) {
	s, err := Load(fstest.MapFS{"a.yaml": {Data: []byte(baseFormat)}, "b.yaml": {Data: []byte(`name: second
extends: first
module: second
dataset: second.log
recognise: [{starts: ["B "]}]
cut: {columns: {separator: blank, names: [-, src, app, act]}}
fields: {act: {to: event.type, table: verdict}, app: second.app}
then: [{when: event.action == "base", set: {event.outcome: success}}]
tests: [{line: "B 10.0.0.1 x drop", expect: {source.ip: 10.0.0.1, second.app: x, event.type: denied, event.action: base, event.outcome: success, event.category: network}}]
`)}})
	if err != nil {
		t.Fatal(err)
	}
	if failures := Test(s); len(failures) != 0 {
		t.Error(failures)
	}
	if _, err := loadText(strings.Replace(smallFormat, "cut: kv", "cut: kv\nextends: nobody", 1)); err == nil || !strings.Contains(err.Error(), `no format named "nobody"`) {
		t.Errorf("a base that is not there: %v", err)
	}
}

// Text handed on is read as the line that it is; what nobody takes stays.
func TestTextIsHandedToItsFormat(t *testing.T) {
	s, err := Load(fstest.MapFS{"a.yaml": {Data: []byte(baseFormat)}, "b.yaml": {Data: []byte(`name: carrier
module: carrier
dataset: carrier.log
recognise: [{keys: [carried, by]}]
cut: json
unwrap: {text: carried?, app: by, pid: pid}
fields: {by: log.syslog.appname, host: host.name}
time: [at]
tests: [{line: '{"carried":"x","by":"y"}', expect: {log.syslog.appname: y}}]
`)}})
	if err != nil {
		t.Fatal(err)
	}
	p := s.Parser(Options{})
	received := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	x := &event.Builder{}
	res := p.Parse(Input{Line: `{"carried":"A 10.0.0.7 x y","by":"app","pid":"7","host":"srv1","at":"2026-11-01T00:00:00Z"}`, Received: received}, x)
	if out := jsonOf(x); res.Format != "first" || res.Reason != "" || !strings.Contains(out, `"ip":"10.0.0.7"`) || !strings.Contains(out, `"dataset":"first.log"`) || !strings.Contains(out, `"name":"srv1"`) || !strings.Contains(out, "2026-11-01T00:00:00") || !strings.Contains(out, `"procid":"7"`) {
		t.Errorf("%+v %s", res, out)
	}
	x.Reset()
	res = p.Parse(Input{Line: `{"carried":"nobody's","by":"app"}`, Received: received}, x)
	if out := jsonOf(x); res.Reason != "" || !strings.Contains(out, `"dataset":"carrier.log"`) {
		t.Errorf("%+v %s", res, out)
	}
}

// FuzzLabels: values are parts of the text.
func FuzzLabels(f *testing.F) {
	f.Add("Subject:\r\n\tAccount Name:\t\tsato\r\nLogon Type: 3")
	f.Add("x.   Subject:   Account Name:  a   b: c")
	p := seed(f).Parser(Options{})
	f.Fuzz(func(t *testing.T, line string) {
		p.resetTokens()
		p.cutLabels(line)
		inside(t, p, line)
	})
}

// FuzzRecords: values are parts of the text.
func FuzzRecords(f *testing.F) {
	f.Add("type=PATH msg=audit(1.5:7): name=\"a\" msg='x=y'\ntype=CWD cwd=/")
	p := seed(f).Parser(Options{})
	f.Fuzz(func(t *testing.T, line string) {
		p.resetTokens()
		p.cutRecords(line)
		inside(t, p, line)
	})
}
