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
