package rules

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

const goodRule = `id: a
title: {ja: 題, en: Title}
severity: high
when: event.action == "deny"
`

func TestMistakesPointAtTheirPlaceInTheFile(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"unknown key":    {goodRule + "severty: low\n", "a.yaml:5:1: unknown key \"severty\" (did you mean severity?)\n  severty: low\n  ^"},
		"nested key":     {"id: a\ntitle: {jp: x, en: y}\nwhen: has(user.name)\n", "a.yaml:2:9: unknown key \"jp\" (did you mean ja?)"},
		"severity":       {"id: a\ntitle: {en: x}\nseverity: hoch\nwhen: has(user.name)\n", `a.yaml:3:11: "hoch" is no severity`},
		"plain when":     {"id: a\ntitle: {en: x}\nwhen: sorce.ip == \"10.0.0.1\"\n", "a.yaml:3:7: unknown field \"sorce.ip\" (did you mean source.ip?)\n  when: sorce.ip == \"10.0.0.1\"\n        ^"},
		"literal when":   {"id: a\ntitle: {en: x}\nwhen: |\n  event.action == \"x\"\n    && source.prt == 1\n", "a.yaml:5:8: unknown field \"source.prt\" (did you mean source.port?)\n      && source.prt == 1\n         ^"},
		"folded when":    {"id: a\ntitle: {en: x}\nwhen: >-\n  event.action == \"x\"\n\n  && source.prt == 1\nseverity: low\n", "a.yaml:6:6: unknown field"},
		"quoted when":    {"id: a\ntitle: {en: x}\nwhen: 'event.action == \"it''s\" && source.prt == 1'\n", "a.yaml:3:35: unknown field"},
		"double quoted":  {"id: a\ntitle: {en: x}\nwhen: \"event.action == \\\"外\\\" && source.prt == 1\"\n", "a.yaml:3:33: unknown field"},
		"japanese caret": {"id: a\ntitle: {en: x}\nwhen: event.action == \"拒否\" && source.prt == 1\n", "  when: event.action == \"拒否\" && source.prt == 1\n                                  ^"},
		"end of when":    {"id: a\ntitle: {en: x}\nwhen: |\n  event.action == \"x\" &&\nseverity: low\n", "a.yaml:4:"},
		"flow step":      {"id: a\ntitle: {en: x}\ncorrelate:\n  within: 1m\n  steps:\n    - {name: x, when: 'has(user.nam)'}\n    - {name: y, when: has(user.name)}\n", "a.yaml:6:28: unknown field"},
		"allow":          {goodRule + "allow:\n  - {when: has(user.name)}\n", "a.yaml:6:6: an allow entry says when"},
		"empty when":     {strings.Replace(goodRule, `event.action == "deny"`, "''", 1), "a.yaml:4:7: when has no condition"},
		"empty allow":    {goodRule + "allow: [{when: ' ', owner: x, reason: y}]\n", "a.yaml:5:16: when has no condition"},
		"allow nothing":  {goodRule + "allow: [{when: , owner: x, reason: y}]\n", "a.yaml:5:10: an allow entry says when"},
		"allow no list":  {goodRule + "allow: {when: true, owner: x, reason: y}\n", "a.yaml:5:9: allow must be a list, not a mapping"},
		"steps no list":  {goodRule + "correlate: {steps: {when: true}, within: 1m}\n", "a.yaml:5:21: steps must be a list, not a mapping"},
		"no steps":       {goodRule + "correlate: {steps: [], within: 1m}\n", "a.yaml:5:1: a correlation of steps has 2 to 64 of them"},
		"half a number":  {goodRule + "tests: [{alerts: 1x, events: [{user.name: x}]}]\n", "a.yaml:5:18: alerts must be a number"},
		"half a span":    {goodRule + "suppress: {for: 1xd}\n", "a.yaml:5:17: for must be a time span"},
		"file name":      {strings.Replace(goodRule, "id: a", "id: b", 1), "a.yaml:1:5: the id \"b\" is not the file's name"},
		"no condition":   {"id: a\ntitle: {en: x}\n", "a.yaml:1:1: the rule has no condition"},
		"yaml":           {"id: a\ntitle: {en: x\n", "a.yaml:2:8:"},
		"twice":          {goodRule + "id: a\n", "a.yaml:5:1: "},
		"alias":          {"id: &x a\ntitle: {en: *x}\nwhen: has(user.name)\n", "anchors and aliases are not supported"},
		"deep":           {"id: a\ntitle: " + strings.Repeat("[", 1000) + "\n", "nested too deeply"},
		"window":         {goodRule + "correlate: {count: 3}\n", "a.yaml:5:1: the correlation has no time span"},
		"span":           {goodRule + "correlate: {count: 3, within: fast}\n", "a.yaml:5:31: within must be a time span"},
		"by":             {goodRule + "correlate: {count: 3, within: 1m, by: [sorce.ip]}\n", "a.yaml:5:40: unknown field \"sorce.ip\" (did you mean source.ip?)"},
		"test type":      {goodRule + "tests:\n  - {name: x, alerts: 1, events: [{source.port: http}]}\n", "a.yaml:6:36: event: field source.port"},
		"two documents":  {goodRule + "---\nid: b\n", "more than one document"},
		"suppress":       {goodRule + "correlate: {count: 3, within: 1m}\nsuppress: {for: 1h}\n", "a.yaml:6:1: suppress is for rules without correlate"},
	} {
		_, err := Parse("a.yaml", []byte(c.src))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, c.want)
		}
	}
}

func TestAllMistakesOfAllFilesComeAtOnce(t *testing.T) {
	_, err := Load(fstest.MapFS{
		"r/a.yaml":   {Data: []byte(goodRule + "x: 1\ny: 2\n")},
		"r/s/b.yaml": {Data: []byte("id: b\ntitle: {en: x}\nwhen: nope ==\n")},
		"r/c.txt":    {Data: []byte("no rule")},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"r/a.yaml:5:1", "r/a.yaml:6:1", "r/s/b.yaml:3:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in:\n%v", want, err)
		}
	}
}

func TestTheVersionIsTheTextWithoutTests(t *testing.T) {
	v := func(src string) string {
		r, err := Parse("a.yaml", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		return r.Version
	}
	base := v(goodRule)
	if v(goodRule+"tests:\n  - {name: x, alerts: 1, events: [{user.name: x}]}\n") != base || v("tests: []\n"+goodRule) != base {
		t.Error("tests change the version")
	}
	if v(strings.Replace(goodRule, "deny", "drop", 1)) == base {
		t.Error("another condition has the same version")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(goodRule))
	f.Add([]byte("id: a\nwhen: |2\n  x\n"))
	f.Add([]byte("tests: [{events: [{a: {b: [1, 2]}}]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Parse("a.yaml", data)
		if err != nil {
			return
		}
		if r.Version == "" {
			t.Error("a rule without version")
		}
		Test(&Set{rules: []*Rule{r}}) // runs it
		Lint(&Set{rules: []*Rule{r}})
	})
}
