package format

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"mimamori/event"
)

const smallFormat = `name: small
module: acme
dataset: acme.small
recognise:
  - keys: [acme, src]
cut: kv
set: {event.category: [network]}
fields:
  src: source.ip
tests:
  - name: one
    line: acme=1 src=10.0.0.1
    expect: {source.ip: 10.0.0.1}
`

func loadText(text string) (*Set, error) {
	return Load(fstest.MapFS{"small.yaml": {Data: []byte(text)}})
}

func TestAMistakeIsShownAtItsPlace(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		line, col      int
	}{
		{"unknown key", "cut: kv", "cutt: kv", 6, 1},
		{"unknown cutter", "cut: kv", "cut: xml2", 6, 6},
		{"unknown field", "src: source.ip", "src: source.ipp", 9, 8},
		{"value that ECS does not allow", "[network]", "[web, net]", 7, 29},
		{"unknown key of a condition", "keys: [acme, src]", "key: [acme]", 5, 5},
		{"no way to recognise", "keys: [acme, src]", "contains: []", 5, 5},
		{"an opening of every line", "keys: [acme, src]", "starts: ['']", 5, 5},
		{"missing part", "name: small\n", "", 1, 1},
		{"key twice", "cut: kv", "cut: kv\ncut: kv", 7, 1},
		{"unknown transform", "src: source.ip", "src: {to: source.ip, as: lowr}", 9, 28},
		{"condition with an unknown field", "tests:", "then:\n  - when: source.prot == 1\n    set: {event.kind: alert}\ntests:", 11, 11},
		{"condition in quotes", "tests:", "then:\n  - when: 'source.port == \"x\"'\n    set: {event.kind: alert}\ntests:", 11, 27},
		{"categorisation without a table", "src: source.ip", "src: event.outcome", 9, 8},
		{"unknown block", "tests:", "then:\n  - when: source.port == 1\n    use: [nothing]\ntests:", 12, 11},
		{"broken YAML", "cut: kv", "cut: [kv", 0, 0},
	} {
		text := strings.Replace(smallFormat, c.old, c.new, 1)
		_, err := loadText(text)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: error is %v", c.name, err)
			continue
		}
		if c.line != 0 && (e.Line != c.line || e.Col != c.col) || e.File != "small.yaml" {
			t.Errorf("%s: shown at %d:%d, is at %d:%d\n%v", c.name, e.Line, e.Col, c.line, c.col, e)
		}
		if lines := strings.Split(text, "\n"); !strings.Contains(e.Error(), "\n  "+lines[e.Line-1]+"\n") {
			t.Errorf("%s: does not show the line:\n%v", c.name, e)
		}
	}
}

func TestTheExampleInTheManualWorks(t *testing.T) {
	manual, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(manual), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	s, err := Load(Files(), fstest.MapFS{"acme.yaml": {Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Test(s) {
		t.Error(f)
	}
	if s.Title("acme-fw").EN == "" {
		t.Error("the example is not there")
	}
}

func TestAnOperatorsFormatReplacesTheOneOfItsName(t *testing.T) {
	mine := strings.NewReplacer("name: small", "name: squid").Replace(smallFormat)
	s, err := Load(Files(), fstest.MapFS{"my.yaml": {Data: []byte(mine)}})
	if err != nil {
		t.Fatal(err)
	}
	x := &event.Builder{}
	if res := s.Parser(Options{}).Parse(Input{Line: "acme=1 src=10.0.0.9"}, x); res.Format != "squid" || x.Str(event.MustLookup("event.dataset")) != "acme.small" {
		t.Errorf("%+v", res)
	}
	x.Reset()
	if res := s.Parser(Options{}).Parse(Input{Line: benchSquid}, x); res.Format != "" {
		t.Errorf("the format that ships still takes its lines: %+v", res)
	}
}

func TestAFailingTestInAFileIsReported(t *testing.T) {
	s, err := loadText(strings.Replace(smallFormat, "expect: {source.ip: 10.0.0.1}", "expect: {source.ip: 10.0.0.2}", 1))
	if err != nil {
		t.Fatal(err)
	}
	failures := Test(s)
	if len(failures) != 1 || failures[0].Err.Line != 13 {
		t.Errorf("%v", failures)
	}
}

func TestEveryCategorisationIsAllowedByECS(t *testing.T) {
	s := builtinSet(t)
	tests, _ := allTests(s)
	p := s.Parser(Options{})
	x := &event.Builder{}
	for _, c := range tests {
		x.Reset()
		p.Parse(Input{Line: c.line, Header: c.header, Received: c.received}, x)
		for name, allowed := range ecsAllowed {
			v, ok := x.Get(event.MustLookup(name))
			if !ok {
				continue
			}
			for _, w := range v.List() {
				if !allowed[w] {
					t.Errorf("%s: %s is %q", c.name, name, w)
				}
			}
		}
	}
}
