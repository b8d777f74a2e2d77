package format

import (
	"strings"
	"testing"

	"mimamori/event"
)

const nestedFormat = `name: nested
module: acme
dataset: acme.nested
recognise:
  - like: ["*: * [##/"]
    contains: [" did "]
  - keys: [acme, who]
cut: [json, kv]
fields: {who: {to: user.name, as: [unwrap, percent, lower]}, mail: {to: user.domain, as: [unwrap, domain]}}
inside:
  msg: {cut: {dissect: [{pattern: "%{x} from %{y}", like: "&&&& "}, {pattern: "%{verb} from %{rest}", like: "&&&&", set: {event.outcome: success}}]}}
  rest: {cut: {regex: [{pattern: "^(?P<ip>.*):(?P<port>[0-9]+)$", set: {event.type: [start]}}]}}
then:
  - when: has(acme.nested.ip)
    fields: {ip: source.address, port: source.port}
tests:
  - {name: one, line: x, expect: {user.name: x}}
`

func TestValuesAreCutAgainInAnyWayAndLinesOfSeveralShapesAreRead(t *testing.T) {
	s, err := loadText(nestedFormat)
	if err != nil {
		t.Fatal(err)
	}
	p := s.Parser(Options{})
	for _, line := range []string{
		`{"acme":1,"who":"<S%41TO>","mail":"<a@b@example.jp>","msg":"login from 2001:db8::1:99"}`,
		`acme=1 who=<S%41TO> mail=<a@b@example.jp> msg="login from 2001:db8::1:99"`,
		`acme: me [01/ did who=<S%41TO> mail=<a@b@example.jp> msg="login from 2001:db8::1:99"`,
	} {
		x := &event.Builder{}
		if res := p.Parse(Input{Line: line}, x); res.Format != "nested" || res.Reason != "" {
			t.Errorf("%s: %+v", line, res)
		}
		for name, want := range map[string]string{
			"user.name": "sato", "user.domain": "example.jp", "source.ip": "2001:db8::1", "source.port": "99", "event.outcome": "success",
			"event.type": "start", "acme.nested.verb": "login",
		} {
			f, _ := event.Lookup(name)
			if v, _ := x.Get(f); v.Text() != want {
				got := v.Text()
				t.Errorf("%s: %s is %q, want %q", line, name, got, want)
			}
		}
	}
	if _, err := loadText(strings.Replace(nestedFormat, "{cut: {dissect:", "{cut: {nonsense:", 1)); err == nil {
		t.Error("an unknown cutter was accepted")
	}
	if _, err := loadText(strings.Replace(nestedFormat, "cut: [json, kv]", "cut: [json, cef, none]", 1)); err == nil {
		t.Error("none was accepted in a list")
	}
}

func TestPatternsOfLike(t *testing.T) {
	for _, c := range []struct {
		s, pattern string
		want       bool
	}{
		{"10.0.0.1 - - [01/Nov", "* * * [##/", true},
		{"10.0.0.1  -  - [01/Nov", "* * * [##/", true},
		{"10.0.0.1 - -  x[01", "* * * [##/", false},
		{"a", "*", true},
		{" ", "*", false},
		{"", "*", false},
		{"abc:", "*: ", false},
		{"abc: ", "*: ", true},
		{"4B7: to=", "&*: to=", true},
		{"-B7: to=", "&*: to=", false},
		{"x12", "*##", true},
		{"x1a", "*##", false},
		{"ab", "**", true},
		{"a", "**", false},
		{"é1", "*#", true},
	} {
		if l := newLike(c.pattern); l.opens(c.s) != c.want {
			t.Errorf("%q like %q is %v", c.s, c.pattern, !c.want)
		}
	}
}

func TestPercentLeavesWhatIsNone(t *testing.T) {
	p := builtinSet(t).Parser(Options{})
	for in, want := range map[string]string{
		"Road%20Warrior": "Road Warrior", "%E5%BA%81": "庁", "100%": "100%", "%zz%2": "%zz%2", "%FF%20": "%FF%20", "": "", "%00": "\x00",
	} {
		if got := p.percent(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
	for in, want := range map[string]string{"(3)www(7)example(2)jp(0)": "www.example.jp", "(0)": "", "www": "www", "(": "", "(3)w(w": "w", "(x)a": ""} {
		if got := p.labels(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
	for in, want := range map[string]string{"<a>": "a", "<": "<", "<>": "", "(a]": "(a]", `"x"`: "x", "aa": "aa"} {
		if got := textTransforms["unwrap"](p, in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

const pairsFormat = `name: pairs
module: acme
dataset: acme.pairs
recognise:
  - starts: ["Session "]
cut: {pairs: {between: line, equals: ": "}}
fields: {Account Name: user.name, Client: source.address}
tests:
  - {name: one, line: x, expect: {user.name: x}}
`

func TestPairsOfAnyKindAreCut(t *testing.T) {
	s, err := loadText(pairsFormat)
	if err != nil {
		t.Fatal(err)
	}
	p := s.Parser(Options{})
	for _, line := range []string{"Session x\n\tAccount Name:  \"佐藤\"\n Client: 10.0.0.1\n: none\nempty:\nOther: a: b\n", "Session x\nOther: a: b\nClient: 10.0.0.1\nAccount Name: 佐藤"} {
		x := &event.Builder{}
		if res := p.Parse(Input{Line: line}, x); res.Format != "pairs" || res.Reason != "" {
			t.Errorf("%q: %+v", line, res)
		}
		for name, want := range map[string]string{"user.name": "佐藤", "source.ip": "10.0.0.1", "acme.pairs.Other": "a: b"} {
			f, _ := event.Lookup(name)
			if v, _ := x.Get(f); v.Text() != want {
				t.Errorf("%q: %s is %q, want %q", line, name, v.Text(), want)
			}
		}
	}
	if _, err := loadText(strings.Replace(pairsFormat, "between: line, ", "", 1)); err == nil {
		t.Error("pairs without between were accepted")
	}
}
