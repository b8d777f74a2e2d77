package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mimamori/event"
)

// told is a sink that passes on what it is given.
type told chan []event.Ref

func (c told) Take(ctx context.Context, b *event.Batch) error {
	var refs []event.Ref
	for _, e := range b.Events {
		refs = append(refs, e.Ref)
	}
	select {
	case c <- refs:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// numbered commits events of one source, each a frame of its own.
func numbered(t *testing.T, s *Store, first, last uint64) {
	t.Helper()
	b, x := new(event.Batch), new(event.Builder)
	for n := first; n <= last; n++ {
		x.Set(event.MustLookup("@timestamp"), event.Time(int64(n)))
		b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: n})
	}
	commit(t, s, b)
}

func TestFollowWakesForACommitAndEndsWithItsStore(t *testing.T) {
	s := open(t, t.TempDir(), Options{Sinks: []SinkOptions{{Name: "a"}, {Name: "stuck"}}})
	a, ended := make(told), make(chan error, 2)
	go func() { ended <- s.Follow(context.Background(), "a", a) }()
	go func() { ended <- s.Follow(context.Background(), "stuck", make(told)) }() // holds back nobody
	for n := range uint64(20) {
		numbered(t, s, 10*n+1, 10*n+10)
		if refs := <-a; len(refs) != 10 || refs[0].Seq != 10*n+1 {
			t.Fatal(refs)
		}
	}
	if err := s.Follow(context.Background(), "nobody", a); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Error("a sink that the store does not know: ", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
	if err := s.Follow(context.Background(), "a", a); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestFollowEndsWithItsContext(t *testing.T) {
	s := open(t, t.TempDir(), Options{Sinks: []SinkOptions{{Name: "a"}}})
	for range 2 { // and may begin again
		ctx, cancel := context.WithCancel(context.Background())
		a, ended := make(told), make(chan error, 1)
		go func() { ended <- s.Follow(ctx, "a", a) }()
		numbered(t, s, s.lastSeq()+1, s.lastSeq()+5)
		<-a
		if err := s.Follow(ctx, "a", a); err == nil {
			t.Error("two at once")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func (s *Store) lastSeq() uint64 {
	last := uint64(0)
	for _, f := range s.Frames() {
		last = max(last, f.Last)
	}
	return last
}

func TestFollowGivesLargeSegmentsInParts(t *testing.T) {
	s := open(t, t.TempDir(), Options{Sinks: []SinkOptions{{Name: "a"}}})
	numbered(t, s, 1, 2*readRows+5)
	k := newTaker()
	catchUp(t, s, "a", k)
	if len(k.got) != 2*readRows+5 || k.most != takeMost {
		t.Error(len(k.got), k.most)
	}
}

func TestNewSinkMayBeginNow(t *testing.T) {
	dir, k := t.TempDir(), newTaker()
	s := open(t, dir, Options{})
	numbered(t, s, 1, 10)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what is new is new once
		s = open(t, dir, Options{Sinks: []SinkOptions{{Name: "a", FromNow: true}}})
		numbered(t, s, s.lastSeq()+1, s.lastSeq()+10)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, dir, Options{Sinks: []SinkOptions{{Name: "a", FromNow: true}}})
	if st := s.Stats().Sinks[0]; st.Behind != 20 {
		t.Errorf("%+v", st)
	}
	catchUp(t, s, "a", k)
	if len(k.got) != 20 {
		t.Error(len(k.got))
	}
}

func TestDamagedPositionIsKeptAndEverythingGivenAgain(t *testing.T) {
	for _, bad := range []string{"", "{", `{"has":[{"first":2,"last":1}]}`, `{"has":"x"}`} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "sinks"), 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "sinks", "a.json")
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, Options{Sinks: []SinkOptions{{Name: "a", FromNow: true}}})
		numbered(t, s, 1, 5)
		k := newTaker()
		catchUp(t, s, "a", k)
		if kept, err := os.ReadFile(path + ".damaged"); err != nil || string(kept) != bad || len(k.got) != 5 {
			t.Errorf("%q: %q, %v, %d events", bad, kept, err, len(k.got))
		}
	}
}

func TestNamesOfSinks(t *testing.T) {
	for _, names := range [][]string{{""}, {"../x"}, {"A"}, {"a", "a"}, {"a b"}, {strings.Repeat("a", 64)}} {
		var list []SinkOptions
		for _, n := range names {
			list = append(list, SinkOptions{Name: n})
		}
		if s, err := Open(t.TempDir(), Options{Sinks: list}); err == nil {
			s.Close()
			t.Errorf("%q is taken", names)
		}
	}
}

func TestDamagedSegmentHoldsBackNoOther(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for i := range uint64(3) {
		numbered(t, s, 100*i+1, 100*i+100)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "seg-*"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	copy(data[4:], slices.Repeat([]byte{0xff}, 60))
	if err := os.WriteFile(files[1], data, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{Sinks: []SinkOptions{{Name: "a"}}})
	k := newTaker()
	catchUp(t, s, "a", k)
	if st := s.Stats().Sinks[0]; len(k.got) != 200 || len(st.Damaged) != 1 || st.Damaged[0] != files[1] || st.Behind != 0 {
		t.Errorf("%d events, %+v", len(k.got), st)
	}
}

// BenchmarkFollow reads mixed events back whole, for a sink that does nothing.
func BenchmarkFollow(b *testing.B) {
	s, err := Open(b.TempDir(), Options{Sinks: []SinkOptions{{Name: "a"}}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const events = 50_000
	commit(b, s, newMix(1).batch(events))
	f, g := s.follower("a"), s.segments[0]
	b.ReportAllocs()
	for b.Loop() {
		if err := s.give(b.Context(), f, g, true, nothing{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
}

type nothing struct{}

func (nothing) Take(context.Context, *event.Batch) error { return nil }
