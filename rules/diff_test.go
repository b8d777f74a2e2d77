package rules

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/lang"
)

// TestADiffOfSets: of a set with itself it is empty, and the other way round it
// is the mirror.
func TestADiffOfSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) *Set {
			var list []*Rule
			for i := range 6 {
				if rapid.Bool().Draw(t, name) {
					e := &lang.Expr{Root: drawTree(t, 1)}
					list = append(list, &Rule{ID: fmt.Sprint("r", i), When: e, Severity: event.Severity(rapid.IntRange(0, 1).Draw(t, "severity"))})
				}
			}
			return setOf(t, list...)
		}
		a, b := draw("a"), draw("b")
		if d := Compare(a, a); len(d.Added)+len(d.Removed)+len(d.Changed) > 0 || d.Same != len(a.rules) {
			t.Fatalf("%+v", d)
		}
		there, back := Compare(a, b), Compare(b, a)
		if len(there.Added) != len(back.Removed) || len(there.Removed) != len(back.Added) || there.Same != back.Same {
			t.Fatalf("%+v\n%+v", there, back)
		}
		for i, c := range there.Changed {
			if back.Changed[i].ID != c.ID {
				t.Fatalf("%+v\n%+v", there, back)
			}
		}
		if len(there.Added)+len(there.Changed)+there.Same != len(b.rules) || len(there.Removed)+len(there.Changed)+there.Same != len(a.rules) {
			t.Fatalf("%+v", there)
		}
	})
}

func TestADiffNamesTheParts(t *testing.T) {
	for _, c := range []struct {
		before, after string
		want          []Difference
	}{
		{`has(user.name) && source.port == 1`, "source.port==1   // a comment\n&& (has(user.name))", nil},
		{`event.action in ["a", "b"]`, `event.action in ["b", "a"]`, nil},
		{`has(user.name)`, `source.port == 1 && has(user.name)`, []Difference{{Added: []string{"source.port == 1"}, Effect: Narrower}}},
		{`has(user.name)`, `source.port == 1 || has(user.name)`, []Difference{{Added: []string{"source.port == 1"}, Effect: Wider}}},
		{`has(user.name) && source.port == 1`, `has(user.name)`, []Difference{{Removed: []string{"source.port == 1"}, Effect: Wider}}},
		{`has(user.name) && source.port == 1`, `has(user.name) && source.port == 2`, []Difference{{Part: "source.port == …", Added: []string{"2"}, Removed: []string{"1"}}}},
		{`event.action == "a"`, `event.action in ["a", "b"]`, []Difference{{Added: []string{`"b"`}, Effect: Wider}}},
		{
			`has(user.name) && not (event.action == "a" || has(host.name))`, `not (has(host.name) || event.action == "a" || source.port > 9) && has(user.name)`,
			[]Difference{{Part: `not (event.action == "a" || …)`, Added: []string{"source.port > 9"}, Effect: Narrower}},
		},
		{
			`has(user.name) && (has(host.name) || icontains(user.name, "x"))`, `has(user.name) && (has(host.name) || icontains(user.name, "x", "y")) && source.port > 9`,
			[]Difference{{Added: []string{"source.port > 9"}, Effect: Narrower}, {Part: "(has(host.name) || …) › icontains(user.name, …)", Added: []string{`"y"`}, Effect: Wider}},
		},
		{`has(user.name) && has(host.name)`, `source.port == 1 || source.port == 2`, []Difference{{Old: "has(host.name) && has(user.name)", New: "source.port == 1 || source.port == 2"}}},
	} {
		for i := range c.want {
			c.want[i].Field = "when"
		}
		got := ruleOf(t, "r", c.before).Differences(ruleOf(t, "r", c.after))
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s\n%s\n%s", c.before, c.after, d)
		}
	}
}
