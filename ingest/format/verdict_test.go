package format

import (
	"slices"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"mimamori/event"
)

const verdictFormat = `name: v
module: acme
dataset: acme.v
recognise: [{keys: [acme]}]
cut: kv
fields: {act: {to: event.type, table: {no: denied, yes: allowed, "*": info}}}
then:
  - by: acme.v.acme
    cases: {web: {set: {event.category: [web]}}, malware: {set: {event.category: [web, malware]}}, file: {set: {event.category: [file]}}, api: {set: {event.category: [api]}}}
tests: [{name: one, line: acme=web act=no, expect: {event.category: [web, network]}}]
`

// Whatever is decided about, ECS expects the verdict of one of the categories;
// nothing else is added, and nothing without a verdict.
func TestAVerdictHasACategoryThatKnowsVerdicts(t *testing.T) {
	s, err := Load(fstest.MapFS{"v.yaml": {Data: []byte(verdictFormat)}})
	if err != nil {
		t.Fatal(err)
	}
	category := event.MustLookup("event.category")
	want := map[string][]string{
		"web": {"web", "network"}, "malware": {"web", "malware", "network"}, "file": {"file", "intrusion_detection"}, "api": {"api"},
	}
	rapid.Check(t, func(t *rapid.T) {
		what := rapid.SampledFrom([]string{"web", "malware", "file", "api"}).Draw(t, "what")
		act := rapid.SampledFrom([]string{"no", "yes", "perhaps"}).Draw(t, "act")
		x := &event.Builder{}
		s.Parser(Options{}).Parse(Input{Line: "acme=" + what + " act=" + act}, x)
		got, _ := x.Get(category)
		expect := want[what]
		if act == "perhaps" {
			expect = slices.DeleteFunc(slices.Clone(expect), func(c string) bool { return c == "network" || c == "intrusion_detection" })
		}
		if !slices.Equal(got.List(), expect) {
			t.Fatalf("%s %s: categories %v, expected %v", what, act, got.List(), expect)
		}
	})
}
