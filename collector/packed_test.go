package collector

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"mimamori/frame"
)

func packed(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	_, err := io.WriteString(zip, text)
	if err := cmpErr(err, zip.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPackedFilesAreReadOnce(t *testing.T) {
	in, path := fileIn(t, "*.gz")
	dir := filepath.Dir(path)
	var want []string
	for i := range 5 {
		more, text := numbered(100*i, 100)
		want = append(want, more...)
		if i == 0 {
			text = text[:len(text)-1] // no newline at the end
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i, ".gz")), packed(t, text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "empty.gz"), packed(t, ""), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newTail(t, in)
	r.start()
	r.want(500, want)
	r.kill()
	for i := 5; i > 0; i-- { // renamed while nobody looks
		rename(t, filepath.Join(dir, fmt.Sprint(i-1, ".gz")), filepath.Join(dir, fmt.Sprint(i, ".gz")))
	}
	r.start()
	defer func() { r.kill() }()
	if err := os.WriteFile(filepath.Join(dir, "new.gz"), append(packed(t, "new\n"), packed(t, "in two parts\n")...), 0o600); err != nil {
		t.Fatal(err)
	}
	r.want(502, append(want, "new", "in two parts"))
}

func TestPackedFileThatIsCutIsReadOnWhenItIsWhole(t *testing.T) {
	in, path := fileIn(t, "*.gz")
	path = filepath.Join(filepath.Dir(path), "a.gz")
	want, text := numbered(0, 20_000)
	b := packed(t, text)
	if err := os.WriteFile(path, b[:len(b)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	r := newTail(t, in)
	r.start()
	defer func() { r.kill() }()
	if !r.has(1000) {
		t.Fatal("what is there was not read")
	}
	write(t, path, string(b[len(b)/2:]))
	r.want(20_000, want)
}

func TestPackedFileThatIsDamagedDoesNotHoldUpOthers(t *testing.T) {
	in, dir := fileIn(t, "*")
	for name, text := range map[string]string{"a.gz": "no gzip at all", "b.gz": "", "c.gz": "\x1f\x8b\x08", "d.gz": string(packed(t, "good\n")) + "rubbish"} {
		write(t, filepath.Join(dir, name), text)
	}
	write(t, filepath.Join(dir, "e.log"), "plain\n")
	r := newTail(t, in)
	r.start()
	defer func() { r.kill() }()
	r.want(2, []string{"plain", "good"})
}

func TestBombCostsNoMemory(t *testing.T) {
	in, path := fileIn(t, "*.gz")
	path = filepath.Join(filepath.Dir(path), "a.gz")
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	line := strings.Repeat("x", 4<<20)
	for range 64 { // 256 MiB, lines beyond the bound
		if _, err := io.WriteString(zip, line+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmpErr(zip.Close(), os.WriteFile(path, b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // other tests' garbage is not ours
	runtime.GC()
	var before, mem runtime.MemStats
	runtime.ReadMemStats(&before)
	r := newTail(t, in)
	r.slim = true
	r.start()
	defer func() { r.kill() }()
	if !r.has(64) {
		t.Fatalf("%d lines", r.count())
	}
	runtime.ReadMemStats(&mem)
	if grown := int64(mem.HeapInuse) - int64(before.HeapInuse); grown > 64<<20 {
		t.Errorf("%d MiB", grown>>20)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range r.recs {
		if rec.Flags != frame.Truncated || rec.Total != 4<<20 {
			t.Fatalf("%d of %d", rec.Flags, rec.Total)
		}
	}
}

func FuzzUnpacked(f *testing.F) {
	f.Add(packed(f, "a\nb\n"), uint16(1))
	f.Add([]byte("\x1f\x8b\x08"), uint16(7))
	f.Fuzz(func(t *testing.T, data []byte, at uint16) {
		path := filepath.Join(t.TempDir(), "x.gz")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := openShared(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		u := &unpacked{content: file, stop: func() bool { return false }}
		var want []byte
		if zip, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
			want, _ = io.ReadAll(io.LimitReader(zip, 1<<20))
		}
		for _, off := range []int{int(at), 0, int(at) / 2} { // back and forth
			got := make([]byte, 100)
			n, _ := u.ReadAt(got, int64(off))
			if rest := want[min(off, len(want)):]; !bytes.Equal(got[:n], rest[:min(n, len(rest))]) {
				t.Errorf("at %d: %q, want %q", off, got[:n], rest)
			}
		}
	})
}
