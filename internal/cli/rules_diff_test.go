package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folderOf writes files into a new folder.
func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestADiffIsReadByPeopleAndPrograms(t *testing.T) {
	one := "id: one\ntitle: {ja: 一つ}\nseverity: low\nwhen: event.outcome == \"failure\" && has(user.name)\nsuppress: {by: [municipality], for: 1h}\n"
	before := folderOf(t, map[string]string{"one.yaml": one, "gone.yaml": strings.ReplaceAll(one, "one", "gone"), "same.yaml": strings.ReplaceAll(one, "one", "same")})
	after := folderOf(t, map[string]string{
		"one.yaml":           strings.Replace(strings.Replace(one, "low", "high", 1), " && has(user.name)", "", 1),
		"new.yaml":           strings.ReplaceAll(one, "one", "new"),
		"same.yaml":          "# written otherwise\nwhen: |\n  has(user.name)\n  && event.outcome == \"failure\"\nid: same\nseverity: low\ntitle: {ja: 一つ}\nsuppress: {for: 60m, by: [municipality]}\n",
		"overrides/one.yaml": "allow: [{when: user.name == \"scan\", owner: soc, reason: agreed, expires: 2027-03-31}]\n",
	})
	want := `+ new (low, stable): 一つ
- gone (low, stable): 一つ
~ one (high, stable): 一つ
    severity: low → high
    when (wider):
      - has(user.name)
    allow:
      + when: user.name == "scan"; owner: soc; reason: agreed; expires: 2027-03-31
1 added, 1 removed, 1 changed, 1 the same
`
	if out := must(t, "", "rules", "diff", before, after); out != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
	obj := object(t, must(t, "", "rules", "diff", before, after, "--json"), "added", "removed", "changed", "same")
	if obj["same"] != 1.0 || len(obj["changed"].([]any)) != 1 {
		t.Errorf("%v", obj)
	}
	if out := must(t, "", "rules", "diff", "builtin", "builtin,"+before); !strings.Contains(out, "3 added, 0 removed, 0 changed") {
		t.Error(out)
	}
	if out := must(t, "", "rules", "diff", filepath.Join(before, "one.yaml"), filepath.Join(after, "one.yaml")); !strings.HasSuffix(out, "0 added, 0 removed, 1 changed, 0 the same\n") {
		t.Error(out)
	}
	for _, args := range [][]string{{filepath.Join(before, "none"), before}, {before, "builtin," + filepath.Join(before, "one.yaml")}} {
		if _, err := run(t, "", append([]string{"rules", "diff"}, args...)...); err == nil || !strings.Contains(err.Error(), "rules diff: ") {
			t.Errorf("%v: %v", args, err)
		}
	}
}
