package lists

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mimamori/internal/place"
)

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name+".txt"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReloadFollowsTheFolderAndKeepsWhatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(filepath.Join(dir, "not-there"))
	if err != nil || l.Contains("servers", "x") {
		t.Fatal(err)
	}
	write(t, dir, "servers", "# ours\nSRV1  # the first\n\n10.1.0.0/16\n*.example.jp\n2001:DB8::1\n")
	if l, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]bool{
		"srv1": true, "SRV1": true, "srv2": false, "10.1.2.3": true, "10.2.2.3": false, "::ffff:10.1.2.3": true,
		"a.EXAMPLE.jp": true, "example.jp": false, "2001:0db8:0:0:0:0:0:1": true, "": false, "# ours": false,
	} {
		if l.Contains("servers", value) != want {
			t.Errorf("%q: want %v", value, want)
		}
	}
	for name, want := range map[string]string{"*servers*": "x srv1 y", "servers*": "SRV12", "*servers": "a.srv1", "*servers**": "on b.example.jp!"} {
		for value, in := range map[string]bool{want: true, "srv": false} {
			if l.Contains(name, value) != in {
				t.Errorf("%s, %q: want %v", name, value, in)
			}
		}
	}
	if l.Contains("servers*", "xsrv1") || l.Contains("*servers", "srv12") {
		t.Error("a star stands on one side")
	}
	if changed, err := l.Reload(); err != nil || len(changed) != 0 {
		t.Errorf("nothing changed: %v, %v", changed, err)
	}
	write(t, dir, "servers", "srv2\n\xff\xfe\n")
	write(t, dir, "others", "pc1")
	changed, err := l.Reload()
	var mistake *place.Error
	if !errors.As(err, &mistake) || mistake.Line != 2 || !slices.Equal(changed, []string{"others"}) || !l.Contains("servers", "srv1") || !l.Contains("others", "pc1") {
		t.Errorf("changed %v, %v", changed, err)
	}
	if changed, err := l.Reload(); !errors.As(err, &mistake) || len(changed) != 0 {
		t.Errorf("the mistake stands and is not told again: %v, %v", changed, err)
	}
	if err := os.Remove(filepath.Join(dir, "others.txt")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "servers", "srv2\n")
	if changed, err := l.Reload(); err != nil || !slices.Equal(changed, []string{"others", "servers"}) || l.Contains("others", "pc1") || !l.Contains("servers", "srv2") {
		t.Errorf("changed %v, %v", changed, err)
	}
	if changed, err := l.Reload(); err != nil || len(changed) != 0 || l.Contains("servers", "srv1") {
		t.Errorf("the mistake is mended: %v, %v", changed, err)
	}
}

// TestAListIsItsLines: what a naive walk over the lines answers.
func TestAListIsItsLines(t *testing.T) {
	word := rapid.SampledFrom([]string{"a", "A", "srv-1", "10.1.2.3", "10.1.0.0/16", "10.1.2.0/24", "192.168.0.1", "::1", "日本", "é"})
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(word).Draw(t, "lines")
		x, err := parse("x.txt", []byte(strings.Join(lines, "\r\n")))
		if err != nil {
			t.Fatal(err)
		}
		value := word.Draw(t, "value")
		want := slices.ContainsFunc(lines, func(line string) bool {
			if p, err := netip.ParsePrefix(line); err == nil {
				a, err := netip.ParseAddr(value)
				return err == nil && p.Contains(a)
			}
			return strings.EqualFold(line, value)
		})
		if strings.Contains(value, "/") {
			want = false
		}
		if x.contains(value) != want {
			t.Fatalf("%q in %q: want %v", value, lines, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("a\n10.0.0.0/8 # net\n*.x?\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := parse("x.txt", b)
		if err != nil {
			return
		}
		for value := range x.values {
			if !x.contains(value) {
				t.Errorf("%q is a value and not in the list", value)
			}
		}
	})
}

func BenchmarkContains(b *testing.B) {
	x := &list{values: map[string]struct{}{}}
	for i := range 1_000_000 {
		x.add(fmt.Sprintf("host%d.example.jp", i))
	}
	for b.Loop() {
		if !x.contains("host77.example.jp") {
			b.Fatal("not found")
		}
	}
}
