package lang

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
)

// flat writes a tree so that And in And, and Or in Or, look as if they were one.
func flat(n Node) string {
	switch n := n.(type) {
	case And:
		return "and(" + strings.Join(flatten(n), " ") + ")"
	case Or:
		return "or(" + strings.Join(flatten(n), " ") + ")"
	case Not:
		return "not(" + flat(n.Node) + ")"
	case *Test:
		s := fmt.Sprint(n.Field, n.Op, n.Fold)
		for _, v := range n.Values {
			s += v.Text()
		}
		return s
	}
	return fmt.Sprintf("%T%v", n, n)
}

func flatten[T And | Or](nodes T) (out []string) {
	for _, n := range nodes {
		if t, ok := n.(T); ok {
			out = append(out, flatten(t)...)
		} else {
			out = append(out, flat(n))
		}
	}
	return out
}

// TestAMacroIsItsTextInBrackets: over random conditions and macros that call
// each other, the tree is that of the text written out, and so are its values.
func TestAMacroIsItsTextInBrackets(t *testing.T) {
	leaves := []string{`user.name == "a"`, `has(host.name)`, `source.port in [1, 2]`, `true`, `not has(source.ip)`, `text("x")`}
	names := []string{"m0", "m1", "管理", "m3"}
	rapid.Check(t, func(t *rapid.T) {
		condition := func(calls []string) string {
			s := rapid.SampledFrom(leaves).Draw(t, "leaf")
			for range rapid.IntRange(0, 4).Draw(t, "size") {
				part := rapid.SampledFrom(leaves).Draw(t, "part")
				if len(calls) > 0 && rapid.Bool().Draw(t, "call") {
					part = rapid.SampledFrom(calls).Draw(t, "name") + "()"
				}
				switch rapid.IntRange(0, 4).Draw(t, "how") {
				case 0:
					s += " && " + part
				case 1:
					s = part + " || " + s
				case 2:
					s = "not (" + s + ") && " + part
				case 3:
					s = "(" + s + ") ? " + part + " : (" + part + ")"
				case 4:
					s = "(" + s + ") || " + part
				}
			}
			return s
		}
		sources := map[string]string{}
		var pairs []string // call, and its text written out
		for i, name := range names {
			sources[name] = condition(names[:i])
			pairs = append(pairs, name+"()", "("+strings.NewReplacer(pairs...).Replace(sources[name])+")")
		}
		rule := condition(names)
		m, wrong := Define(sources)
		if len(wrong) > 0 {
			t.Fatal(wrong)
		}
		got, err := m.Parse(rule)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Parse(strings.NewReplacer(pairs...).Replace(rule))
		if err != nil {
			t.Fatal(err)
		}
		if a, b := flat(got.Root), flat(want.Root); a != b {
			t.Fatalf("%s\n got %s\nwant %s", rule, a, b)
		}
		x := new(event.Builder)
		for name, v := range map[string]event.Value{"user.name": event.String("a"), "host.name": event.String("h"), "source.port": event.Int(2), "message": event.String("x")} {
			if rapid.Bool().Draw(t, name) {
				x.Set(event.MustLookup(name), v)
			}
		}
		shown := Expr{Root: got.Shown}
		if a, b, c := got.Compile(nil)(x), want.Compile(nil)(x), shown.Compile(nil)(x); a != b || a != c {
			t.Fatalf("%s: %v, written out %v, as shown %v", rule, a, b, c)
		}
	})
}

func TestMistakesOfMacros(t *testing.T) {
	sources := map[string]string{
		"adminTools": `process.name in ["psexec.exe"]`, "broken": "sorce.ip == \"10.0.0.1\"", "usesBroken": "broken() && has(user.name)",
		"a": "b()", "b": "has(user.name) ||\n  c()", "c": "a()", "self": "not self()",
	}
	m, wrong := Define(sources)
	for name, want := range map[string]string{
		"broken": "1:1: unknown field \"sorce.ip\"", "c": "1:1: the macro a calls itself: a() → b() → c() → a()", "self": "1:5: the macro self calls itself: self() → self()",
	} {
		if err := wrong[name]; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(wrong) != 3 {
		t.Errorf("a mistake is told more than once: %v", wrong)
	}
	for src, want := range map[string]string{
		`has(user.name) && adminTool()`: "1:19: unknown function \"adminTool\" (did you mean adminTools()?)",
		`icontain(user.name, "x")`:      "1:1: unknown function \"icontain\" (did you mean icontains()?)",
		`adminTools("x")`:               "1:1: adminTools is a macro and takes no arguments (adminTools())",
		`adminTools && has(user.name)`:  "1:1: unknown field \"adminTools\" (a macro is called: adminTools())",
		`user.name == adminTools()`:     "1:14: want the name of a field here",
	} {
		if _, err := m.Parse(src); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", src, err)
		}
	}
	if e, err := m.Parse("usesBroken() || a() || usesBroken()"); err != nil || !slices.Equal(e.Calls, []string{"usesBroken", "a"}) || !slices.Equal(m.Uses(e.Calls), []string{"a", "b", "broken", "c", "usesBroken"}) {
		t.Error(e, err)
	}
	if _, err := ParseSearch("adminTools() && true"); err == nil {
		t.Error("a search knows macros")
	}
}

func TestNamesOfMacros(t *testing.T) {
	for _, good := range []string{"adminTools", "a1_b", "管理用ツール", "message"} {
		if wrong := MacroName(good); wrong != "" {
			t.Errorf("%s: %s", good, wrong)
		}
	}
	for _, bad := range []string{"", "has", "icontains", "hour", "lower", "filter", "now", "not", "in", "true", "let", "a.b", "a b", "a-b", "1a", "a()", "a(", "/*x", "x/**/", " a", strings.Repeat("a", 65)} {
		if MacroName(bad) == "" {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestMacrosCannotExplode: neither by doubling, nor by depth, nor all together.
func TestMacrosCannotExplode(t *testing.T) {
	double, deep, many := map[string]string{"d00": "has(user.name) || has(host.name)"}, map[string]string{"c00": "true"}, map[string]string{"m": `user.name in [` + strings.Repeat(`"a",`, 9000) + `"b"]`}
	for i := range 200 {
		double[fmt.Sprintf("d%02d", i+1)] = fmt.Sprintf("d%02d() || d%02d()", i, i)
		deep[fmt.Sprintf("c%02d", i+1)] = fmt.Sprintf("c%02d()", i)
		many[fmt.Sprintf("m%d", i)] = "m()"
	}
	for want, sources := range map[string]map[string]string{"too large": double, "more than 16 deep": deep, "macros, written out": many} {
		m, wrong := Define(sources)
		if len(wrong) == 0 || len(wrong) == len(sources) {
			t.Errorf("%s: %d of %d are wrong", want, len(wrong), len(sources))
		}
		for name, err := range wrong {
			if !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "deep") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if m.parts > maxAllParts+maxMacroParts {
			t.Errorf("%s: %d parts", want, m.parts)
		}
	}
	m, _ := Define(map[string]string{"big": many["m"]})
	if _, err := m.Parse("big() || big()"); err == nil || !strings.Contains(err.Error(), "1:10: with big the condition becomes too large") {
		t.Error(err)
	}
}

func FuzzMacros(f *testing.F) {
	f.Add("b() || has(user.name)", "c() && c()", "not a()", "a()")
	f.Add("!!!!x", "b(c())", "let x = 1; x", "b().c")
	f.Fuzz(func(t *testing.T, a, b, c, src string) {
		m, _ := Define(map[string]string{"a": a, "b": b, "c": c})
		if e, err := m.Parse(src); err == nil {
			e.Compile(nil)(new(event.Builder))
			if parts(e.Root) > maxMacroParts+2*len(src)+2 {
				t.Errorf("%d parts", parts(e.Root))
			}
		}
	})
}
