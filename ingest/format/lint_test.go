package format

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// poorFormat has one of everything that Lint tells of.
const poorFormat = `name: poor
module: acme
dataset: acme.poor
recognise:
  - keys: [acme, src]
  - contains: [poor]
cut:
  regex: ['acme=(?P<acme>\S+) src=(?P<src>\S+)(?: what=(?P<what>\S+))?']
set: {event.category: [email], event.type: [connection]}
fields:
  src: source.ip
  what: user.name
  never: {to: host.name, as: lower}
then:
  - when: source.ip == "192.0.2.1"
    set: {event.outcome: success}
tests:
  - name: one
    line: acme=1 src=10.0.0.1 what=- poor
    expect: {source.ip: 10.0.0.1}
`

func lintOf(t *testing.T, opts LintOptions, systems ...fs.FS) string {
	t.Helper()
	s, err := Load(systems...)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range Lint(s, opts) {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

func TestLintTellsWhatACompilerCannot(t *testing.T) {
	poor := strings.Replace(poorFormat, "  - keys: [acme, src]\n", "", 1)
	tick := time.Duration(0)
	slow := func() time.Duration { tick += time.Millisecond; return tick }
	got := lintOf(t, LintOptions{CPU: slow, Slow: 1}, fstest.MapFS{"poor.yaml": {Data: []byte(poor)}})
	for _, want := range []string{
		"poor.yaml:1:1: warning: poor: no `documentation`",
		"poor.yaml:5:5: warning: poor: `contains` alone",
		"poor.yaml:7:11: warning: poor: a regular expression without `like`",
		"poor.yaml:12:10: warning: poor: no test reaches 1 of 3 mappings: see line 12",
		"poor.yaml:14:5: warning: poor: no test reaches 1 of 1 steps: see line 14",
		"poor.yaml:17:5: warning: poor: one: a test that expects 1 fields",
		`poor.yaml:17:5: warning: poor: one: user.name is "-"`,
		`poor.yaml:17:5: warning: poor: one: event.type "connection" is unusual for event.category [email]`,
		"poor.yaml:17:5: warning: poor: no test says what must be `absent`",
		"poor.yaml:1:1: warning: poor: slow: ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Contains(got, " error: ") {
		t.Errorf("errors in a format that works:\n%s", got)
	}
}

func TestLintShowsWhoseLinesAFormatTakes(t *testing.T) {
	other := strings.NewReplacer("name: small", "name: other", "acme, src", "acme, dst").Replace(smallFormat)
	other = strings.Replace(other, "acme=1 src=", "acme=1 dst=10.0.0.1 src=", 1)
	theirs, mine := fstest.MapFS{"small.yaml": {Data: []byte(smallFormat)}}, fstest.MapFS{"other.yaml": {Data: []byte(other)}}
	got := lintOf(t, LintOptions{}, theirs, mine)
	if !strings.Contains(got, "small.yaml:5:5: error: small: also takes a line of other (9 bytes fixed against 9): acme=1 dst=") {
		t.Errorf("equal right is no error:\n%s", got)
	}
	if got := lintOf(t, LintOptions{Layer: 1}, theirs, mine); strings.Contains(got, "small.yaml") && !strings.Contains(got, "other.yaml") {
		t.Errorf("formats are looked at that nobody asked for:\n%s", got)
	}
	wider := fstest.MapFS{"other.yaml": {Data: []byte(strings.Replace(other, "acme, dst", "acme", 1))}}
	if got := lintOf(t, LintOptions{Layer: 1}, theirs, wider); !strings.Contains(got, "other.yaml:5:5: warning: other: also takes a line of small") {
		t.Errorf("that a new format takes old ones' lines is not said:\n%s", got)
	}
}

func TestTheBuiltInFormatsHaveNoErrors(t *testing.T) {
	if testing.Short() {
		t.Skip("reads every test of every format step by step")
	}
	for _, f := range Lint(builtinSet(t), LintOptions{}) {
		if !f.Warning {
			t.Error(f)
		}
	}
}

func TestCostsAddUp(t *testing.T) {
	s, err := loadText(smallFormat)
	if err != nil {
		t.Fatal(err)
	}
	tick := time.Duration(0)
	cpu := func() time.Duration { tick += costRound; return tick }
	c := s.Cost([]Input{{Line: "acme=1 src=10.0.0.1"}, {Line: "nobody's"}}, Options{}, cpu)
	if c.Lines != 2 || c.Unknown != 1 || c.Bytes != 13.5 || c.Micros != 500 || c.RecogniseMicros != 0 || c.MBPerSecond != 0.027 {
		t.Errorf("%+v", c)
	}
	if got := s.Costs(cpu); len(got) != 1 || got[0].Format != "small" {
		t.Errorf("%+v", got)
	}
	if c := s.Cost(nil, Options{}, cpu); c != (Cost{}) {
		t.Errorf("no lines cost %+v", c)
	}
}

// TestWhatNoCaseNamesIsAChoiceToo: `else` needs a test, and a case with an
// asterisk, which would never be chosen, is a mistake.
func TestWhatNoCaseNamesIsAChoiceToo(t *testing.T) {
	then := `then:
  - by: user.name network.transport
    cases: {CASE: {set: {event.outcome: success}}}
    else: {set: {event.outcome: failure}}
`
	with := func(words string, more ...string) fstest.MapFS {
		text := strings.Replace(poorFormat, "  - keys: [acme, src]\n", "", 1)
		text = strings.Replace(text, "then:\n  - when: source.ip == \"192.0.2.1\"\n    set: {event.outcome: success}\n", strings.Replace(then, "CASE", words, 1), 1)
		for _, set := range more {
			text = strings.Replace(text, "set: {event", set, 1)
		}
		return fstest.MapFS{"poor.yaml": {Data: []byte(text)}}
	}
	opts := LintOptions{CPU: func() time.Duration { return 0 }, Slow: 1}
	if got := lintOf(t, opts, with(`"x tcp"`)); !strings.Contains(got, "no test reaches 1 of 2 steps: see line 15") { // user.name is -: else
		t.Error(got)
	}
	if got := lintOf(t, opts, with(`"- tcp"`, "set: {network.transport: tcp, event")); !strings.Contains(got, "no test reaches 1 of 2 steps: see line 16") {
		t.Error(got)
	}
	if _, err := Load(with(`"x *"`)); err == nil || !strings.Contains(err.Error(), "poor.yaml:15:13: * is no wildcard") {
		t.Error(err)
	}
}
