package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sigmaText(id, level, image string) string {
	return "title: A tool\nid: " + id + "\nstatus: stable\nlevel: " + level + "\nlogsource: {product: windows, category: process_creation}\ndetection: {s: {CommandLine: " + image + "}, condition: s}\n"
}

func TestAnImportAgainTellsWhatItDid(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	src := folderOf(t, map[string]string{"a.yml": sigmaText("aa-1", "low", "x"), "b.yml": sigmaText("bb-2", "low", "x"), "c.yml": sigmaText("cc-3", "low", "x")})
	obj := object(t, must(t, "", "rules", "import", "--sigma", src, "--out", out, "--json"), "total", "imported", "refused", "reasons", "added", "removed", "changed", "kept")
	if obj["imported"] != 3.0 || len(obj["added"].([]any)) != 3 {
		t.Fatalf("%v", obj)
	}
	edited := filepath.Join(out, "bb-2.yaml")
	text, err := os.ReadFile(edited)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(edited, append(text, "# mine\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	src = folderOf(t, map[string]string{"a.yml": sigmaText("aa-1", "high", "[x, y]"), "b.yml": sigmaText("bb-2", "high", "x")})
	overrides := folderOf(t, map[string]string{"gone.yaml": "severity: low\n"})
	if err := os.Rename(overrides, filepath.Join(out, "overrides")); err != nil {
		t.Fatal(err)
	}
	got := must(t, "", "rules", "import", "--sigma", src, "--out", out)
	for _, want := range []string{
		"  changed aa-1: severity low → high, when (wider)\n", "  removed cc-3\n", "  kept bb-2: edited\n", "move the change to overrides/ID.yaml, delete the file and import again",
		"the folder cannot be loaded: overrides/gone.yaml:1:1: there is no rule gone to override", "0 added, 1 removed, 1 changed, 1 kept\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
