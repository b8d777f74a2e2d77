package format

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"mimamori/internal/testkit"
)

func TestTheBuiltInFormatsAreOfTheSchema(t *testing.T) {
	schema := testkit.ReadSchema(t, Schema())
	part := maps.Clone(schema.Root)
	delete(part, "required")
	for pattern, want := range map[string]map[string]any{"*.yaml": schema.Root, "parts/*.yaml": part} {
		files, err := fs.Glob(Files(), pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(err, files)
		}
		for _, name := range files {
			text, err := fs.ReadFile(Files(), name)
			if err != nil {
				t.Fatal(err)
			}
			var x map[string]any
			if err := yaml.Unmarshal(text, &x); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := schema.Check(want, x, name); err != nil {
				t.Errorf("%.600s", err)
			}
		}
	}
	for _, wrong := range []string{"cutt: kv", "cut: kw", "set: {event.category: [net]}", "fields: {a: {too: b}}", "tests: [{name: x}]", "fields: {a: {to: b, as: lowr}}", "ecs: 1"} {
		var x map[string]any
		if err := yaml.Unmarshal([]byte(wrong), &x); err != nil {
			t.Fatal(err)
		}
		if schema.Check(part, x, "") == nil {
			t.Errorf("the schema allows %s", wrong)
		}
	}
}

// places are where the decoder knows a closed list of keys: a format in which
// HOLE stands for one of them, and where the schema lists them.
var places = []struct{ def, text string }{
	{"", "HOLE: 1"},
	{"properties.title", "title: {HOLE: 1}"},
	{"alternative", "recognise: [{HOLE: 1}]"},
	{"cut.anyOf.2", "cut: {HOLE: 1}"},
	{"inside.additionalProperties.anyOf.1", "inside: {a: {HOLE: 1}}"},
	{"columns", "cut: {columns: {HOLE: 1}}"},
	{"branch", "cut: {columns: {names: [a], by: a, cases: {b: {HOLE: 1}}}}"},
	{"pairs", "cut: {pairs: {HOLE: 1}}"},
	{"pattern.anyOf.1", "cut: {dissect: [{HOLE: 1}]}"},
	{"pattern.anyOf.1", "cut: {regex: [{HOLE: 1}]}"},
	{"mapping", "fields: {a: {HOLE: 1}}"},
	{"block", "blocks: {a: {HOLE: 1}}"},
	{"step", "then: [{HOLE: 1}]"},
	{"join.anyOf.1", "blocks: {a: {join: {event.action: {HOLE: 1}}}}"},
	{"time.anyOf.1", "time: [{HOLE: 1}]"},
	{"properties.unwrap.anyOf.1", "unwrap: {HOLE: 1}"},
	{"test", "tests: [{HOLE: 1}]"},
}

// Every key that the decoder knows is in the schema, and the other way round: at
// each place each key that is known anywhere is tried.
func TestTheSchemaHasTheDecodersKeys(t *testing.T) {
	schema := testkit.ReadSchema(t, Schema())
	universe := map[string]bool{"nonsense": true}
	for _, text := range []string{topKeys, altKeys, blockKeys, mappingKeys, testKeys, cutKinds, "when, by, cases, else, pattern, like, separator, least, labels, names, between, equals, from, layout, zone, text, app, pid, ja, en, starts, cut"} {
		for k := range strings.SplitSeq(text, ", ") {
			universe[k] = true
		}
	}
	for _, pl := range places {
		props := propsAt(t, schema, pl.def)
		for k := range props {
			universe[k] = true
		}
	}
	for _, pl := range places {
		props := propsAt(t, schema, pl.def)
		for k := range universe {
			if known := decodes(t, pl.text, k); known != props[k] {
				t.Errorf("%s: %q: the decoder knows it: %v, the schema: %v", pl.text, k, known, props[k])
			}
		}
	}
}

// decodes tells whether the decoder knows a key at a place.
func decodes(t *testing.T, place, key string) bool {
	t.Helper()
	base := map[string]string{"name": "name: a", "module": "module: a", "dataset": "dataset: a.a", "recognise": "recognise: [{starts: [x]}]", "cut": "cut: {dissect: ['%{a} x']}"}
	top, _, _ := strings.Cut(strings.Replace(place, "HOLE", key, 1), ":")
	base[top] = strings.Replace(place, "HOLE", key, 1)
	_, err := loadText(strings.Join(slices.Collect(maps.Values(base)), "\n") + "\n")
	return err == nil || !strings.Contains(err.Error(), fmt.Sprintf("unknown key %q", key))
}

// propsAt finds the keys that the schema lists at a place.
func propsAt(t *testing.T, s testkit.Schema, def string) map[string]bool {
	t.Helper()
	var at any = s.Root
	if !strings.HasPrefix(def, "properties") && def != "" {
		at = s.Defs
	}
	for part := range strings.SplitSeq(def, ".") {
		switch x := at.(type) {
		case map[string]any:
			if def != "" {
				at = x[part]
			}
		case []any:
			at = x[part[0]-'0']
		}
	}
	obj, ok := at.(map[string]any)["properties"].(map[string]any)
	if !ok {
		t.Fatalf("the schema has no properties at %q", def)
	}
	out := map[string]bool{}
	for k := range obj {
		out[k] = true
	}
	return out
}

func TestTheSchemaHasTheValuesThatAreAllowed(t *testing.T) {
	schema := testkit.ReadSchema(t, Schema())
	list := func(x any) (out []string) {
		for _, s := range x.([]any) {
			out = append(out, s.(string))
		}
		slices.Sort(out)
		return out
	}
	set := schema.Defs["set"].(map[string]any)["properties"].(map[string]any)
	for field, allowed := range ecsAllowed {
		one := set[field].(map[string]any)
		if forms, ok := one["anyOf"].([]any); ok {
			one = forms[0].(map[string]any)
		}
		if got := list(one["enum"]); !slices.Equal(got, slices.Sorted(maps.Keys(allowed))) {
			t.Errorf("%s: %v", field, got)
		}
	}
	as := schema.Defs["mapping"].(map[string]any)["properties"].(map[string]any)["as"].(map[string]any)["anyOf"].([]any)[0].(map[string]any)
	if got := list(as["enum"]); !slices.Equal(got, transformNames()) {
		t.Errorf("as: %v, the decoder knows %v", got, transformNames())
	}
	cut := schema.Defs["cut"].(map[string]any)["anyOf"].([]any)[0].(map[string]any)
	want := append(slices.Sorted(maps.Keys(shapeKinds)), "none")
	slices.Sort(want)
	if got := list(cut["enum"]); !slices.Equal(got, want) {
		t.Errorf("cut: %v, the decoder knows %v", got, want)
	}
}
