package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"mimamori/event"
)

// copier copies the folder before each write, as a kill would leave it.
type copier struct {
	out   io.Writer
	state func()
}

func (c copier) Write(b []byte) (int, error) {
	half, err := c.out.Write(b[:len(b)/2])
	c.state()
	if err != nil {
		return half, err
	}
	n, err := c.out.Write(b[len(b)/2:])
	return half + n, err
}

// TestKillAtEveryWriteOfARewriteLosesAndDoublesNothing opens what is on disk
// in the middle of each write, and at the end with the old files still there.
func TestKillAtEveryWriteOfARewriteLosesAndDoublesNothing(t *testing.T) {
	dir, copies := t.TempDir(), []string{}
	s := open(t, dir, Options{})
	m := newMix(14)
	for range 3 {
		commit(t, s, m.batch(400))
	}
	frames := fmt.Sprint(s.Frames())
	held := s.hold(func(*segment) bool { return true })
	state := func() {
		to := t.TempDir()
		if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		copies = append(copies, to)
	}
	s.wrap = func(w io.Writer) io.Writer { return copier{w, state} }
	if err := s.Rewrite(context.Background(), event.Query{}, &edit{f: stamp("killed")}); err != nil {
		t.Fatal(err)
	}
	state()
	s.release(held)
	if len(copies) < 7 {
		t.Fatalf("only %d writes", len(copies))
	}
	last := int64(0)
	for i, dir := range copies {
		again := open(t, dir, Options{Threads: 1})
		if n := len(everything(t, again)); n != 1200 || fmt.Sprint(again.Frames()) != frames || len(again.Stats().SetAside) > 0 {
			t.Fatalf("write %d: %d events, %+v", i, n, again.Stats())
		}
		n, err := again.Count(context.Background(), event.Query{Text: `rule.name == "killed"`})
		if err != nil || n < last || n%400 != 0 {
			t.Fatalf("write %d: %d events are new, %d before: %v", i, n, last, err)
		}
		last = n
		if err := again.Rewrite(context.Background(), event.Query{}, &edit{f: stamp("killed")}); err != nil {
			t.Fatal(err)
		}
		if files := segmentFiles(t, dir); len(files) != 3 {
			t.Fatalf("write %d: %v", i, files)
		}
	}
	if last != 1200 {
		t.Fatal(last)
	}
}

// TestAFileThatAQueryHoldsDoesNotComeBack replaces a segment twice while a
// query holds the first, and then kills.
func TestAFileThatAQueryHoldsDoesNotComeBack(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	commit(t, s, newMix(15).batch(100))
	held := s.hold(func(*segment) bool { return true })
	for _, mark := range []string{"one", "two", "three"} {
		if err := s.Rewrite(context.Background(), event.Query{}, &edit{f: stamp(mark)}); err != nil {
			t.Fatal(err)
		}
	}
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s.release(held)
	if n := len(everything(t, open(t, to, Options{}))); n != 100 || len(segmentFiles(t, to)) != 1 {
		t.Fatalf("%d events in %v", n, segmentFiles(t, to))
	}
}

// TestAFullDiskLeavesTheStoreAsItWas lets each write fail once.
func TestAFullDiskLeavesTheStoreAsItWas(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	commit(t, s, newMix(16).batch(800))
	before, size := answers(t, s), int(s.Stats().Bytes)
	for _, left := range []int{0, 1, size / 2, size - 1, size + 10} {
		room := left
		s.wrap = func(w io.Writer) io.Writer { return &shared{w, &room} }
		w := &edit{f: stamp("full")}
		if err := s.Rewrite(context.Background(), event.Query{}, w); !errors.Is(err, syscall.ENOSPC) || w.stored != 0 {
			t.Fatalf("%d bytes left: %d stored, %v", left, w.stored, err)
		}
		if files := segmentFiles(t, dir); len(files) != 1 || answers(t, s) != before {
			t.Fatalf("%d bytes left: %v", left, files)
		}
	}
	s.wrap = nil
	w := &edit{f: stamp("full")}
	if err := s.Rewrite(context.Background(), event.Query{}, w); err != nil || w.stored != 800 {
		t.Fatal(w.stored, err)
	}
}

// shared is room on a disk that several files share.
type shared struct {
	out  io.Writer
	left *int
}

func (f *shared) Write(p []byte) (int, error) {
	one := full{f.out, *f.left}
	n, err := one.Write(p)
	*f.left = one.left
	return n, err
}

func TestADamagedSegmentStaysAndTheOthersAreRewritten(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	m := newMix(17)
	for range 3 {
		commit(t, s, m.batch(300))
	}
	bad := s.segments[1]
	f, err := os.OpenFile(bad.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, meta, _, err := openSegment(bad.path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range meta.RowGroups[0].Columns { // the middle of every page of the column event.original
		c := &meta.RowGroups[0].Columns[i].MetaData
		if c.PathInSchema[0] == "event.original" {
			if _, err := f.WriteAt([]byte("damaged!"), c.DataPageOffset+c.TotalCompressedSize/2); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	w := &edit{f: stamp("others")}
	err = s.Rewrite(context.Background(), event.Query{}, w)
	if err == nil || !strings.Contains(err.Error(), bad.name) || w.stored != 600 || w.answered != 600 {
		t.Fatalf("%d of %d, %v", w.stored, w.answered, err)
	}
	if st := s.Stats(); len(st.Damaged) != 1 || st.Events != 900 {
		t.Fatalf("%+v", st)
	}
}

func TestRewritingEndsWithItsContext(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	m := newMix(18)
	for range 3 {
		commit(t, s, m.batch(50))
	}
	ctx, cancel := context.WithCancel(context.Background())
	w, n, mark := &edit{}, 0, stamp("some")
	w.f = func(e *event.Event, x *event.Builder) bool {
		if n++; n == 60 { // in the second segment
			cancel()
		}
		return mark(e, x)
	}
	if err := s.Rewrite(ctx, event.Query{}, w); !errors.Is(err, context.Canceled) || w.stored != 50 {
		t.Fatal(w.stored, err)
	}
	if n, err := s.Count(context.Background(), event.Query{Text: `rule.name == "some"`}); n != 50 || err != nil {
		t.Fatal(n, err)
	}
	if err := s.Rewrite(context.Background(), event.Query{}, &edit{f: mark}); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Count(context.Background(), event.Query{Text: `rule.name == "some"`}); n != 150 || err != nil {
		t.Fatal(n, err)
	}
	if _, err := Open(s.dir, Options{}); !errors.Is(err, ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
}
