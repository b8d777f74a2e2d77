package sigma

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"mimamori/event"
	"mimamori/internal/lang"
	"mimamori/rules"
)

const (
	first  = "11111111-2222-3333-4444-555555555555"
	second = "22222222-2222-3333-4444-555555555555"
)

func sources(image string, ids ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for _, id := range ids {
		text := strings.ReplaceAll(string(sigmaRule(processCreation, "s: {Image: "+image+"}\ncondition: s")), first, id)
		out[id+".yml"] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func bring(t *testing.T, src fstest.MapFS, dir string, o Options) Report {
	t.Helper()
	rep, err := Import(src, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestAnImportAgainSaysWhatChangedAndKeepsOverrides(t *testing.T) {
	dir := t.TempDir()
	if rep := bring(t, sources("a", first, second), dir, Options{}); len(rep.Added) != 2 {
		t.Fatalf("%+v", rep)
	}
	override := filepath.Join(dir, rules.Overrides, first+".yaml")
	put(t, override, "severity: low\nstatus: stable\nallow: [{when: user.name == \"backup\", owner: soc, reason: it is its work}]\nsuppress: {by: [host.name], for: 2h}\n")
	put(t, filepath.Join(dir, "own.yaml"), "id: own\ntitle: {ja: 自前}\nwhen: has(user.name)\n")
	if rep := bring(t, sources("a", first, second), dir, Options{}); len(rep.Added)+len(rep.Changed)+len(rep.Removed)+len(rep.Kept) > 0 {
		t.Errorf("nothing changed: %+v", rep)
	}
	before, _ := os.ReadFile(filepath.Join(dir, first+".yaml"))
	if rep := bring(t, sources("b", first), dir, Options{DryRun: true}); !slices.Equal(rep.Changed, []string{first}) || !slices.Equal(rep.Removed, []string{second}) {
		t.Errorf("%+v", rep)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, first+".yaml")); !bytes.Equal(before, after) {
		t.Error("a dry run wrote")
	}
	bring(t, sources("b", first), dir, Options{})
	if _, err := os.Stat(filepath.Join(dir, second+".yaml")); !os.IsNotExist(err) {
		t.Error("a rule that is gone stays")
	}
	set, err := rules.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	r := set.Get(first)
	if r.Severity != event.Low || r.Status != rules.Stable || len(r.Allow) != 1 || r.Suppress.For.Hours() != 2 || set.Get("own") == nil {
		t.Errorf("%+v", r)
	}
	if rep := bring(t, fstest.MapFS{}, dir, Options{}); !slices.Equal(rep.Kept, []Kept{{first, Overridden}}) || len(rep.Removed) > 0 {
		t.Errorf("an overridden rule is kept: %+v", rep)
	}
}

func TestSomebodyElsesRuleIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, first+".yaml")
	put(t, path, "id: "+first+"\n")
	rep := bring(t, sources("a", first), dir, Options{})
	if text, _ := os.ReadFile(path); rep.Reasons["file in the way"] != 1 || rep.Imported != 0 || string(text) != "id: "+first+"\n" {
		t.Errorf("%+v %s", rep, text)
	}
}

func TestIdsAreMadeWhereThereIsNone(t *testing.T) {
	rule := func(head, image string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(head + "\nlogsource: {" + processCreation + "}\ndetection: {s: {Image: " + image + "}, condition: s}\n")}
	}
	dir := t.TempDir()
	rep := bring(t, fstest.MapFS{
		"a.yml": rule("title: Ein Titel & mehr", "a"), "b.yml": rule("title: Ein Titel\nid: X", "a"),
		"c.yml": rule("title: C\nid: "+first, "a"), "d.yml": rule("title: D\nid: "+first, "b"), "e.yml": rule("title: E\nid: "+first, "b"),
		"f.yml": rule("title: 日本語", "a"),
	}, dir, Options{})
	if rep.Imported != 5 || rep.Reasons["duplicate id"] != 1 {
		t.Errorf("%+v", rep)
	}
	if _, err := rules.Load(os.DirFS(dir)); err != nil {
		t.Error(err)
	}
}

func zipped(lines string) *fstest.MapFile {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(lines))
	_ = z.Close()
	return &fstest.MapFile{Data: b.Bytes()}
}

func TestRegressionDataBecomeTests(t *testing.T) {
	data := fstest.MapFS{
		"events.jsonl.gz": zipped(`{"rule":"` + first + `","event":{"System":{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Provider":{"#attributes":{"Name":"p"}}},"EventData":{"Image":"A","Empty":"","Nothing":null,"Data":{"#text":["x","y"]}}}}
{"rule":"` + second + `","event":{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Image":"other"}}
`),
		"tests.jsonl.gz": zipped(`{"rule_id":"` + first + `","test":"fires","match_count":1}
{"rule_id":"` + second + `","test":"fires","match_count":null}
`),
	}
	dir := t.TempDir()
	rep := bring(t, sources("a", first, second), dir, Options{Regression: data})
	if rep.Tests.Rules != 1 || len(rep.Tests.Failing) != 1 {
		t.Errorf("%+v", rep.Tests)
	}
	set, err := rules.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if tests := set.Get(first).Tests; len(tests) != 1 || tests[0].Alerts != 1 || len(rules.Test(set)) > 0 {
		t.Errorf("%+v %v", tests, rules.Test(set))
	}
}

// Whatever a mapping makes of a field, the loader takes it, in any order.
func TestEveryMappedFieldIsAField(t *testing.T) {
	m, err := loadMappings()
	if err != nil {
		t.Fatal(err)
	}
	for key, e := range *m {
		if _, ok := (*m)[e.Like]; e.Like != "" && !ok {
			t.Errorf("%s is like %s, which is not there", key, e.Like)
		}
		folded := map[string]string{}
		for name := range e.Fields {
			if other := folded[strings.ToLower(name)]; other != "" {
				t.Errorf("%s: %s and %s are one field", key, name, other)
			}
			folded[strings.ToLower(name)] = name
		}
		s := m.source(key, "")
		refs := []string{}
		for _, fields := range s.fields {
			for _, f := range fields {
				refs = append(refs, f.ref())
			}
		}
		for _, name := range s.by {
			refs = append(refs, name)
		}
		refs = append(refs, s.suppress...)
		if s.prefix != "" {
			refs = append(refs, s.prefix+"user")
		}
		for _, ref := range refs {
			if _, err := rules.Parse("x.yaml", []byte("id: x\ntitle: {en: x}\nwhen: has("+ref+")\n")); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
		if s.when != "" {
			if _, err := lang.Parse(s.when); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
	}
}
