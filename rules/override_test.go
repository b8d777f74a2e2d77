package rules

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mimamori/event"
)

func loadWith(override string) (*Set, error) {
	return Load(fstest.MapFS{
		"a.yaml":           {Data: []byte("id: a\ntitle: {en: a}\nwhen: has(user.name)\ncorrelate: {count: 10, by: [user.name], within: 5m}\n")},
		"overrides/a.yaml": {Data: []byte(override)},
	})
}

func TestOverridesChangeARule(t *testing.T) {
	plain, err := loadWith("")
	if err == nil {
		t.Fatal("an empty override is a mistake", plain)
	}
	same, err := loadWith("severity: medium\n")
	if err != nil {
		t.Fatal(err)
	}
	s, err := loadWith("severity: critical\nstatus: test\ncorrelate: {count: 20, within: 1h}\n")
	if err != nil {
		t.Fatal(err)
	}
	r := s.Get("a")
	if r.Severity != event.Critical || r.Status != InTest || r.Correlate.Count.N != 20 || r.Correlate.Within != time.Hour {
		t.Errorf("%+v %+v", r, r.Correlate)
	}
	if r.Version == same.Get("a").Version {
		t.Error("another threshold is another version")
	}
}

func TestMistakesInOverridesHaveAPlace(t *testing.T) {
	for text, want := range map[string]string{
		"severity: loud\n":                  "overrides/a.yaml:1:11:",
		"when: has(host.name)\n":            "overrides/a.yaml:1:1:",
		"suppress: {by: [], for: 1h}\n":     "overrides/a.yaml:1:1:",
		"correlate: {steps: []}\n":          "overrides/a.yaml:1:13:",
		"allow: [{when: has(user.name)}]\n": "overrides/a.yaml:1:",
		"correlate: {lateness: 3h}\n":       "overrides/a.yaml:1:1: lateness",
		"changes: soon\n":                   "overrides/a.yaml:1:10:",
		"changes:\n  - {at: 2026-11-22, by: sato, status: test, why: x}\n":                                                          "overrides/a.yaml:2:10:",
		"changes:\n  - {at: 2026-11-22T18:00:00+09:00, by: sato, status: tets, why: x}\n":                                           "overrides/a.yaml:2:55:",
		"changes:\n  - {at: 2026-11-22T18:00:00+09:00, status: test, why: x}\n":                                                     "overrides/a.yaml:2:6:",
		"changes:\n  - {at: 2026-11-22T18:00:00+09:00, by: sato, status: test, municipalities: [\"131016\", \"131017\"], why: x}\n": "overrides/a.yaml:2:88:",
		"municipalities: [\"131016\"]\n":                                                         "overrides/a.yaml:1:17:",
		"municipalities:\n  131017: {status: test}\n":                                            "overrides/a.yaml:2:3:",
		"municipalities:\n  131017:\n":                                                           "overrides/a.yaml:2:3:",
		"municipalities: {131016: test}\n":                                                       "overrides/a.yaml:1:26:",
		"municipalities: {131016: {serverity: low}}\n":                                           "overrides/a.yaml:1:27:",
		"municipalities: {131016: {allow: []}}\n":                                                "overrides/a.yaml:1:27:",
		"municipalities: {131016: {correlate: {count: 0}}}\n":                                    "overrides/a.yaml:1:46:",
		"status: test\nmunicipalities:\n  131016: {severity: low}\n":                             "overrides/a.yaml:3:3: a counts over municipalities together",
		"status: draft\nmunicipalities:\n  131016: {status: test}\n  131024: {status: stable}\n": "overrides/a.yaml:4:3: a counts",
	} {
		if _, err := loadWith(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	_, err := Load(fstest.MapFS{"overrides/gone.yaml": {Data: []byte("severity: low\n")}})
	if err == nil || !strings.Contains(err.Error(), "no rule gone") {
		t.Error(err)
	}
}

// TestARuleThatCountsOverMunicipalitiesRunsInOneWay: all together, without some,
// or some together.
func TestARuleThatCountsOverMunicipalitiesRunsInOneWay(t *testing.T) {
	for text, want := range map[string]string{
		"municipalities: {131016: {status: draft}, 131024: {status: deprecated}}\n":                     "- 131016 131024",
		"status: draft\nmunicipalities: {131024: {status: test}, 131016: {status: test}}\n":             "131016 131024",
		"severity: low\nmunicipalities: {131016: {severity: low}, 131024: {status: stable}, 131032:}\n": "",
	} {
		s, err := loadWith(text)
		if err != nil {
			t.Fatal(err)
		}
		e := NewEngine(s, Options{})
		if len(e.states) != 1 || e.states[0].rule.scope.String() != want {
			t.Errorf("%s: %d ways, the first in %q", text, len(e.states), e.states[0].rule.scope)
		}
	}
}

// TestWhatIsSaidAndNotWhereMakesTheVersion: a record, a comment and what other
// municipalities have change none.
func TestWhatIsSaidAndNotWhereMakesTheVersion(t *testing.T) {
	plain, err := loadWith("changes: []\n")
	if err != nil {
		t.Fatal(err)
	}
	s, err := loadWith("# why\nmunicipalities: {131016: {status: draft}, 131024: {status: draft, severity: low}}\nchanges: [{at: 2026-11-22T18:00:00+09:00, by: sato, status: draft, why: x}]\n")
	if err != nil {
		t.Fatal(err)
	}
	r := s.Get("a")
	if r.Version != plain.Get("a").Version || r.In("131016").Version == r.Version || r.In("131016").Version == r.In("131024").Version || r.In("131032") != r {
		t.Errorf("%s %s, %s, %s", plain.Get("a").Version, r.Version, r.In("131016").Version, r.In("131024").Version)
	}
	if c := r.Changes; len(c) != 1 || c[0].By != "sato" || c[0].Status != Draft {
		t.Errorf("%+v", c)
	}
}

func TestTwoFilesChangeOneRule(t *testing.T) {
	s, err := Load(
		fstest.MapFS{"overrides/a.yaml": {Data: []byte("municipalities: {131016: {severity: high}, 131024: {status: draft}}\n")}},
		fstest.MapFS{"overrides/a.yaml": {Data: []byte("severity: low\nstatus: test\nmunicipalities: {131016: {status: stable}}\n")}},
		fstest.MapFS{"a.yaml": {Data: []byte("id: a\ntitle: {en: a}\nwhen: has(user.name)\nsuppress: {by: [municipality], for: 1h}\n")}},
	)
	if err != nil {
		t.Fatal(err)
	}
	r := s.Get("a")
	if a, b := r.In("131016"), r.In("131024"); a.Severity != event.High || a.Status != Stable || b.Severity != event.Low || b.Status != Draft || r.Status != InTest {
		t.Errorf("%s %s, %s %s, %s", a.Severity, a.Status, b.Severity, b.Status, r.Status)
	}
}

func TestReloadTakesOverWhatHasNotChanged(t *testing.T) {
	dir := fstest.MapFS{
		"a.yaml":           {Data: []byte("id: a\ntitle: {en: a}\nwhen: has(user.name)\n")},
		"b.yaml":           {Data: []byte("id: b\ntitle: {en: b}\nwhen: has(user.name)\n")},
		"overrides/a.yaml": {Data: []byte("severity: low")},
	}
	old, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	delete(dir, "overrides/a.yaml")
	dir["b.yaml"] = &fstest.MapFile{Data: []byte("id: b\ntitle: {en: b}\nwhen: has(host.name)\n")}
	s, err := Reload(old, dir)
	if err != nil {
		t.Fatal(err)
	}
	if a := s.Get("a"); a.Severity != event.Medium || a.When != old.Get("a").When || old.Get("a").Severity != event.Low {
		t.Errorf("a is %s, and was %s", a.Severity, old.Get("a").Severity)
	}
	if s.Get("b").Version == old.Get("b").Version {
		t.Error("the change of b was not read")
	}
}

// FuzzOverride: a site's text is taken or refused with its place, and a rule that
// counts over municipalities never runs in two ways.
func FuzzOverride(f *testing.F) {
	f.Add("status: draft\nmunicipalities: {131016: {status: test}, \"131024\": {status: test, correlate: {count: 5}}}\n")
	f.Add("changes: [{at: 2026-11-22T18:00:00+09:00, by: a, status: test, why: b}]\n")
	f.Add("municipalities:\n  131016:\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := loadWith(text)
		if err == nil && len(NewEngine(s, Options{}).states) > 1 {
			t.Error("two ways")
		}
	})
}
