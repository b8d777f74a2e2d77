package store

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"mimamori/event"
)

func TestCommitsQueriesAndCompactionGoOnTogether(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	ctx := context.Background()
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			m := newMix(uint64(w))
			for i := range 12 {
				b := m.batch(30)
				for j := range b.Events {
					b.Events[j].Epoch = uint64(w)
				}
				if err := s.Commit(ctx, Commit{Batches: []*event.Batch{b}, Frames: []FrameRange{{Collector: "c", Epoch: uint64(w), First: uint64(i*30 + 1), Last: uint64(i*30 + 30), Stored: 30}}}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			last := int64(0)
			for range 10 {
				page, err := s.Search(ctx, event.Query{Text: `event.kind == "event"`, Limit: 50})
				if err != nil {
					t.Error(err)
					return
				}
				if page.Total < last || page.Total%30 != 0 {
					t.Errorf("%d events after %d: a commit was seen in part", page.Total, last)
				}
				last = page.Total
			}
		})
	}
	wg.Go(func() {
		for range 5 {
			if err := s.Compact(ctx); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if n, err := s.Count(ctx, event.Query{Text: `has(event.kind)`}); n != 720 || err != nil {
		t.Fatal(n, err)
	}
	frames := s.Frames()
	if len(frames) != 2 || frames[0].Stored != 360 || frames[1].Last != 360 {
		t.Fatalf("%+v", frames)
	}
}

func TestDamagedDataStopsNoOtherCompaction(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	m := newMix(1)
	for range 2*mergeFactor + 1 {
		commit(t, s, m.batch(300))
	}
	bad := s.segments[mergeFactor].path
	data, err := os.ReadFile(bad)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("10.2")) // in a dictionary or a line
	if at < 0 {
		at = len(data) / 4
	}
	data[at] ^= 0xFF
	if err := os.WriteFile(bad, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Segments != 2 || len(st.Damaged) != 1 || filepath.Base(st.Damaged[0]) != filepath.Base(bad) || st.Events != 300*(2*mergeFactor+1) {
		t.Fatalf("%+v", st)
	}
}

func TestOneClockYearsAheadKeepsNothingForEver(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	s := open(t, t.TempDir(), Options{Now: func() time.Time { return now }})
	b, x := &event.Batch{}, new(event.Builder)
	x.Set(event.MustLookup("@timestamp"), event.Time(math.MaxInt64))
	b.Append(x, event.Ref{Seq: 1})
	x.Set(event.MustLookup("@timestamp"), event.Time(math.MinInt64))
	b.Append(x, event.Ref{Seq: 2})
	commit(t, s, b)
	if page, err := s.Search(context.Background(), event.Query{}); err != nil || len(page.Batch.Events) != 2 || page.Batch.Events[0].Seq != 1 {
		t.Fatal(page, err)
	}
	if bars, err := s.Histogram(context.Background(), event.Query{}, 60); err != nil || len(bars) == 0 || len(bars) > 60 {
		t.Fatal(len(bars), err)
	}
	if n, err := s.Retain(context.Background(), olderThan(now)); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := s.Retain(context.Background(), olderThan(now.Add(25*time.Hour))); n != 2 || err != nil {
		t.Fatal(n, err)
	}
}

func TestAHundredThousandEventsNeedLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("short: 100,000 events")
	}
	s := open(t, t.TempDir(), Options{})
	b := newMix(1).batch(100_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if err := s.Commit(context.Background(), Commit{Batches: []*event.Batch{b}}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 150 {
		t.Fatalf("the first commit allocated %d MB", used)
	}
	if err := s.Commit(context.Background(), Commit{Batches: []*event.Batch{b}}); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	t.Logf("the encoder keeps %d MB", (int64(after.HeapAlloc)-int64(before.HeapAlloc))>>20)
	runtime.KeepAlive(b)
}

func TestClosedStoreSaysSo(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(context.Background(), Commit{}); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	if _, err := s.Search(context.Background(), event.Query{}); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

// FuzzSegment reads any bytes as a segment: they are refused with an error, or
// read, and never crash.
func FuzzSegment(f *testing.F) {
	x, err := newEncoder()
	if err != nil {
		f.Fatal(err)
	}
	var good bytes.Buffer
	m := &manifest{Format: formatVersion, Tenants: map[string]int64{}}
	if err := x.write(&good, pointers(newMix(1).batch(5)), m, func(string) bool { return true }); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := bytes.NewReader(data)
		meta, m, err := readFooter(in, int64(len(data)))
		if err != nil {
			return
		}
		if m.Events != meta.NumRows {
			t.Fatal("a footer that contradicts itself was taken")
		}
		r, err := newChunkReader()
		if err != nil {
			t.Fatal(err)
		}
		defer r.close()
		for _, g := range meta.RowGroups {
			for i, c := range schemaColumns(meta) {
				if i < len(g.Columns) && r.read(in, &g.Columns[i].MetaData, c, pick{to: int(g.NumRows)}) == nil && c.rows > int(g.NumRows) {
					t.Fatal("more rows than the group has")
				}
			}
		}
	})
}
