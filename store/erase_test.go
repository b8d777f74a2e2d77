package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
)

// arrived is the naive rule.
func arrived(e *event.Event) int64 {
	for _, name := range []string{"event.ingested", "received", "@timestamp"} {
		if v, ok := e.Get(event.MustLookup(name)); ok {
			return v.Int()
		}
	}
	return 0
}

// genArrivals makes events of some towns that arrived at 0 to 9, by whatever field.
func genArrivals(t *rapid.T, epoch uint64, most int) *event.Batch {
	b, x := &event.Batch{}, new(event.Builder)
	for i := range rapid.IntRange(1, most).Draw(t, "events") {
		if town := rapid.SampledFrom(append([]string{""}, towns[:3]...)).Draw(t, "town"); town != "" {
			x.Set(event.MustLookup("municipality"), event.String(town))
		}
		for _, name := range []string{"event.ingested", "received", "@timestamp"} {
			if rapid.IntRange(0, 4).Draw(t, name) > 0 {
				x.Set(event.MustLookup(name), event.Time(rapid.Int64Range(0, 9).Draw(t, "at")))
			}
		}
		x.Set(event.MustLookup("event.original"), event.String(fmt.Sprintf("line %d of segment %d, quite unlike others", i, epoch)))
		b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: epoch, Seq: uint64(i + 1)})
	}
	return b
}

// TestEraseTakesWhatANaiveFilterTakes and nothing else: not a frame, not a row,
// whatever was merged before.
func TestEraseTakesWhatANaiveFilterTakes(t *testing.T) {
	ctx := context.Background()
	epoch := uint64(0)
	dir := t.TempDir()
	s := open(t, dir, Options{})
	rapid.Check(t, func(t *rapid.T) {
		wipe(s)
		for range rapid.IntRange(1, 10).Draw(t, "segments") {
			epoch++
			commit(t, s, genArrivals(t, epoch, 12))
		}
		if rapid.Bool().Draw(t, "compact") {
			if err := s.Compact(ctx); err != nil {
				t.Fatal(err)
			}
		}
		town := rapid.SampledFrom(append([]string{""}, towns[:3]...)).Draw(t, "erased")
		from := rapid.Int64Range(-1, 9).Draw(t, "from")
		to := rapid.Int64Range(from, 11).Draw(t, "to")
		want, gone := everything(t, s), int64(0)
		for ref, e := range want {
			if at := arrived(e); e.Str(event.MustLookup("municipality")) == town && at >= from && at < to {
				delete(want, ref)
				gone++
			}
		}
		frames := fmt.Sprint(s.Frames())
		for _, expected := range []int64{gone, 0} {
			n, err := s.Erase(ctx, town, time.Unix(0, from), time.Unix(0, to))
			if err != nil || n != expected || fmt.Sprint(s.Frames()) != frames {
				t.Fatalf("%d went, want %d; frames %v, were %s: %v", n, expected, s.Frames(), frames, err)
			}
		}
		got := everything(t, s)
		if len(got) != len(want) {
			t.Fatalf("%d left, want %d", len(got), len(want))
		}
		for ref, e := range want {
			if got[ref] == nil || same(got[ref], e) != "" {
				t.Fatal(ref, " has changed")
			}
		}
	})
}

// monthly commits n segments of 100 events of two towns, half of which arrived
// at 1, the others at 2.
func monthly(t *testing.T, s *Store, n int) {
	t.Helper()
	x := new(event.Builder)
	for i := range n {
		b := &event.Batch{}
		for j := range 100 {
			x.Set(event.MustLookup("municipality"), event.String(towns[j%2]))
			x.Set(event.MustLookup("event.ingested"), event.Time(int64(1+j/50)))
			x.Set(event.MustLookup("event.original"), event.String(fmt.Sprintf("needle-%d-%s-%d", 1+j/50, towns[j%2], i*100+j)))
			b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(i*100 + j + 1)})
		}
		commit(t, s, b)
	}
}

func TestKillAtEveryWriteOfAnErasureLosesNothingElse(t *testing.T) {
	dir, copies := t.TempDir(), []string{}
	s := open(t, dir, Options{})
	monthly(t, s, 3)
	frames := fmt.Sprint(s.Frames())
	s.wrap = func(w io.Writer) io.Writer {
		return copier{w, func() {
			to := t.TempDir()
			if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			copies = append(copies, to)
		}}
	}
	if n, err := s.Erase(t.Context(), towns[0], time.Unix(0, 1), time.Unix(0, 2)); n != 75 || err != nil {
		t.Fatal(n, err)
	}
	copies = append(copies, dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	last := 300
	for i, dir := range copies {
		again := open(t, dir, Options{Threads: 1})
		n := len(everything(t, again))
		if n > last || n%25 != 0 || fmt.Sprint(again.Frames()) != frames || len(again.Stats().SetAside) > 0 {
			t.Fatalf("write %d: %d events after %d, %+v", i, n, last, again.Stats())
		}
		last = n
		if rest, err := again.Erase(t.Context(), towns[0], time.Unix(0, 1), time.Unix(0, 2)); err != nil || int(rest) != n-225 {
			t.Fatalf("write %d: %d went of %d: %v", i, rest, n, err)
		}
		for _, f := range segmentFiles(t, dir) {
			b, err := os.ReadFile(f)
			if err != nil || strings.Contains(string(b), "needle-1-"+towns[0]) {
				t.Fatal(f, " has what was erased: ", err)
			}
		}
	}
	if last != 225 || len(copies) < 4 {
		t.Fatal(last, len(copies))
	}
}

// TestErasureWaitsForQueriesThatStillRead and removes the file when they are done.
func TestErasureWaitsForQueriesThatStillRead(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	monthly(t, s, 1)
	held := s.hold(func(*segment) bool { return true })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Erase(ctx, towns[0], time.Unix(0, 1), time.Unix(0, 2)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := s.Erase(t.Context(), towns[0], time.Unix(0, 1), time.Unix(0, 2))
		done <- err
	}()
	for !held[0].dead.Load() {
		select {
		case err := <-done:
			t.Fatal("it did not wait: ", err)
		case <-time.After(time.Millisecond):
		}
	}
	if _, err := os.Stat(held[0].path); err != nil {
		t.Error("taken from under a query: ", err)
	}
	s.release(held)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(held[0].path); err == nil || len(s.dying) > 0 {
		t.Error("the old file is still there")
	}
}

// TestASinkThatIsDownGetsTheRestAndNothingErased while it holds an old file for
// as long as it refuses.
func TestASinkThatIsDownGetsTheRestAndNothingErased(t *testing.T) {
	s := open(t, t.TempDir(), Options{Sinks: []SinkOptions{{Name: "es"}}})
	s.retry = time.Millisecond
	monthly(t, s, 1)
	var mu sync.Mutex
	down, got := true, map[uint64]bool{}
	asked, full := make(chan struct{}), make(chan struct{})
	var once sync.Once
	to := sinkFunc(func(b *event.Batch) error {
		once.Do(func() { close(asked) })
		mu.Lock()
		defer mu.Unlock()
		if down {
			return errors.New("down")
		}
		for i := range b.Events {
			got[b.Events[i].Seq] = true
		}
		if len(got) == 75 {
			close(full)
		}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Follow(ctx, "es", to); err != nil {
			t.Error(err)
		}
	})
	defer wg.Wait()
	defer cancel()
	<-asked
	if n, err := s.Erase(ctx, towns[0], time.Unix(0, 1), time.Unix(0, 2)); n != 25 || err != nil {
		t.Fatal(n, err)
	}
	mu.Lock()
	down = false
	mu.Unlock()
	<-full
	for seq := range got {
		if j := int(seq - 1); j < 50 && j%2 == 0 {
			t.Error("erased and given: ", seq)
		}
	}
	if st := s.Stats().Sinks[0]; st.Lost != 25 {
		t.Errorf("%+v", st)
	}
}

type sinkFunc func(*event.Batch) error

func (f sinkFunc) Take(_ context.Context, b *event.Batch) error { return f(b) }

func TestWhatCanNotBeReadAndMayHoldErasedEventsIsNamed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{Now: func() time.Time { return time.Unix(0, 5) }})
	monthly(t, s, 2)
	bad := s.segments[1]
	b, err := os.ReadFile(bad.path)
	if err != nil {
		t.Fatal(err)
	}
	_, meta, _, err := openSegment(bad.path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range meta.RowGroups[0].Columns { // every page of the column municipality
		if c := &meta.RowGroups[0].Columns[i].MetaData; c.PathInSchema[0] == "municipality" {
			for at := c.DataPageOffset; at < c.DataPageOffset+c.TotalCompressedSize; at++ {
				b[at] ^= 0x55
			}
		}
	}
	if err := os.WriteFile(bad.path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	aside := filepath.Join(dir, "set-aside")
	for name, text := range map[string]string{"seg-0000000000000000003-1.parquet": "no footer", "seg-0000000000000000004-1.parquet": "none"} {
		if err := os.WriteFile(filepath.Join(aside, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n, err := s.Erase(t.Context(), towns[0], time.Unix(0, 1), time.Unix(0, 2))
	if n != 25 || err == nil {
		t.Fatal(n, err)
	}
	for _, want := range []string{bad.name, "seg-0000000000000000003-1", "seg-0000000000000000004-1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named: %v", want, err)
		}
	}
	if n, err := s.Erase(t.Context(), towns[5], time.Unix(0, 1), time.Unix(0, 2)); n != 0 || err == nil || strings.Contains(err.Error(), bad.name) {
		t.Errorf("of a town that the damaged file does not have: %d %v", n, err)
	}
	month := 31 * 24 * time.Hour
	if _, err := s.Erase(t.Context(), towns[5], time.Unix(0, 5).Add(month), time.Unix(0, 5).Add(2*month)); err != nil {
		t.Errorf("of a month after they were set aside: %v", err)
	}
}
