package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
)

var questions = []event.Query{
	{},
	{Text: "deny"},
	{Text: `event.action == "deny" && inCIDR(source.ip, "10.20.0.0/14")`},
	{Text: `has(process.name)`},
	{Text: `related.ip == "10.20.1.5" || user.name in ["user001", "user002"]`},
	{Tenants: []string{"312011", "312029"}},
	{Tenants: []string{}},
	{Text: "Process Create", Tenants: []string{"313025"}},
	{Text: `destination.port > 1000 && !(network.transport == "udp")`},
}

// answers asks all questions in all ways and writes the answers down.
func answers(t testing.TB, s *Store) string {
	t.Helper()
	ctx, all := context.Background(), ""
	for _, q := range questions {
		q.Limit = 37
		page, err := s.Search(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		all += fmt.Sprintf("%q total %d\n", q.Text, page.Total)
		for i := range page.Batch.Events {
			all += fmt.Sprint(page.Batch.Events[i].Ref) + string(page.Batch.Events[i].AppendJSON(nil)) + "\n"
		}
		bars, err := s.Histogram(ctx, q, 20)
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range []string{"source.ip", "event.category", "destination.port", "fortinet.fortigate.vd", "@timestamp"} {
			top, err := s.Top(ctx, q, field, 5)
			if err != nil {
				t.Fatal(err)
			}
			all += fmt.Sprintln(field, top)
		}
		if len(q.Tenants) == 0 {
			all += fmt.Sprintln(bars)
		}
	}
	return all + fmt.Sprint(s.Frames())
}

func TestCompactionKeepsEveryAnswer(t *testing.T) {
	dir := t.TempDir()
	steps := 0
	s := open(t, dir, Options{Rest: func(context.Context, time.Duration) { steps++ }})
	m := newMix(5)
	for range mergeFactor {
		commit(t, s, m.batch(1+m.r.IntN(900)))
	}
	commit(t, s, m.batch(3000))
	before, stats := answers(t, s), s.Stats()
	held := s.hold(func(*segment) bool { return true })
	if err := s.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := len(s.segments); n >= stats.Segments {
		t.Fatalf("%d segments of %d", n, stats.Segments)
	}
	if steps < 10 || s.Fresh() != s.Stats().Fresh {
		t.Errorf("it could rest %d times, and %d segments are fresh", steps, s.Fresh())
	}
	if _, err := os.Stat(held[0].path); err != nil {
		t.Fatal("a file went while a query held it")
	}
	s.release(held)
	if files, _ := filepath.Glob(filepath.Join(dir, "seg-*")); len(files) != len(s.segments) {
		t.Fatalf("old files stay: %v", files)
	}
	if after := answers(t, s); after != before {
		t.Fatalf("answers differ\n%.3000s\n----\n%.3000s", before, after)
	}
	if st := s.Stats(); st.Fresh >= stats.Fresh || st.Events != stats.Events || !st.Oldest.Equal(stats.Oldest) || !st.Newest.Equal(stats.Newest) || st.Tenants["312011"] != stats.Tenants["312011"] {
		t.Fatalf("%+v %+v", st, stats)
	}
}

func TestCompactionKilledBeforeTheOldFilesGoDoublesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	m := newMix(6)
	for range mergeFactor {
		commit(t, s, m.batch(50))
	}
	before := answers(t, s)
	held := s.hold(func(*segment) bool { return true }) // keeps the old files, as the kill would
	if err := s.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "seg-*")); len(files) != len(held)+1 {
		t.Fatal(files)
	}
	again := open(t, dir, Options{})
	if st := again.Stats(); st.Segments != 1 || st.Fresh != 0 || st.Events != 50*mergeFactor {
		t.Fatalf("%+v", st)
	}
	if after := answers(t, again); after != before {
		t.Fatal("answers differ")
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "seg-*")); len(files) != 1 {
		t.Fatal(files)
	}
}

func TestCompactionOfAnyEventsKeepsThem(t *testing.T) {
	clock := time.Now()
	s := open(t, t.TempDir(), Options{Now: func() time.Time { return clock }})
	rapid.Check(t, func(t *rapid.T) {
		wipe(s)
		want := map[event.Ref]*event.Event{}
		places := map[string]bool{} // of arrival and towns
		for i := range mergeFactor {
			b := genBatch(t, 12)
			for j := range b.Events {
				b.Events[j].Epoch += uint64(i)
				e := &b.Events[j]
				want[e.Ref] = e
				day := dayOf(clock.UnixNano())
				if at, ok := e.Get(s.enc.ids.ingested); ok && at.Kind() == event.Date {
					day = dayOf(at.Int())
				}
				places[dayText(day)+e.Str(s.enc.ids.tenant)] = true
			}
			commit(t, s, b)
		}
		was := clock
		clock = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC) // every day is over
		if err := s.Compact(context.Background()); err != nil {
			t.Fatal(err)
		}
		clock = was
		page, err := s.Search(context.Background(), event.Query{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.segments) != len(places) || len(page.Batch.Events) != len(want) {
			t.Fatalf("%d segments, %d events of %d", len(s.segments), len(page.Batch.Events), len(want))
		}
		for i := range page.Batch.Events {
			e := &page.Batch.Events[i]
			if d := same(want[e.Ref], e); d != "" {
				t.Fatal(d)
			}
		}
	})
}

func TestLargeSegmentsAreMergedInOrder(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	m := newMix(8)
	m.towns = towns[:1] // files of several wait until they are divided
	for range mergeFactor {
		commit(t, s, m.batch(rowGroupRows/mergeFactor+1000))
	}
	before := answers(t, s)
	if err := s.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(s.segments) != 1 {
		t.Fatalf("%d segments", len(s.segments))
	}
	if after := answers(t, s); after != before {
		t.Fatal("answers differ")
	}
}

func TestRetentionRemovesOldSegmentsOnly(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	m := newMix(7)
	var newest []int64
	for range 4 {
		commit(t, s, m.batch(20))
		newest = append(newest, m.now)
		m.now += int64(time.Hour)
	}
	held := s.hold(func(*segment) bool { return true })
	n, err := s.Retain(context.Background(), olderThan(time.Unix(0, newest[1]+1)))
	if n != 40 || err != nil {
		t.Fatal(n, err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "seg-*")); len(files) != 4 {
		t.Fatal("a file went while a query held it")
	}
	s.release(held)
	if files, _ := filepath.Glob(filepath.Join(dir, "seg-*")); len(files) != 2 {
		t.Fatal(files)
	}
	if st := s.Stats(); st.Events != 40 || len(mergeFrames(slices.Clone(s.Frames()))) == 0 {
		t.Fatalf("%+v", st)
	}
}
