package rules

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"mimamori/event"
	"mimamori/internal/lang"
)

const ruleHead = "title: {en: x}\nseverity: high\n"

// folderOf makes a folder of files.
func folderOf(files ...string) fstest.MapFS {
	dir := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		dir[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return dir
}

var macroRules = []string{
	"macros.yaml", "adminTools: 'process.name in [\"psexec.exe\", \"wmic.exe\"]'\n管理: |\n  adminTools()\n  && user.name != \"sato\"\nidle: has(host.name)\nidler: idle()\n",
	"a.yaml", "id: a\n" + ruleHead + "when: 管理() && has(source.ip)\nallow:\n  - {when: maintenance(), owner: x, reason: y}\n",
	"sub/b.yaml", "id: b\n" + ruleHead + "correlate:\n  by: [host.name]\n  within: 1h\n  until: maintenance()\n  steps: [{name: x, when: adminTools()}, {name: y, when: not adminTools()}]\n",
	"c.yaml", "id: c\n" + ruleHead + "when: has(user.name)\n",
	"sub/macros.yml", "maintenance: host.name == \"m1\"\nnight: hour(@timestamp) >= 22\n",
	"overrides/c.yaml", "allow: [{when: night(), owner: x, reason: y}]\n",
}

func TestMacrosStandWhereverAConditionDoes(t *testing.T) {
	s, err := Load(folderOf(macroRules...))
	if err != nil {
		t.Fatal(err)
	}
	x, b := new(event.Builder), event.Batch{}
	for name, v := range map[string]event.Value{"process.name": event.String("wmic.exe"), "user.name": event.String("abe"), "source.ip": event.String("192.0.2.1"), "host.name": event.String("m1")} {
		x.Set(event.MustLookup(name), v)
	}
	want := `✓ a
  allow: y
  ✓ and
    ✓ 管理()
      ✓ and
        ✓ adminTools()
          ✓ process.name in ["psexec.exe", "wmic.exe"]  ← "wmic.exe"
        ✓ not
          ✗ user.name == "sato"  ← "abe"
    ✓ has(source.ip)  ← "192.0.2.1"
  index: process.name = "psexec.exe" | process.name = "wmic.exe"
`
	ev := b.Append(x, event.Ref{})
	if got := Explain(s.Get("a"), ev).String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if x := Explain(s.Get("b"), ev); len(x.Conditions) != 3 || x.Conditions[2].Text != "maintenance()" || !x.Conditions[2].Value {
		t.Errorf("b: %+v", x)
	}
	if got := s.Get("c").Allow[0].When.Calls; !slices.Equal(got, []string{"night"}) {
		t.Error("the override calls", got)
	}
	var unused []string
	for _, f := range Lint(s) {
		if f.Code == "unused-macro" {
			unused = append(unused, f.File+" "+f.Rule)
		}
	}
	if want := []string{"macros.yaml:5 idle()", "macros.yaml:6 idler()"}; !slices.Equal(unused, want) {
		t.Errorf("unused: %q, want %q", unused, want)
	}
}

func TestMistakesInMacrosAreToldOnceAtTheirPlace(t *testing.T) {
	uses := "id: a\n" + ruleHead + "when: has(user.name) && adminTols()\n"
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"unknown macro":   {[]string{"macros.yaml", "adminTools: has(user.name)\n", "a.yaml", uses}, "a.yaml:4:25: unknown function \"adminTols\" (did you mean adminTools()?)\n  when: has(user.name) && adminTols()\n                          ^"},
		"no macros":       {[]string{"a.yaml", uses}, "a.yaml:4:25: unknown function \"adminTols\" ("},
		"in an override":  {[]string{"c.yaml", macroRules[7], "overrides/c.yaml", "allow:\n  - when: nigth()\n    owner: x\n    reason: y\n"}, "overrides/c.yaml:2:11: unknown function \"nigth\""},
		"in the macro":    {[]string{"macros.yaml", "x: true\nadminTols: >-\n  has(user.name)\n  && sorce.ip == \"192.0.2.1\"\nb: adminTols()", "a.yaml", uses, "b.yaml", "id: b\n" + ruleHead + "when: b()\n", "c.yaml", macroRules[7]}, "macros.yaml:4:6: unknown field \"sorce.ip\"; rules that need the macro adminTols cannot load: a, b (did you mean source.ip?)\n    && sorce.ip == \"192.0.2.1\"\n       ^"},
		"nobody uses it":  {[]string{"macros.yaml", "x: user.nam == \"a\"\n", "c.yaml", macroRules[7]}, "macros.yaml:1:4: unknown field \"user.nam\" (did you mean"},
		"circle":          {[]string{"macros.yaml", "a: has(user.name) || b()\nb: not a()\n", "c.yaml", macroRules[7]}, "macros.yaml:2:8: the macro a calls itself: a() → b() → a()"},
		"name":            {[]string{"macros.yaml", "ok: true\nicontains: true\n"}, "macros.yaml:2:1: there is a function icontains already"},
		"twice":           {[]string{"macros.yaml", "a: true\na: false\n"}, "macros.yaml:2:1: mapping key \"a\" already defined"},
		"in two files":    {[]string{"macros.yaml", "b: true\na: true\n", "z/macros.yaml", "\na: false\n"}, "z/macros.yaml:2:1: the macro a is in macros.yaml:2 already (give one of them another name)"},
		"no mapping":      {[]string{"macros.yaml", "- a\n"}, "macros.yaml:1:1: macros must be a mapping"},
		"no text":         {[]string{"macros.yaml", "a: [x]\n"}, "macros.yaml:1:4: a must be text, not a list"},
		"nothing":         {[]string{"macros.yaml", "a:\n"}, "macros.yaml:1:4: a must be text, not nothing"},
		"empty":           {[]string{"macros.yaml", "a: ''\n"}, "macros.yaml:1:5: unexpected token EOF"},
		"syntax":          {[]string{"macros.yaml", "a: true\nb: {x\n", "a.yaml", uses}, "macros.yaml:2:5:"},
		"grows too large": {[]string{"macros.yaml", "a: user.name in [" + strings.Repeat(`"a",`, 4000) + "\"b\"]\nb: a() || a()\nc: b() && b()\n"}, "macros.yaml:3:11: with b the condition becomes too large"},
	} {
		_, err := Load(folderOf(c.files...))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Count(err.Error(), "yaml:") > 1 && name != "in two files" {
			t.Errorf("%s:\n got %v\nwant %s", name, err, c.want)
		}
	}
}

// TestTheVersionIsThatOfTheMacrosToo: a rule is another one when a macro changes
// that it needs, and only such rules are read again.
func TestTheVersionIsThatOfTheMacrosToo(t *testing.T) {
	dir := folderOf(macroRules...)
	old, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for change, want := range map[string][]string{
		"":                  nil,
		"psexec.exe>ps.exe": {"a", "b"},
		"sato>kato":         {"a"},
		"m1>m2":             {"a", "b"},
		">= 22>>= 23":       {"c"}, // by its override
		"has(host.name)>has(source.ip)\n# a remark": nil,
	} {
		next := maps.Clone(dir)
		for name, f := range dir {
			if from, to, ok := strings.Cut(change, ">"); ok && strings.Contains(name, "macros") {
				if rest, isMore := strings.CutPrefix(to, "= 22>"); isMore {
					from, to = ">= 22", rest
				}
				next[name] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(string(f.Data), from, to))}
			}
		}
		s, err := Reload(old, next)
		if err != nil {
			t.Fatal(change, err)
		}
		fresh, err := Load(next)
		if err != nil {
			t.Fatal(change, err)
		}
		var versions, read []string
		for _, r := range s.Rules() {
			if r.Version != old.Get(r.ID).Version {
				versions = append(versions, r.ID)
			}
			if r.units[0].root == nil || &r.units[0] != &old.Get(r.ID).units[0] {
				read = append(read, r.ID)
			}
			if r.Version != fresh.Get(r.ID).Version {
				t.Errorf("%s: %s has another version when it is read anew", change, r.ID)
			}
		}
		if !slices.Equal(versions, want) {
			t.Errorf("%s: new versions of %q, want %q", change, versions, want)
		}
		if want = slices.DeleteFunc(want, func(id string) bool { return id == "c" }); !slices.Equal(read, want) {
			t.Errorf("%s: read %q again, want %q", change, read, want)
		}
	}
	gone := maps.Clone(dir)
	gone["macros.yaml"] = &fstest.MapFile{Data: []byte("other: true\n")}
	if _, err := Reload(old, gone); err == nil || !strings.Contains(err.Error(), "a.yaml:4:7: unknown function \"管理\"") {
		t.Error("a macro that is gone:", err)
	}
}

func TestOneFileFindsTheMacrosBesideIt(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.yaml": macroRules[3], "macros.yaml": macroRules[1], "macros.yml": macroRules[9]} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := LoadFile(filepath.Join(dir, "a.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Get("a") == nil || len(s.Rules()) != 1 {
		t.Error(s.Rules())
	}
	if err := os.WriteFile(filepath.Join(dir, "macros.yaml"), []byte("管理: user.nam == \"a\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(dir, "macros.yaml") + ":1:5: unknown field"
	if _, err := LoadFile(filepath.Join(dir, "a.yaml")); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err := Load(Dir(dir)); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func FuzzMacros(f *testing.F) {
	f.Add([]byte(macroRules[1]))
	f.Add([]byte("a: a()\nb: \"x\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Load(fstest.MapFS{"macros.yaml": {Data: data}, "a.yaml": {Data: []byte("id: a\n" + ruleHead + "when: has(user.name) && adminTools()\n")}})
		if err == nil && (s.macros.Text("adminTools") == "" || lang.MacroName("adminTools") != "") {
			t.Error("a rule calls a macro that is not there")
		}
	})
}
