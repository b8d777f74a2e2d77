package sigma

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"mimamori/rules"
)

// snapshot is all files below a folder.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			var data []byte
			data, err = os.ReadFile(path)
			out[path] = string(data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnUpdateSaysWhatChangesInMeaning(t *testing.T) {
	dir := t.TempDir()
	bring(t, sources("a", first, second), dir, Options{})
	rep := bring(t, sources("b", first, second), dir, Options{})
	if len(rep.Changed) != 2 || len(rep.Problems) > 0 {
		t.Fatalf("%+v", rep)
	}
	c := rep.Changes[first]
	if len(c) != 2 || c[0].Field != "when" || !slices.Equal(c[0].Added, []string{`"b"`}) || !slices.Equal(c[0].Removed, []string{`"a"`}) {
		t.Errorf("%+v", c)
	}
	// The file says something else, the rule does not.
	src := sources("b", first)
	src["moved/"+first+".yml"], src[first+".yml"] = src[first+".yml"], &fstest.MapFile{}
	src[second+".yml"] = sources("b", second)[second+".yml"]
	rep = bring(t, src, dir, Options{})
	if text, _ := os.ReadFile(filepath.Join(dir, first+".yaml")); len(rep.Changed) > 0 || !strings.Contains(string(text), "moved/") {
		t.Errorf("%+v\n%s", rep.Update, text)
	}
}

// TestAnUpdateLeavesWhatPeopleWrote: whatever somebody edits, adds or overrides
// is as it was, is named, and is still so after another update.
func TestAnUpdateLeavesWhatPeopleWrote(t *testing.T) {
	edits := map[string]func(string) string{
		"a value":     func(s string) string { return strings.Replace(s, "severity: high", "severity: low", 1) },
		"a comment":   func(s string) string { return s + "# ours\n" },
		"the header":  func(s string) string { return strings.Replace(s, "# The next import", "# An import", 1) },
		"no hash":     func(s string) string { return strings.Replace(s, sealMark, "# ", 1) },
		"cut off":     func(s string) string { return s[:len(s)/2] },
		"only a line": func(s string) string { return header + "\n" },
	}
	for what, edit := range edits {
		dir := t.TempDir()
		bring(t, sources("a", first, second), dir, Options{})
		put(t, filepath.Join(dir, rules.Overrides, second+".yaml"), "severity: low\n")
		put(t, filepath.Join(dir, rules.Overrides, "notes.txt"), "ours")
		path := filepath.Join(dir, first+".yaml")
		text, _ := os.ReadFile(path)
		if edit(string(text)) == string(text) {
			t.Fatalf("%s: nothing was edited", what)
		}
		put(t, path, edit(string(text)))
		was := snapshot(t, dir)
		for _, src := range []fstest.MapFS{sources("a", first, second), sources("b", first), {}} {
			rep := bring(t, src, dir, Options{})
			i := slices.IndexFunc(rep.Kept, func(k Kept) bool { return k.ID == first })
			if i < 0 || rep.Kept[i].Why != Edited && rep.Kept[i].Why != EditedGone {
				t.Errorf("%s: %+v", what, rep.Update)
			}
			for path, text := range snapshot(t, dir) {
				if text != was[path] {
					t.Errorf("%s: %s changed", what, path)
				}
			}
		}
	}
}

func TestOtherLineEndsAreNoEdit(t *testing.T) {
	dir := t.TempDir()
	bring(t, sources("a", first), dir, Options{})
	path := filepath.Join(dir, first+".yaml")
	text, _ := os.ReadFile(path)
	put(t, path, "\uFEFF"+strings.ReplaceAll(string(text), "\n", "\r\n"))
	if rep := bring(t, sources("b", first), dir, Options{}); !slices.Equal(rep.Changed, []string{first}) || len(rep.Kept) > 0 {
		t.Errorf("%+v", rep.Update)
	}
}

func TestAFolderThatCannotBeLoadedIsSaid(t *testing.T) {
	dir := t.TempDir()
	bring(t, sources("a", first), dir, Options{})
	put(t, filepath.Join(dir, rules.Overrides, second+".yaml"), "severity: low\n")
	put(t, filepath.Join(dir, rules.Overrides, first+".yaml"), "correlate: {count: 3}\n")
	rep := bring(t, sources("a", first), dir, Options{})
	if all := strings.Join(rep.Problems, "\n"); len(rep.Problems) != 2 || !strings.Contains(all, "there is no rule "+second+" to override") || !strings.Contains(all, "has no correlation") {
		t.Errorf("%+v", rep.Problems)
	}
	_ = os.RemoveAll(filepath.Join(dir, rules.Overrides))
	put(t, filepath.Join(dir, rules.Overrides, "win-log-cleared.yaml"), "severity: low\n") // a built-in one
	if rep := bring(t, sources("a", first), dir, Options{}); len(rep.Problems) > 0 {
		t.Errorf("%+v", rep.Problems)
	}
}
