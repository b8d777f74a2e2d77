package sigma

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mimamori/internal/testkit"
	"mimamori/rules"
)

// corpora unpacks the Sigma rules; the test is skipped where they are not.
func corpora(t testing.TB) fs.FS {
	t.Helper()
	dir := testkit.Corpora(t)
	data, err := os.ReadFile(filepath.Join(dir, "sigma", "sigma-rules-and-spec.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out := fstest.MapFS{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(h.Name, "./")
		for _, live := range []string{"rules", "rules-emerging-threats", "rules-threat-hunting", "rules-compliance"} {
			if strings.HasPrefix(name, "sigma/"+live+"/") && h.Typeflag == tar.TypeReg {
				body, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				out[name] = &fstest.MapFile{Data: body}
			}
		}
	}
	return out
}

func TestMostLiveRulesAreImportedAndLoadQuickly(t *testing.T) {
	src, out := corpora(t), t.TempDir()
	rep, err := Import(src, out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("total %d, imported %d, refused %d", rep.Total, rep.Imported, rep.Refused)
	for _, k := range slices.Sorted(maps.Keys(rep.Reasons)) {
		t.Logf("%4d %s", rep.Reasons[k], k)
	}
	for _, r := range rep.Refusals {
		t.Logf("%s: %s: %s", r.File, r.Kind, r.Detail)
	}
	if rep.Total != 3757 || rep.Imported*100 < rep.Total*97 {
		t.Errorf("imported %d of %d", rep.Imported, rep.Total)
	}
	start := time.Now()
	s, err := rules.Load(os.DirFS(out))
	if err != nil {
		t.Fatal(err)
	}
	loaded := time.Since(start)
	rules.NewEngine(s, rules.Options{})
	t.Logf("loaded %d rules in %v, compiled in %v", len(s.Rules()), loaded, time.Since(start)-loaded)
}
