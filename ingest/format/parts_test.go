package format

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"mimamori/event"
)

const sharedPart = `
tables: {verbs: {コピー: copy, 削除: delete}}
alias: {user: [利用者, 名前], when: [日時]}
absent: ["-"]
set: {event.category: [file], observer.vendor: the part}
time: [when]
fields: {user: user.name, verb: {to: event.action, table: verbs}, path: file.path}
then:
  - when: event.action == "copy"
    set: {event.type: [creation], event.outcome: unknown}
`

const extendingFormat = `
name: mine
module: acme
dataset: acme.mine
extends: [shared]
recognise: [{keys: [利用者, verb]}]
cut: rows
alias: {person: [名前]}
set: {observer.vendor: mine}
fields: {path: {to: file.path, as: path}}
then:
  - when: event.action == "copy"
    set: {event.outcome: success}
tests:
  - {name: x, header: "利用者,verb", line: "a,b", expect: {user.name: a}}
`

func loadExtending(format, part string) (*Set, error) {
	return Load(fstest.MapFS{"mine.yaml": {Data: []byte(format)}}, fstest.MapFS{"parts/shared.yaml": {Data: []byte(part)}})
}

func TestAFormatExtendsAPartAndHasTheLastWord(t *testing.T) {
	s, err := loadExtending(extendingFormat, sharedPart)
	if err != nil {
		t.Fatal(err)
	}
	x := &event.Builder{}
	res := s.Parser(Options{}).Parse(Input{
		Header: "日時,利用者,名前,verb,path", Line: `2026/11/01 09:15:02,sato,-,コピー,C:\a\b.txt`, Received: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC),
	}, x)
	if res.Format != "mine" || res.Reason != "" {
		t.Fatalf("%+v", res)
	}
	for name, want := range map[string]string{
		"@timestamp": "2026-11-01T00:15:02Z", "user.name": "sato", "event.action": "copy", "file.name": "b.txt", "observer.vendor": "mine",
		"event.outcome": "success", "acme.mine.person": "-",
	} {
		v, _ := x.Get(event.MustLookup(name))
		if v.Text() != want && !(v.Kind() == event.Date && time.Unix(0, v.Int()).UTC().Format(time.RFC3339) == want) {
			t.Errorf("%s is %q, want %q", name, v.Text(), want)
		}
	}
}

func TestMistakesOfExtendingPartsAreShown(t *testing.T) {
	for _, c := range []struct{ format, part, want string }{
		{strings.Replace(extendingFormat, "[shared]", "[absent]", 1), sharedPart, "no format named \"absent\""},
		{extendingFormat, "nonsense: x\n", "parts/shared.yaml:1:1: unknown key"},
		{extendingFormat, "fields: {a: no.such.field}\n", "parts/shared.yaml:1:13"},
		{strings.Replace(extendingFormat, "cut: rows", "cut: rows\ntag: nothing", 1), sharedPart, "tag: body"},
	} {
		_, err := loadExtending(c.format, c.part)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

func TestAHeaderRowIsNeitherDataNorAFault(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	for _, line := range []string{"日時,端末名", "\ufeff日時,端末名\r"} {
		x := &event.Builder{}
		res := p.Parse(Input{Line: line, Header: "日時,端末名"}, x)
		_, quarantined := x.Get(event.MustLookup("quarantine"))
		if res.Format != "header" || res.Reason != "" || quarantined || x.Str(event.MustLookup("event.dataset")) != "csv.header" || x.Str(event.MustLookup("event.original")) != line {
			t.Errorf("%q: %+v %s", line, res, jsonOf(x))
		}
	}
}

func TestRowsAreKnownByTheirHeaderHoweverShort(t *testing.T) {
	s, err := loadExtending(extendingFormat, sharedPart)
	if err != nil {
		t.Fatal(err)
	}
	x := &event.Builder{}
	if res := s.Parser(Options{}).Parse(Input{Header: "日時,利用者,verb", Line: "2026/11/01 09:15:02,sato"}, x); res.Format != "mine" {
		t.Errorf("%+v", res)
	}
}

func TestATagCanBelongToTheBody(t *testing.T) {
	text := strings.NewReplacer("name: small", "name: small\ntag: body", "  - keys: [acme, src]", "  - app: [PP]", "cut: kv", "cut: {dissect: [\"PP[%{pp}] from %{src}\"]}", "acme=1 src=10.0.0.1", "<13>PP[01] from 10.0.0.1").Replace(smallFormat)
	s, err := loadText(text)
	if err != nil {
		t.Fatal(err)
	}
	x := &event.Builder{}
	res := s.Parser(Options{}).Parse(Input{Line: "<13>PP[01] from 10.0.0.1"}, x)
	if res.Format != "small" || x.Str(event.MustLookup("source.ip")) != "10.0.0.1" || x.Str(event.MustLookup("log.syslog.appname")) != "" {
		t.Errorf("%+v %s", res, jsonOf(x))
	}
}

func TestPortBehindIPv6(t *testing.T) {
	for in, want := range map[string][2]string{
		"2001:db8::1.443": {"2001:db8::1", "443"}, "2001:db8::1": {"2001:db8::1", ""}, "::ffff:192.0.2.1": {"::ffff:192.0.2.1", ""},
		"192.0.2.1:80": {"192.0.2.1", "80"}, "192.0.2.1": {"192.0.2.1", ""}, "[2001:db8::1]:443": {"2001:db8::1", "443"}, "host:1": {"host", "1"},
	} {
		if host, port := cutPort(in); host != want[0] || port != want[1] {
			t.Errorf("%s: %s, %s", in, host, port)
		}
	}
}

// FuzzForm: what is decoded is text, and no longer than before.
func FuzzForm(f *testing.F) {
	for _, s := range []string{"%E5%BA%81+a", "%", "%G0", "%FF", "a%2", "+"} {
		f.Add(s)
	}
	p := builtinSet(f).Parser(Options{})
	f.Fuzz(func(t *testing.T, s string) {
		if out := p.form(s); len(out) > len(s) || utf8.ValidString(s) && !utf8.ValidString(out) {
			t.Errorf("%q became %q", s, out)
		}
	})
}
