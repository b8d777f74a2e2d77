package format

import (
	"testing"
	"testing/fstest"

	"mimamori/event"
)

const listsFormat = `name: lists
module: acme
dataset: acme.lists
recognise: [{keys: [acme, Parameters]}]
cut: json
named: {Parameters: [Name, Value, value.text]}
alias: {"*": ["detail.*"]}
set: {event.category: [host]}
fields:
  Parameters.User: user.name
  steps.action: event.action
tests: [{name: one, line: '{"acme":1,"Parameters":[{"Name":"User","Value":"佐藤"}]}', expect: {user.name: 佐藤}}]
`

func TestListsOfNamesAndValuesAreReadAsKeys(t *testing.T) {
	s, err := loadText(listsFormat)
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]map[string]string{
		`{"acme":1,"Parameters":[{"Value":"a\"b","Name":"User","Old":"c"},{"Name":"x.y","value":{"text":"d"}},{"Name":"","Value":"e"},{"Value":"f"},7,[8]]}`: {
			"user.name": `a"b`, "acme.lists.Parameters.User.Old": "c", "acme.lists.Parameters.x.y": "d", "acme.lists.Parameters.Value": "f",
		},
		`{"acme":1,"Parameters":[],"steps":[{"action":"one"},{"action":"two"}],"detail":{"b":[1,2]}}`: {"event.action": "one", "acme.lists.b": "1, 2"},
		`{"acme":1,"Parameters":{"User":"plain"}}`:                                                    {"user.name": "plain"},
		`{"acme":1,"Parameters":[{"Name":"User","Value":"cut`:                                         {"user.name": ""},
	} {
		x := &event.Builder{}
		s.Parser(Options{}).Parse(Input{Line: line}, x)
		for name, v := range want {
			f, _ := event.Lookup(name)
			got, _ := x.Get(f)
			if v == "" && got.Text() == "" {
				continue
			}
			if got.Text() != v {
				t.Errorf("%s: %s is %q, want %q", line, name, got.Text(), v)
			}
		}
	}
}

// What one format looks into must not change how another one reads.
func TestArraysAreWalkedForTheFormatThatNamesKeysInThem(t *testing.T) {
	other := `name: other
module: acme
dataset: acme.other
recognise: [{keys: [other]}]
cut: json
set: {event.category: [host]}
tests: [{name: one, line: '{"other":1}', expect: {acme.other.other: "1"}}]
`
	s, err := Load(fstest.MapFS{"a.yaml": {Data: []byte(listsFormat)}, "b.yaml": {Data: []byte(other)}})
	if err != nil {
		t.Fatal(err)
	}
	x := &event.Builder{}
	s.Parser(Options{}).Parse(Input{Line: `{"other":1,"steps":[{"action":"one"}],"Parameters":[{"Name":"a","Value":"b"}]}`}, x)
	for name, want := range map[string]string{"acme.other.steps": `[{"action":"one"}]`, "acme.other.Parameters": `[{"Name":"a","Value":"b"}]`} {
		if got := x.Str(event.MustLookup(name)); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// FuzzMember: the text of a key is a part of the line or its unescaped form.
func FuzzMember(f *testing.F) {
	for _, l := range []string{`{"event":"a\"b"}`, `{"a":{"event":1},"event":{"b":[1,"}"]},"c":2}`, `{"event"`, `{"event":`, `{"event":}`, `{`, `{"event":[[[`} {
		f.Add(l)
	}
	p := builtinSet(f).Parser(Options{})
	f.Fuzz(func(t *testing.T, line string) {
		if text, ok := p.member(line, "event"); ok && len(text) > len(line)+4 {
			t.Errorf("%q: %q", line, text)
		}
	})
}
