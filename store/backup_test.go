package store

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
)

// TestACopyIsWholeWhileEventsComeAndSegmentsMerge copies again and again: what
// was committed before is in each copy, once.
func TestACopyIsWholeWhileEventsComeAndSegmentsMerge(t *testing.T) {
	s := open(t, t.TempDir(), Options{Threads: 1})
	ctx, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	var mu sync.Mutex
	stored := 0
	work.Go(func() {
		m := newMix(2)
		for ctx.Err() == nil {
			commit(t, s, m.batch(10))
			mu.Lock()
			stored += 10
			mu.Unlock()
			if m.seq%40 == 0 {
				if err := s.Compact(context.Background()); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for range 8 {
		mu.Lock()
		before := stored
		mu.Unlock()
		to := filepath.Join(t.TempDir(), "events")
		c, err := Copy(ctx, s.dir, to)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Open(to, Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		page, err := again.Search(context.Background(), event.Query{Limit: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[uint64]bool{}
		for i := range page.Batch.Events {
			seen[page.Batch.Events[i].Seq] = true
		}
		for seq := 1; seq <= before; seq++ {
			if !seen[uint64(seq)] {
				t.Fatalf("event %d of %d is not in the copy of %d segments", seq, before, c.Segments)
			}
		}
		if len(seen) != len(page.Batch.Events) || len(again.aside) > 0 {
			t.Fatalf("%d events, %d different; set aside %v", len(page.Batch.Events), len(seen), again.aside)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	work.Wait()
}

func TestWhatASetAsideSegmentHeldIsTold(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	m := newMix(1)
	for i := range uint64(4) {
		c := Commit{Batches: []*event.Batch{m.batch(10)}, Frames: []FrameRange{{Collector: "c", Source: "s", Municipality: "312011", Epoch: 1, First: 10*i + 1, Last: 10*i + 10, Stored: 10}}}
		if err := s.Commit(context.Background(), c); err != nil {
			t.Fatal(err)
		}
	}
	whole := s.Frames()
	readable, torn := s.segments[1].path, s.segments[2].path
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(readable, filepath.Join(dir, "set-aside", filepath.Base(readable))); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(torn, 100); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	lost, err := s.Lost()
	if err != nil || len(lost) != 2 {
		t.Fatal(lost, err)
	}
	slices.SortFunc(lost, func(a, b Lost) int { return strings.Compare(a.File, b.File) })
	if l := lost[0]; len(l.Frames) != 1 || l.Frames[0].First != 11 || l.Frames[0].Last != 20 || l.Events != 10 {
		t.Errorf("%+v", l)
	}
	if l := lost[1]; l.Frames != nil {
		t.Errorf("%+v", l)
	}
	if m := s.Missing(whole); len(m) != 1 || m[0].First != 11 || m[0].Last != 30 {
		t.Errorf("%+v", m)
	}
}

// TestMissingIsTheDifferenceOfSets compares with sets of numbers.
func TestMissingIsTheDifferenceOfSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (out []FrameRange, set map[[2]uint64]bool) {
			set = map[[2]uint64]bool{}
			for range rapid.IntRange(0, 5).Draw(t, name) {
				r := FrameRange{Source: "s", Epoch: rapid.Uint64Range(1, 2).Draw(t, "epoch"), First: rapid.Uint64Range(1, 30).Draw(t, "first")}
				r.Last = r.First + rapid.Uint64Range(0, 8).Draw(t, "length")
				out = append(out, r)
				for n := r.First; n <= r.Last; n++ {
					set[[2]uint64{r.Epoch, n}] = true
				}
			}
			return mergeFrames(out), set
		}
		ranges, want := draw("ranges")
		others, have := draw("others")
		got := map[[2]uint64]bool{}
		for _, r := range missing(ranges, others) {
			for n := r.First; n <= r.Last; n++ {
				got[[2]uint64{r.Epoch, n}] = true
			}
		}
		for n := range want {
			if got[n] == have[n] {
				t.Fatalf("%v: missing %v, had %v", n, got[n], have[n])
			}
		}
		for n := range got {
			if !want[n] {
				t.Fatalf("%v was never there", n)
			}
		}
	})
}
