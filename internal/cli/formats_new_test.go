package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFormatsNewDraftsAFormatThatWorksAtOnce(t *testing.T) {
	var in strings.Builder
	for i := range 20 {
		fmt.Fprintf(&in, "<134>Nov  1 09:15:02 fw9 kumo: kumo_id=%d src=10.0.0.%d dst=198.51.100.7 verdict=%s\n", i, i, []string{"permit", "deny"}[i%2])
	}
	dir := t.TempDir()
	samples, file := filepath.Join(t.TempDir(), "s.log"), filepath.Join(dir, "kumo.yaml")
	if err := os.WriteFile(samples, []byte(in.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := must(t, "", "formats", "new", "kumo-fw", "--from", samples, "--out", file); out != "" {
		t.Error(out)
	}
	if _, err := run(t, "", "formats", "new", "kumo-fw", "--from", samples, "--out", file); err == nil {
		t.Error("a file was written over")
	}
	if out := must(t, "", "formats", "test", "--formats", dir); !strings.Contains(out, "all tests passed") {
		t.Error(out)
	}
	out := must(t, "", "formats", "lint", dir)
	if !strings.Contains(out, "kumo.yaml:3:1: warning: kumo-fw: no `documentation`") || !strings.Contains(out, "\n0 errors") {
		t.Error(out)
	}
	bench := object(t, must(t, in.String(), "formats", "bench", "--from", "-", "--formats", dir, "--json"), "lines", "micros_per_line", "recognise_micros_per_line", "mb_per_second")
	if bench["lines"] != 20.0 || bench["unknown"] != nil {
		t.Errorf("%v", bench)
	}
	if out := must(t, "", "formats", "bench", "--formats", dir); !strings.Contains(out, "\nkumo-fw ") || !strings.Contains(out, "\nfortigate ") {
		t.Error(out)
	}
	broken := strings.Replace(readAll(t, file), "event.action: permit", "event.action: other", 1)
	if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, "", "formats", "lint", dir); err == nil || !strings.Contains(out, ": error: kumo-fw: ") {
		t.Errorf("%v\n%s", err, out)
	}
}

func readAll(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
