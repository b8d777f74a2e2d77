package rules

import (
	"slices"
	"testing"
	"unicode/utf8"

	"mimamori/event"
)

func builtin(t testing.TB) *Set {
	t.Helper()
	s, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheLibraryPassesItsOwnTestsAndLint(t *testing.T) {
	s := builtin(t)
	if n := len(s.Rules()); n < 10 {
		t.Fatalf("only %d rules", n)
	}
	for _, f := range Test(s) {
		t.Error(f)
	}
	for _, f := range Lint(s) {
		t.Error(f)
	}
	for _, r := range s.Rules() {
		if len(r.Respond.JA) != len(r.Respond.EN) || len(r.Respond.JA) < 3 {
			t.Errorf("%s: %d steps in Japanese, %d in English", r.ID, len(r.Respond.JA), len(r.Respond.EN))
		}
		for _, step := range r.Respond.JA {
			if !slices.ContainsFunc([]string{"。", "）"}, func(end string) bool { return len(step) > 3 && step[len(step)-3:] == end }) || utf8.RuneCountInString(step) > 120 {
				t.Errorf("%s: no sentence, or too long: %s", r.ID, step)
			}
		}
	}
}

func TestAFailingTestIsReported(t *testing.T) {
	s := setOf(t, ruleOf(t, "a", `user.name == "x"`, "tests:\n  - {name: wrong, alerts: 1, events: [{user.name: y}]}"))
	got := Test(s)
	if len(got) != 1 || got[0].Want != 1 || got[0].Got != 0 || got[0].Line != 6 {
		t.Errorf("got %+v", got)
	}
}

func TestExplainShowsEachPart(t *testing.T) {
	r := ruleOf(t, "a", `event.action == "deny" && (destination.port in [445, 139] || not has(user.name))`)
	x, b := new(event.Builder), event.Batch{}
	x.Set(event.MustLookup("event.action"), event.String("deny"))
	x.Set(event.MustLookup("destination.port"), event.Int(80))
	x.Set(event.MustLookup("user.name"), event.String("佐藤"))
	want := `✗ a
  ✗ and
    ✓ event.action == "deny"  ← "deny"
    ✗ or
      ✗ destination.port in [445, 139]  ← "80"
      ✗ not
        ✓ has(user.name)  ← "佐藤"
  index: event.action = "deny"
`
	if got := Explain(r, b.Append(x, event.Ref{})).String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
