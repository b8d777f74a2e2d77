package store

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
)

// later is a clock that tests move.
type later struct{ at time.Time }

func (c *later) now() time.Time { return c.at }

// seeFolder copies the store's folder in the middle of each write and between the
// steps of each change.
func seeFolder(t *testing.T, s *Store) *[]string {
	copies := &[]string{}
	see := func() {
		to := t.TempDir()
		if err := os.CopyFS(to, os.DirFS(s.dir)); err != nil {
			t.Fatal(err)
		}
		*copies = append(*copies, to)
	}
	s.wrap, s.looked = func(w io.Writer) io.Writer { return copier{w, see} }, see
	return copies
}

// TestKillAtEveryPointOfADivisionLosesAndDoublesNothing divides files by towns,
// joins the results, and opens what a kill would have left at every point; then it
// ends the work there.
func TestKillAtEveryPointOfADivisionLosesAndDoublesNothing(t *testing.T) {
	for _, hold := range []bool{false, true} {
		clock := &later{time.Now()}
		s := open(t, t.TempDir(), Options{Now: clock.now})
		m := newMix(21)
		for range 3 {
			commit(t, s, m.batch(60))
		}
		before := answers(t, s)
		if hold { // a query keeps the old files
			held := s.hold(func(*segment) bool { return true })
			defer s.release(held)
		}
		copies := seeFolder(t, s)
		for range 2 {
			clock.at = clock.at.Add(48 * time.Hour)
			if err := s.Compact(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		s.wrap, s.looked = nil, nil
		if len(s.segments) != len(towns) || len(*copies) < 2*len(towns) {
			t.Fatalf("%d segments, %d copies", len(s.segments), len(*copies))
		}
		for i, dir := range *copies {
			again := open(t, dir, Options{Now: clock.now})
			if i%4 == 0 && answers(t, again) != before || fmt.Sprint(again.Frames()) != fmt.Sprint(s.Frames()) || again.Stats().Events != 180 {
				t.Fatalf("copy %d: %d events in %v", i, again.Stats().Events, segmentFiles(t, dir))
			}
			if len(segmentFiles(t, dir)) != len(again.segments) {
				t.Fatalf("copy %d: files stay: %v", i, segmentFiles(t, dir))
			}
			if i%4 == 0 {
				if err := again.Compact(context.Background()); err != nil || len(again.segments) != len(towns) || answers(t, again) != before {
					t.Fatalf("copy %d: %d segments, %v", i, len(again.segments), err)
				}
			}
			again.Close()
		}
	}
}

// TestFilesAreOfOneTownAndOneDay commits what came before and after midnight, and
// frames without events.
func TestFilesAreOfOneTownAndOneDay(t *testing.T) {
	midnight := time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)
	clock := &later{midnight}
	s := open(t, t.TempDir(), Options{Now: clock.now, Sinks: []SinkOptions{{Name: "a"}}})
	b, x := new(event.Batch), new(event.Builder)
	c := Commit{Batches: []*event.Batch{b}}
	for i := range 40 {
		town := towns[i%3]
		x.Set(event.MustLookup("municipality"), event.String(town))
		x.Set(event.MustLookup("event.ingested"), event.Time(midnight.Add(time.Duration(i-25)*time.Second).UnixNano()))
		ref := event.Ref{Collector: town, Source: "s", Epoch: 1, Seq: uint64(i)}
		b.Append(x, ref)
		c.Frames = append(c.Frames, FrameRange{Collector: town, Source: "s", Epoch: 1, Municipality: town, First: ref.Seq, Last: ref.Seq, Stored: 1})
	}
	c.Frames = append(c.Frames, FrameRange{Collector: "z", Source: "s", Epoch: 1, Municipality: "999999", First: 1, Last: 9, Dropped: 9})
	if err := s.Commit(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	if len(s.segments) != 2 {
		t.Fatalf("%d segments", len(s.segments))
	}
	frames := fmt.Sprint(s.Frames())
	clock.at = clock.at.Add(48 * time.Hour)
	if err := s.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(s.segments) != 7 || fmt.Sprint(s.Frames()) != frames {
		t.Fatalf("%d segments\n%s\n%s", len(s.segments), frames, fmt.Sprint(s.Frames()))
	}
	for _, g := range s.segments {
		town, one := g.town()
		if !one || len(g.manifest.Days) != 1 || g.manifest.Odd {
			t.Errorf("%s: %q %v %+v", g.name, town, g.manifest.Days, g.manifest)
		}
		for _, f := range g.manifest.Frames {
			if f.Municipality != town || f.Stored > 0 && (f.First < 25) != (g.manifest.Days[0] == "2026-11-22") {
				t.Errorf("%s of %v holds %+v", town, g.manifest.Days, f)
			}
		}
	}
	k := newTaker()
	if catchUp(t, s, "a", k); len(k.got) != 40 {
		t.Errorf("a sink has had %d events", len(k.got))
	}
}

// TestFramesThatDoNotTellTheTownKeepAFileWhole is why events can't be parted from
// what accounts for them.
func TestFramesThatDoNotTellTheTownKeepAFileWhole(t *testing.T) {
	clock := &later{time.Now()}
	s := open(t, t.TempDir(), Options{Now: clock.now})
	c := Commit{Batches: []*event.Batch{newMix(1).batch(50)}, Frames: []FrameRange{{Collector: "one", Source: "for all", First: 1, Last: 50}}}
	if err := s.Commit(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	clock.at = clock.at.Add(48 * time.Hour)
	if err := s.Compact(context.Background()); err != nil || len(s.segments) != 1 || !s.segments[0].manifest.Odd {
		t.Fatal(len(s.segments), err)
	}
}

// TestAFullDiskLeavesADivisionUndone lets each write fail once.
func TestAFullDiskLeavesADivisionUndone(t *testing.T) {
	clock := &later{time.Now()}
	s := open(t, t.TempDir(), Options{Now: clock.now})
	m := newMix(22)
	commit(t, s, m.batch(100))
	commit(t, s, m.batch(100))
	before := answers(t, s)
	clock.at = clock.at.Add(48 * time.Hour)
	for room := 0; ; room += 20_000 {
		left := room
		s.wrap = func(w io.Writer) io.Writer { return &shared{w, &left} }
		err := s.Compact(context.Background())
		files, _ := filepath.Glob(filepath.Join(s.dir, "seg-*"))
		if err == nil {
			break
		}
		if len(files) != 2 {
			t.Fatalf("%d bytes left: %v", room, files)
		}
	}
	if answers(t, s) != before || len(s.segments) != len(towns) {
		t.Fatal(len(s.segments))
	}
}

// TestWhatCountsInAFolder compares standing with a store's life told naively: steps
// that replace files by others, of which any may be cut short, and files that stay
// although they were replaced.
func TestWhatCountsInAFolder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files, live := map[string]*segment{}, map[string]int{} // live: the events of each, of which a step loses none
		heirs := map[string][]string{}                         // of files that linger
		n := 0
		add := func(names []string, replaces []string) {
			for i, name := range names {
				files[name] = &segment{name: name, manifest: &manifest{}}
				if i == 0 {
					files[name].manifest.Replaces = replaces
				}
			}
		}
		name := func(parts int) []string {
			n++
			if parts == 1 {
				return []string{fmt.Sprintf("seg-%d.parquet", n)}
			}
			return group(fmt.Sprintf("seg-%d-1of%d.parquet", n, parts))
		}
		sweep := func() { // a file goes when nothing is there that it replaced
			for again := true; again; {
				again = false
				for f := range files {
					_, alive := live[f]
					waits := slices.ContainsFunc(sortedKeys(files), func(o string) bool { return slices.Contains(heirs[o], f) })
					if !alive && !waits && !rapid.Bool().Draw(t, "held "+f) {
						delete(files, f)
						again = true
					}
				}
			}
		}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			if len(live) < 2 || rapid.Bool().Draw(t, "commit") {
				name := name(1)
				add(name, nil)
				live[name[0]] = 1
				continue
			}
			old := sortedKeys(live)[:rapid.IntRange(1, len(live)).Draw(t, "old")]
			names := name(rapid.IntRange(1, 3).Draw(t, "parts"))
			if cut := rapid.IntRange(0, len(names)).Draw(t, "cut"); cut < len(names) { // killed, and opened again
				add(names[:cut], old)
				if cut > 0 {
					files[names[0]].manifest.Replaces = old
				}
				checkStanding(t, files, live)
				for _, f := range names[:cut] {
					delete(files, f)
				}
				for f := range files { // an Open leaves what counts
					if _, ok := live[f]; !ok {
						delete(files, f)
					}
				}
				heirs = map[string][]string{}
				continue
			}
			add(names, old)
			for _, f := range old {
				delete(live, f)
				heirs[f] = names
			}
			for _, f := range names {
				live[f] = 1
			}
			sweep()
			checkStanding(t, files, live)
		}
	})
}

func checkStanding(t *rapid.T, files map[string]*segment, live map[string]int) {
	got, gone := standing(sortedKeys(files), files)
	var names []string
	for _, g := range got {
		names = append(names, g.name)
	}
	if slices.Sort(names); !slices.Equal(names, sortedKeys(live)) || len(got)+len(gone) != len(files) {
		t.Fatalf("of %v count %v and not %v", sortedKeys(files), names, sortedKeys(live))
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
