package lint

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

func TestTheTreeKeepsTheHouseRules(t *testing.T) {
	tree, err := loadTree(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.files) < 20 {
		t.Fatalf("only %d Go files below %s: the checks would pass on nothing", len(tree.files), root)
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range sorted(c.run(tree)) {
				t.Error(f)
			}
		})
	}
}

// sorted gives each finding once, in the order of files, as text.
func sorted(all []finding) []string {
	slices.SortFunc(all, func(a, b finding) int {
		if c := strings.Compare(a.file, b.file); c != 0 {
			return c
		}
		return a.line - b.line
	})
	var out []string
	for _, f := range all {
		out = append(out, f.String())
	}
	return slices.Compact(out)
}

// The municipality's program must build without cgo wherever it is used.
func TestTheCollectorNeedsNoCgo(t *testing.T) {
	const pkg = "./cmd/mimamori-collector"
	if _, err := os.Stat(filepath.Join(root, pkg)); err != nil {
		t.Fatalf("%s is not there: %v", pkg, err)
	}
	for _, goos := range []string{"linux", "windows"} {
		for _, goarch := range []string{"amd64", "arm64"} {
			t.Run(goos+"/"+goarch, func(t *testing.T) {
				t.Parallel()
				reasons, err := cgoReached(t.Context(), root, pkg, goos, goarch)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range reasons {
					t.Errorf("%s does not build for %s/%s without cgo: %s", pkg, goos, goarch, r)
				}
			})
		}
	}
}

func TestCgoOnTheWayIsFound(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":      "module m\n\ngo 1.26\n",
		"main.go":     "package main\n\nimport _ \"m/c\"\n\nfunc main() {}\n",
		"c/c.go":      "package c\n\nimport \"C\"\n",
		"pure/p.go":   "package main\n\nimport _ \"net\"\n\nfunc main() {}\n",
		"broken/b.go": "package main\n\nimport _ \"m/gone\"\n\nfunc main() {}\n",
	} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for pkg, want := range map[string]bool{".": true, "./pure": false, "./broken": true} {
		reasons, err := cgoReached(t.Context(), dir, pkg, "linux", "amd64")
		if err != nil {
			t.Fatal(err)
		}
		if (len(reasons) > 0) != want {
			t.Errorf("%s: %q, want reasons: %v", pkg, reasons, want)
		}
	}
}
