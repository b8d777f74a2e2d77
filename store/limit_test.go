package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"mimamori/event"
)

// slowList tells when DuckDB asks it, and takes its time.
type slowList struct {
	asked   atomic.Int64
	running chan struct{}
	once    sync.Once
}

func (l *slowList) Contains(_, value string) bool {
	l.once.Do(func() { close(l.running) })
	l.asked.Add(1)
	n := 0
	for i := range 50_000 { // some tenths of a millisecond
		n += i ^ len(value)
	}
	return n == 0
}

func TestAHeavyQueryIsCancelledAndOthersGoOn(t *testing.T) {
	slow := &slowList{running: make(chan struct{})}
	s := open(t, t.TempDir(), Options{Lists: slow, Threads: 2})
	const events = 40_000
	for range 4 {
		commit(t, s, newMix(1).batch(events/4))
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := s.Count(ctx, event.Query{Text: `inList(event.original, "any") || inList(event.original, "other")`})
		ended <- err
	}()
	<-slow.running
	n, err := s.Count(context.Background(), event.Query{Text: `has(event.kind)`})
	if n != events || err != nil {
		t.Errorf("beside it %d events are counted: %v", n, err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled query says %v", err)
	}
	if n := slow.asked.Load(); n >= 2*events {
		t.Error("it had run to its end")
	}
	if n, err := s.Count(context.Background(), event.Query{Text: `has(event.kind)`}); n != events || err != nil {
		t.Errorf("after it %d events are counted: %v", n, err)
	}
}

func TestAQuestionThatNeedsTooMuchMemoryFailsAlone(t *testing.T) {
	s := open(t, t.TempDir(), Options{MemoryMB: 24, Threads: 1})
	m := newMix(1)
	for range 5 {
		commit(t, s, m.batch(20_000))
	}
	var measures []event.Measure
	for _, p := range []float64{1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99} {
		measures = append(measures, event.Measure{Kind: event.Percentile, Field: "@timestamp", Percent: p})
	}
	_, err := s.Aggregate(context.Background(), event.Query{}, event.Aggregate{By: []string{"source.ip", "source.port"}, Measures: measures})
	if !errors.Is(err, event.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if n, err := s.Count(context.Background(), event.Query{Text: `has(event.kind)`}); n != 100_000 || err != nil {
		t.Errorf("after it %d events are counted: %v", n, err)
	}
}
