package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"mimamori/internal/testkit"
)

// treeOf is a rule file as the schema sees it.
func treeOf(t testing.TB, text string) any {
	t.Helper()
	root, err := parseYAML(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return root.plain()
}

func libraryTexts(t testing.TB) map[string]string {
	t.Helper()
	names, err := fs.Glob(Library(), "*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal(err, names)
	}
	out := map[string]string{}
	for _, name := range names {
		text, err := fs.ReadFile(Library(), name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = normal(text)
	}
	return out
}

func TestTheLibraryIsOfTheSchema(t *testing.T) {
	s := testkit.ReadSchema(t, Schema())
	for name, text := range libraryTexts(t) {
		if err := s.Check(s.Root, treeOf(t, text), name); err != nil {
			t.Error(err)
		}
	}
}

// schemaHead is a rule but for its condition.
const schemaHead = "id: a\ntitle: {ja: 題}\n"

// mappings are the places where the parser knows a closed list of keys: a file in
// which HOLE stands for one of them, and where the schema lists them.
var mappings = []struct{ at, text string }{
	{"rule", schemaHead + "HOLE: 1"},
	{"rule.source", "source: {HOLE: 1}"},
	{"suppress", "suppress: {HOLE: 1}"},
	{"allow.items", "allow: [{HOLE: 1}]"},
	{"test", "tests: [{HOLE: 1}]"},
	{"localized", "title: {HOLE: 1}"},
	{"localized", "explain: {HOLE: 1}"},
	{"lines", "respond: {HOLE: 1}"},
	{"lines", "falsepositives: {HOLE: 1}"},
	{"correlate", "correlate: {HOLE: 1}"},
	{"step", "correlate: {steps: [{HOLE: 1}]}"},
	{"count.anyOf.1", "correlate: {count: {HOLE: 1}}"},
	{"over.anyOf.1", "correlate: {over: {HOLE: 1}}"},
	{"override", "override:HOLE: 1"},
	{"tuning", "override:correlate: {HOLE: 1}"},
	{"local", "override:municipalities: {\"312011\": {HOLE: 1}}"},
	{"change", "override:changes: [{HOLE: 1}]"},
	{"suppress", "override:suppress: {HOLE: 1}"},
	{"allow.items", "override:allow: [{HOLE: 1}]"},
}

// TestTheSchemaHasTheParsersKeys: the parser itself names the keys that it knows
// where it is given one that it does not.
func TestTheSchemaHasTheParsersKeys(t *testing.T) {
	s := testkit.ReadSchema(t, Schema())
	for _, m := range mappings {
		got := slices.Sorted(maps.Keys(schemaKeys(t, s, m.at)))
		if want := parserKeys(t, m.text); !slices.Equal(got, want) {
			t.Errorf("%s: the schema has\n%q, the parser\n%q", m.text, got, want)
		}
	}
	calls := 0
	names, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") {
			calls += strings.Count(string(text), ".keys(")
		}
	}
	if calls != 15 { // each of them is in mappings, or its keys are codes
		t.Errorf("%d calls of keys: list the new mapping in mappings and in schema.json, then count it here", calls)
	}
}

// schemaKeys are the keys that the schema lists at a place below $defs.
func schemaKeys(t *testing.T, s testkit.Schema, place string) map[string]any {
	t.Helper()
	var at any = s.Defs
	for i, part := range strings.Split(place, ".") {
		if list, ok := at.([]any); ok {
			at = list[part[0]-'0']
			continue
		}
		node := at.(map[string]any)
		if next, ok := node[part]; ok {
			at = next
		} else if props, ok := node["properties"].(map[string]any); ok && i > 0 {
			at = props[part]
		}
	}
	node, _ := at.(map[string]any)
	props, ok := node["properties"].(map[string]any)
	if !ok {
		t.Fatalf("the schema has no properties at %q", place)
	}
	return props
}

// parserKeys are the keys that the parser knows at a place.
func parserKeys(t *testing.T, text string) []string {
	t.Helper()
	text, isOverride := strings.CutPrefix(text, "override:")
	text = strings.Replace(text, "HOLE", strings.Repeat("zq", 10), 1)
	err := parsed(text, isOverride)
	for _, e := range joinedErrors(err) {
		if list, ok := strings.CutPrefix(e.Hint, "known here: "); ok {
			return strings.Split(list, ", ")
		}
	}
	t.Fatalf("%s: no unknown key: %v", text, err)
	return nil
}

// parsed reads a rule or an override of one.
func parsed(text string, isOverride bool) error {
	if !isOverride {
		_, err := Parse("a.yaml", []byte(text))
		return err
	}
	base, err := Parse("a.yaml", []byte(schemaHead+"when: has(user.name)\ncorrelate: {sum: network.bytes, over: 1, within: 1m}\n"))
	if err != nil {
		return err
	}
	if strings.Contains(text, "suppress") {
		base.Correlate = nil
	}
	const name = "overrides/a.yaml"
	s := &Set{rules: []*Rule{base}, macros: &macros{}}
	return s.override([]file{{fstest.MapFS{name: {Data: []byte(text)}}, name}})
}

func joinedErrors(err error) (out []*Error) {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range list.Unwrap() {
			out = append(out, joinedErrors(e)...)
		}
	} else if one, ok := errors.AsType[*Error](err); ok {
		out = append(out, one)
	}
	return out
}

// TestTheSchemaShowsWhatTheParserRefuses: each mistake of structure.
func TestTheSchemaShowsWhatTheParserRefuses(t *testing.T) {
	s := testkit.ReadSchema(t, Schema())
	good := schemaHead + "when: has(user.name)\n"
	for _, text := range []string{
		"title: {ja: x}\nwhen: has(user.name)\n", "id: a\nwhen: has(user.name)\n", schemaHead, "id: A\ntitle: {ja: x}\nwhen: has(user.name)\n",
		"id: a\ntitle: {}\nwhen: has(user.name)\n", "id: a\ntitle: x\nwhen: has(user.name)\n", schemaHead + "when: [a]\n",
		good + "severity: loud\n", good + "status: on\n", good + "severty: low\n", good + "explain: {de: x}\n", good + "respond: [x]\n", good + "attack: {a: b}\n", good + "references: [[x]]\n",
		good + "source: windows\n", good + "source: {dataset: [[a]]}\n",
		good + "suppress: {by: [user.name]}\n", good + "suppress: {for: soon}\n", good + "suppress: 1h\n", good + "suppress: {for: 1h}\ncorrelate: {count: 2, within: 1m}\n",
		good + "allow: {when: has(user.name)}\n", good + "allow: [{owner: x, reason: y}]\n", good + "allow: [{when: true, reason: y}]\n", good + "allow: [{when: true, owner: x}]\n",
		good + "allow: [{when: true, owner: x, reason: y, expires: soon}]\n", good + "allow: [{when: true, owner: x, reason: y, municipality: \"1310\"}]\n", good + "allow: [x]\n",
		good + "correlate: {count: 2}\n", good + "correlate: 5\n", good + "correlate: {count: 0, within: 1m}\n", good + "correlate: {count: {ge: 5}, within: 1m}\n", good + "correlate: {count: {gt: 5, ge: 9}, within: 1m}\n",
		good + "correlate: {count: {}, within: 1m}\n", good + "correlate: {count: 1000000, within: 1m}\n", good + "correlate: {type: often, count: 2, within: 1m}\n", good + "correlate: {percentile: network.bytes, rank: 101, over: 1, within: 1m}\n",
		good + "correlate: {steps: [{when: true}], within: 1m}\n", good + "correlate: {steps: {when: true}, within: 1m}\n", good + "correlate: {steps: [{when: true}, {name: x}], within: 1m}\n", good + "correlate: {steps: [{when: true}, x], within: 1m}\n",
		good + "correlate: {steps: [{when: true}, {when: true, count: 0}], within: 1m}\n", good + "correlate: {steps: [], within: 1m}\n", good + "correlate: {steps: [" + strings.Repeat("{when: true}, ", 65) + "], within: 1m}\n", schemaHead + "correlate: {count: 2, within: 1m}\n",
		good + "tests: {alerts: 1}\n", good + "tests: [{alerts: 1}]\n", good + "tests: [{events: [{user.name: x}]}]\n", good + "tests: [{alerts: -1, events: [{user.name: x}]}]\n", good + "tests: [{alerts: 1, events: {user.name: x}}]\n",
		good + "tests: [{alerts: 1, events: [x]}]\n", good + "tests: [{alerts: 1, events: []}]\n", good + "tests: [{alerts: 1, events: [{repeat: 0}]}]\n", good + "tests: [{alerts: 1, events: [{every: x}]}]\n", good + "tests: [{alerts: 1, events: [{user.name: x}], lists: [x]}]\n",
		"override:severity: loud\n", "override:explain: {ja: x}\n", "override:allow: [{when: true}]\n", "override:correlate: {steps: []}\n", "override:correlate: {within: x}\n", "override:suppress: {by: []}\n",
		"override:municipalities: {\"312011\": {allow: []}}\n", "override:municipalities: {\"312011\": {severity: loud}}\n", "override:municipalities: []\n", "override:changes: {at: x}\n",
		"override:changes: [{at: soon, by: sato, status: test, why: x}]\n", "override:changes: [{at: 2026-11-22T18:00:00+09:00, status: test, why: x}]\n",
	} {
		text, isOverride := strings.CutPrefix(text, "override:")
		if err := s.Check(s.Root, treeOf(t, text), ""); err == nil {
			t.Errorf("the schema allows %s", text)
		}
		if err := parsed(text, isOverride); err == nil {
			t.Errorf("the parser allows %s", text)
		}
	}
	for _, text := range []string{good, good + "correlate: {steps: [" + strings.Repeat("{when: true}, ", 64) + "], within: 1m}\n", "override:severity: low\n", "override:correlate: {over: {gt: 5}, within: 1h}\n", "override:suppress: {for: 1h}\n"} {
		text, isOverride := strings.CutPrefix(text, "override:")
		if err := errors.Join(s.Check(s.Root, treeOf(t, text), ""), parsed(text, isOverride)); err != nil {
			t.Error(text, err)
		}
	}
}

// TestTheSchemaKnowsTheTypesOfCorrelations: over all types and up to three of the
// keys that only some of them have, schema and parser agree.
func TestTheSchemaKnowsTheTypesOfCorrelations(t *testing.T) {
	s := testkit.ReadSchema(t, Schema())
	keys := []string{"", "count: 5", "distinct: user.name", "sum: network.bytes", "avg: network.bytes", "percentile: network.bytes", "over: 1", "rank: 95", "new: user.name", "learn: 1d", "spike: 2", "regular: 0.1", "until: true", "steps: [" + strings.Repeat("{when: true}, ", 5) + "]"}
	agreed := 0
	for _, kind := range append(typeNames(), "") {
		for i, a := range keys {
			for j, b := range keys[i:] {
				for _, c := range keys[i+j:] {
					lines := slices.DeleteFunc(slices.Compact([]string{a, b, c}), func(s string) bool { return s == "" })
					if kind != "" {
						lines = append(lines, "type: "+kind)
					}
					text := schemaHead + "when: has(user.name)\ncorrelate: {within: 1m, " + strings.Join(lines, ", ") + "}\n"
					serr, perr := s.Check(s.Root, treeOf(t, text), ""), parsed(text, false)
					if (serr == nil) != (perr == nil) {
						t.Fatalf("%s\nschema: %v\nparser: %v", text, serr, perr)
					}
					if perr == nil {
						agreed++
					}
				}
			}
		}
	}
	if agreed < 30 {
		t.Errorf("only %d of them are rules", agreed)
	}
}

// TestTheSchemaTakesWhatTheParserTakes: rules of the library, changed anywhere at
// random. What an editor marks is a mistake.
func TestTheSchemaTakesWhatTheParserTakes(t *testing.T) {
	s := testkit.ReadSchema(t, Schema())
	texts := libraryTexts(t)
	names := slices.Sorted(maps.Keys(texts))
	var keys []string
	for _, m := range mappings {
		keys = append(keys, slices.Sorted(maps.Keys(schemaKeys(t, s, m.at)))...)
	}
	values := []any{"x", "", "high", "test", "5m", "true", "has(user.name)", "user.name", 0, 1, 7, -1, 2.5, true, []any{}, []any{"user.name"}, map[string]any{}, map[string]any{"gte": 3}, map[string]any{"ja": "x"}}
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "rule")
		root, err := parseYAML(texts[name])
		if err != nil {
			t.Fatal(err)
		}
		tree := root.plain()
		node := tree
		for range rapid.IntRange(0, 4).Draw(t, "depth") {
			node = child(t, node)
		}
		if m, ok := node.(map[string]any); ok {
			key := rapid.SampledFrom(append(slices.Sorted(maps.Keys(m)), keys...)).Draw(t, "key")
			if m[key] = rapid.SampledFrom(values).Draw(t, "value"); rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
				delete(m, key)
			}
		} else if l, ok := node.([]any); ok && len(l) > 0 {
			l[rapid.IntRange(0, len(l)-1).Draw(t, "item")] = rapid.SampledFrom(values).Draw(t, "value")
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(tree); err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(name, b.Bytes()); err != nil {
			return
		}
		taken++
		again, yerr := parseYAML(b.String())
		if yerr != nil {
			t.Fatal(yerr)
		}
		if err := s.Check(s.Root, again.plain(), name); err != nil {
			t.Fatalf("the parser takes it: %v", err)
		}
	})
	if taken == 0 {
		t.Error("no changed rule was one")
	}
}

// child goes one step down, where there is one.
func child(t *rapid.T, node any) any {
	switch n := node.(type) {
	case map[string]any:
		if len(n) > 0 {
			return n[rapid.SampledFrom(slices.Sorted(maps.Keys(n))).Draw(t, "into")]
		}
	case []any:
		if len(n) > 0 {
			return n[rapid.IntRange(0, len(n)-1).Draw(t, "of")]
		}
	}
	return node
}
