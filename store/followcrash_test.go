package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"mimamori/event"
	"mimamori/internal/testkit"
)

var crashSink = []SinkOptions{{Name: "a"}}

// paper is a sink that writes down what it is given.
type paper struct{ file *os.File }

func (p paper) Take(_ context.Context, b *event.Batch) error {
	text := make([]byte, 0, 8*len(b.Events))
	for _, e := range b.Events {
		text = fmt.Appendln(text, e.Seq)
	}
	_, err := p.file.Write(text)
	return err
}

func openPaper(dir string) (paper, error) {
	f, err := os.OpenFile(filepath.Join(dir, "paper"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return paper{f}, err
}

// followLoop commits and compacts while a sink is served, until it is killed.
func followLoop(dir string) {
	s, err := Open(dir, Options{Threads: 1, MemoryMB: 128, Sinks: crashSink})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	to, err := openPaper(dir)
	if err != nil {
		fmt.Println("error", err)
		return
	}
	next := s.lastSeq() + 1
	fmt.Println("open", next)
	var sink sync.WaitGroup
	sink.Go(func() { fmt.Println("error", s.Follow(context.Background(), "a", to)) })
	defer sink.Wait()
	defer s.Close()
	for n := next; ; n += 10 {
		b, x := &event.Batch{}, new(event.Builder)
		for i := range uint64(10) {
			x.Set(event.MustLookup("@timestamp"), event.Time(int64(n+i)))
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

func TestKillLosesNothingForASink(t *testing.T) {
	dir := t.TempDir()
	acked := testkit.Killed(t, "MIMAMORI_FOLLOW_CRASH="+dir, func(uint64) {})
	times := given(t, dir)
	if acked == 0 || len(times) == 0 {
		t.Fatal("stored and given: ", acked, len(times))
	}
	s := open(t, dir, Options{Sinks: crashSink})
	behind := s.Stats().Sinks[0].Behind
	if last := s.lastSeq(); behind+int64(len(times)) < int64(last) {
		t.Errorf("%d events were given, %d are to come, of %d", len(times), behind, last)
	}
	to, err := openPaper(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer to.file.Close()
	f := s.follower("a")
	for {
		g, all, _ := s.nextFor(f)
		if g == nil {
			break
		}
		err := s.give(context.Background(), f, g, all, to)
		s.release([]*segment{g})
		if err != nil {
			t.Fatal(err)
		}
	}
	times = given(t, dir)
	twice := 0
	for n := uint64(1); n <= s.lastSeq(); n++ {
		if times[n] == 0 {
			t.Fatalf("event %d of %d was not given", n, s.lastSeq())
		}
		if times[n] > 1 {
			twice++
		}
	}
	t.Logf("%d events, %d of them more than once", s.lastSeq(), twice)
}

// given reads how often the sink was given each event.
func given(t *testing.T, dir string) map[uint64]int {
	f, err := os.Open(filepath.Join(dir, "paper"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[uint64]int{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var n uint64
		if _, err := fmt.Sscan(lines.Text(), &n); err != nil {
			t.Fatal(err)
		}
		out[n]++
	}
	return out
}
