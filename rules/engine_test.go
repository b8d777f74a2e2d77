package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
)

// ruleOf makes a rule of a condition and further YAML lines.
func ruleOf(t interface{ Fatal(...any) }, id, when string, more ...string) *Rule {
	src := "id: " + id + "\ntitle: {en: " + id + "}\nwhen: |\n  " + strings.ReplaceAll(when, "\n", "\n  ") + "\n" + strings.Join(more, "\n")
	r, err := Parse(id+".yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func setOf(t interface{ Fatal(...any) }, list ...*Rule) *Set {
	s, err := NewSet(list...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func matches(e *Engine, ev *event.Event) []string {
	out := []string{}
	e.Match(ev, func(r *Rule) { out = append(out, r.ID) })
	return out
}

var (
	genWord = rapid.SampledFrom([]string{"", "a", "ab", "AB", "abc", "bca", "Deny", "deny", "ſ", "s", "K", "k", "K", "İ", "i", "外部", "外", "x*y", `a\b`, "a.exe", "\xff", "ß", "ẞ"})
	genText = rapid.OneOf(genWord, rapid.Map(rapid.SliceOfN(genWord, 1, 4), func(l []string) string { return strings.Join(l, "") }))
	genIP   = rapid.SampledFrom([]string{"10.0.0.1", "10.1.2.3", "192.168.1.1", "8.8.8.8", "::1", "2001:db8::1", "fe80::1"})
	genNum  = rapid.SampledFrom([]int{0, 1, 80, 445, 65535, -1})
)

func quote(s string) string { return fmt.Sprintf("%q", strings.ToValidUTF8(s, "?")) }

// genCondition writes random conditions, nested.
func genCondition(depth int) *rapid.Generator[string] {
	leaf := rapid.Custom(func(t *rapid.T) string {
		field := rapid.SampledFrom([]string{"event.action", "user.name", "process.args", "winlog.event_data.X", "winlog.event_id", "event.dataset", "event.category"}).Draw(t, "field")
		a, b := quote(genText.Draw(t, "a")), quote(genText.Draw(t, "b"))
		num := genNum.Draw(t, "n")
		return rapid.SampledFrom([]string{
			field + " == " + a, field + " != " + a, "lower(" + field + ") == " + a, field + " in [" + a + ", " + b + "]",
			field + " contains " + a, "icontains(" + field + ", " + a + ", " + b + ")", "istartsWith(" + field + ", " + a + ")",
			"iendsWith(" + field + ", " + a + ")", field + " endsWith " + a, "iequals(" + field + ", " + a + ")",
			"ilike(" + field + ", " + quote("*"+strings.Trim(a, `"`)+"?*") + ")", "like(" + field + ", " + a + ")", "imatches(" + field + `, "a+b|外(c|d)?")`,
			"has(" + field + ")", "text(" + a + ")", fmt.Sprintf("source.port == %d", num), fmt.Sprintf("source.port != %d", num),
			fmt.Sprintf("source.port > %d", num), "source.port == destination.port", `inCIDR(source.ip, "10.0.0.0/8", "2001:db8::/32")`,
			`inCIDR(source.ip, "10.1.2.3")`, `source.ip == "8.8.8.8"`, "true", "false", `"a" == event.action`, `event.action == nil`,
		}).Draw(t, "leaf")
	})
	if depth == 0 {
		return leaf
	}
	sub := genCondition(depth - 1)
	return rapid.Custom(func(t *rapid.T) string {
		switch rapid.IntRange(0, 5).Draw(t, "op") {
		case 0:
			return "(" + sub.Draw(t, "l") + " && " + sub.Draw(t, "r") + ")"
		case 1:
			return "(" + sub.Draw(t, "l") + " || " + sub.Draw(t, "r") + ")"
		case 2:
			return "not (" + sub.Draw(t, "x") + ")"
		case 3:
			return "((" + sub.Draw(t, "c") + ") ? (" + sub.Draw(t, "l") + ") : (" + sub.Draw(t, "r") + "))"
		}
		return leaf.Draw(t, "leaf")
	})
}

func drawEvent(t *rapid.T, x *event.Builder) {
	for _, name := range []string{"event.action", "user.name", "winlog.event_data.X", "winlog.event_id", "message", "event.original"} {
		if f, _ := event.Intern(name); rapid.Bool().Draw(t, name) {
			x.Set(f, event.String(genText.Draw(t, "text")))
		}
	}
	if rapid.Bool().Draw(t, "args") {
		x.Set(event.MustLookup("process.args"), event.Strings(rapid.SliceOfN(genText, 0, 3).Draw(t, "args")))
	}
	if rapid.IntRange(0, 5).Draw(t, "ids") == 0 {
		x.Set(event.MustLookup("winlog.event_id"), event.Strings([]string{genText.Draw(t, "id"), "a"}))
	}
	if rapid.Bool().Draw(t, "category") {
		x.Set(event.MustLookup("event.category"), event.Strings(rapid.SliceOfN(genWord, 0, 3).Draw(t, "category")))
	}
	if rapid.Bool().Draw(t, "ip") {
		x.Set(event.MustLookup("source.ip"), event.Addr(genIP.Draw(t, "ip")))
	}
	for _, name := range []string{"source.port", "destination.port"} {
		if rapid.Bool().Draw(t, name) {
			x.Set(event.MustLookup(name), event.Int(int64(genNum.Draw(t, "port"))))
		}
	}
	if rapid.Bool().Draw(t, "dataset") {
		x.Set(fieldDataset, event.String(rapid.SampledFrom([]string{"a.b", "a.c", "a", "b"}).Draw(t, "ds")))
	}
}

func TestIndexedEngineMatchesLikeTheNaiveOne(t *testing.T) {
	event.Intern("winlog.event_data.X")
	x := new(event.Builder)
	rapid.Check(t, func(t *rapid.T) {
		var list []*Rule
		for i := range rapid.IntRange(1, 12).Draw(t, "rules") {
			var more []string
			if rapid.IntRange(0, 3).Draw(t, "gate") == 0 {
				more = append(more, "source: {dataset: ["+rapid.SampledFrom([]string{"a.b", "a.*", "b, a.c"}).Draw(t, "ds")+"]}")
			}
			list = append(list, ruleOf(t, fmt.Sprintf("r%d", i), genCondition(3).Draw(t, "when"), more...))
		}
		s := setOf(t, list...)
		indexed, naive := NewEngine(s, Options{}), NewEngine(s, Options{Naive: true})
		b := &event.Batch{}
		for range rapid.IntRange(1, 10).Draw(t, "events") {
			drawEvent(t, x)
			b.Append(x, event.Ref{})
		}
		chosen := NewEngine(s, Options{Seen: &Seen{filled: b}})
		for i := range b.Events {
			want := matches(naive, &b.Events[i])
			for _, e := range []*Engine{indexed, chosen} {
				if got := matches(e, &b.Events[i]); !slices.Equal(got, want) {
					t.Fatalf("event %s: indexed %v, naive %v, chosen by what was seen: %v", b.Events[i].AppendJSON(nil), got, want, e == chosen)
				}
			}
		}
	})
}

func TestAPanickingRuleIsSuspendedAndTheOthersGoOn(t *testing.T) {
	s := setOf(t, ruleOf(t, "a", `user.name == "x"`), ruleOf(t, "b", `user.name == "x"`), ruleOf(t, "c", `user.name == "x"`))
	e := NewEngine(s, Options{})
	e.units[1].prog = nil
	x, b := new(event.Builder), &event.Batch{}
	for range 2 {
		x.Set(event.MustLookup("user.name"), event.String("x"))
		b.Append(x, event.Ref{Seq: 1})
	}
	var got []string
	e.Evaluate(b, func(a event.Alert) { got = append(got, a.Rule) })
	if want := []string{"a", "c", "a", "c"}; !slices.Equal(got, want) {
		t.Errorf("alerts %v, want %v", got, want)
	}
	if s := e.Stats().Suspended; !slices.Equal(s, []string{"b"}) {
		t.Errorf("suspended %v", s)
	}
}

func TestDraftAndDeprecatedRulesDoNotRun(t *testing.T) {
	s := setOf(t, ruleOf(t, "a", `user.name == "x"`, "status: draft"), ruleOf(t, "b", `user.name == "x"`, "status: deprecated"),
		ruleOf(t, "c", `user.name == "x"`, "status: test"))
	x, b := new(event.Builder), &event.Batch{}
	x.Set(event.MustLookup("user.name"), event.String("x"))
	b.Append(x, event.Ref{})
	n := 0
	NewEngine(s, Options{}).Evaluate(b, func(a event.Alert) {
		n++
		if a.Rule != "c" || !a.Test {
			t.Errorf("alert of %s, test %v", a.Rule, a.Test)
		}
	})
	if n != 1 {
		t.Errorf("%d alerts", n)
	}
}

func TestAListMayMeetEachPartByAnotherElement(t *testing.T) {
	s := setOf(t, ruleOf(t, "a", `event.category == "network" && event.category == "malware"`))
	x, b := new(event.Builder), event.Batch{}
	x.Set(event.MustLookup("event.category"), event.Strings([]string{"malware", "network"}))
	if got := matches(NewEngine(s, Options{}), b.Append(x, event.Ref{})); len(got) != 1 {
		t.Errorf("matches %v", got)
	}
}
