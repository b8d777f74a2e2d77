package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mimamori/event"
	"mimamori/internal/testkit"
)

// TestMain lets the test binary be the program that is killed.
func TestMain(m *testing.M) {
	if os.Getenv("MIMAMORI_SQL_BOX") != "" { // a box's process
		if err := ServeSQL(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv("MIMAMORI_STORE_CRASH"); dir != "" {
		crashLoop(dir)
		return
	}
	if dir := os.Getenv("MIMAMORI_FOLLOW_CRASH"); dir != "" {
		followLoop(dir)
		return
	}
	os.Exit(m.Run())
}

// crashLoop commits, compacts and says so, until it is killed. Each commit has
// ten events of one frame.
func crashLoop(dir string) {
	s, err := Open(dir, Options{Threads: 1, MemoryMB: 128})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	next := uint64(1)
	for _, f := range s.Frames() {
		next = max(next, f.Last+1)
	}
	fmt.Println("open", next)
	for n := next; ; n += 10 {
		b, x := &event.Batch{}, new(event.Builder)
		for i := range uint64(10) {
			x.Set(event.MustLookup("@timestamp"), event.Time(int64(n+i)))
			x.Set(event.MustLookup("message"), event.String(strings.Repeat("x", int(n%5000))))
			b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: n + i})
		}
		err := s.Commit(context.Background(), Commit{Batches: []*event.Batch{b}, Frames: []FrameRange{{Collector: "c", Source: "s", Epoch: 1, First: n, Last: n + 9, Stored: 10}}})
		if err == nil && n/10%8 == 0 {
			err = s.Compact(context.Background())
		}
		if err != nil {
			fmt.Println("error", err)
			return
		}
		fmt.Println("done", n+9)
	}
}

func TestKillLosesAndDoublesNothing(t *testing.T) {
	dir := t.TempDir()
	acked := testkit.Killed(t, "MIMAMORI_STORE_CRASH="+dir, func(acked uint64) { checkWhole(t, dir, acked) })
	if acked == 0 {
		t.Fatal("nothing was ever stored")
	}
}

// checkWhole opens the store: every event up to acked is there, none twice, at
// most one commit more, and no half of one.
func checkWhole(t *testing.T, dir string, acked uint64) {
	s, err := Open(dir, Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n, err := s.Count(context.Background(), event.Query{})
	if err != nil {
		t.Fatal(err)
	}
	frames := s.Frames()
	if acked > 0 && (len(frames) != 1 || frames[0].First != 1 || frames[0].Last < acked || frames[0].Stored != uint64(n)) {
		t.Fatalf("acknowledged %d, %d events, frames %+v", acked, n, frames)
	}
	seen := map[uint64]bool{}
	for q := (event.Query{Limit: 10_000}); ; {
		page, err := s.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Batch.Events {
			if seen[e.Seq] {
				t.Fatalf("event %d is there twice", e.Seq)
			}
			seen[e.Seq] = true
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	for i := uint64(1); i <= max(acked, uint64(n)); i++ {
		if !seen[i] {
			t.Fatalf("event %d of %d is lost", i, acked)
		}
	}
	if len(s.Stats().SetAside) != 0 {
		t.Fatalf("set aside: %v", s.Stats().SetAside)
	}
}

func TestDamagedSegmentsAreSetAside(t *testing.T) {
	whole := t.TempDir()
	s := open(t, whole, Options{})
	for i := range 3 {
		commit(t, s, newMix(uint64(i)).batch(100))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(whole, "seg-*"))
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	good, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	damage := map[string][]byte{"empty": {}, "cut": good[:len(good)-1], "half": good[:len(good)/2], "zeros": make([]byte, len(good)), "short": good[:7]}
	footer := len(good) - 8 - int(good[len(good)-8]) - int(good[len(good)-7])<<8 - int(good[len(good)-6])<<16
	for i := footer; i < len(good); i += 1 + (len(good)-footer)/60 {
		flipped := bytes.Clone(good)
		flipped[i] ^= 0x10
		damage[fmt.Sprint("byte ", i)] = flipped
	}
	for name, bad := range damage {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i, f := range files {
				data, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				if i == 1 {
					data = bad
				}
				if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, "seg-9.parquet.tmp"), good, 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, dir, Options{})
			st := s.Stats()
			if st.Segments != 2 || st.Events != 200 || len(st.SetAside) != 1 || st.SetAside[0].Reason == "" {
				t.Fatalf("%+v", st)
			}
			if _, err := os.Stat(st.SetAside[0].File + ".reason.txt"); err != nil {
				t.Fatal(err)
			}
			if n, err := s.Count(context.Background(), event.Query{Text: `event.kind == "event"`}); n != 200 || err != nil {
				t.Fatal(n, err)
			}
			if _, err := os.Stat(filepath.Join(dir, "seg-9.parquet.tmp")); !errors.Is(err, os.ErrNotExist) {
				t.Fatal("a half-written file stayed")
			}
		})
	}
}

// full is a disk with so many bytes left.
type full struct {
	out  io.Writer
	left int
}

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.left)
	f.left -= n
	if w, err := f.out.Write(p[:n]); err != nil || n == len(p) {
		return w, err
	}
	return n, syscall.ENOSPC
}

func TestFullDiskStoresNothingAndTheNextCommitWorks(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	if err := s.Commit(context.Background(), Commit{Batches: []*event.Batch{newMix(1).batch(2000)}}); err != nil {
		t.Fatal(err)
	}
	size := int(s.Stats().Bytes)
	for _, left := range []int{0, 1, size / 2, size - 1} {
		s.wrap = func(w io.Writer) io.Writer { return &full{w, left} }
		err := s.Commit(context.Background(), Commit{Batches: []*event.Batch{newMix(1).batch(2000)}})
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("%d bytes left: %v", left, err)
		}
	}
	s.wrap = nil
	if files, _ := filepath.Glob(filepath.Join(dir, "seg-*")); len(files) != 1 {
		t.Fatal(files)
	}
	commit(t, s, newMix(2).batch(10))
	if n, err := s.Count(context.Background(), event.Query{Text: `has(event.kind)`}); n != 2010 || err != nil {
		t.Fatal(n, err)
	}
}
