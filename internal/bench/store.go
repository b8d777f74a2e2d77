package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/internal/measure"
	"mimamori/store"
)

// StoreResult is what it took to write a store and to ask it. The names are part
// of the command line.
type StoreResult struct {
	Result
	Segments     int        `json:"segments"`
	Compaction   float64    `json:"compaction_us_per_event"`
	BytesWritten float64    `json:"bytes_per_event_before_compaction"`
	PerDay       int        `json:"events_per_day"`
	Asked        []Question `json:"questions"`
}

// String is the measurement as lines for people.
func (r StoreResult) String() string {
	out := r.Result.String() + fmt.Sprintf("  compaction %.2f µs of CPU an event, %.1f bytes an event on disk, %.1f before, %d segments\n", r.Compaction, r.BytesPerEvent, r.BytesWritten, r.Segments)
	for _, q := range r.Asked {
		out += fmt.Sprintf("  %-30s %8.3f s %8.3f CPU s %10d\n", q.Name, q.Seconds, q.CPUSeconds, q.Count)
	}
	return out
}

// days is how many days the events are of: questions are of one, or of all.
const days = 10

// repeats is how often lines are stored that were parsed once, at other times of
// another day: parsing is not what is measured here.
const repeats = 4

// Store measures writing segments, with filters, compacting them, and what
// questions take while events go on coming. With lines from elsewhere it only
// writes.
func Store(ctx context.Context, c Config) (StoreResult, error) {
	r := StoreResult{Result: Result{Step: "store"}, PerDay: max(1, c.Events/days)}
	s, err := store.Open(filepath.Join(c.Dir, "events"), store.Options{Log: c.Log, Now: c.Now})
	if err != nil {
		return r, err
	}
	if c.Lines != nil {
		err = c.storeLines(ctx, s, &r)
	} else {
		err = c.storeDays(ctx, s, &r)
	}
	r.MaxRSSBytes = measure.MaxRSS()
	return r, errors.Join(err, s.Close())
}

// writing counts what commits take.
type writing struct {
	ctx   context.Context
	store *store.Store
	total measure.Use
	seq   int
}

func (w *writing) commit(batches ...*event.Batch) error {
	n := 0
	for _, b := range batches {
		n += len(b.Events)
	}
	stop := measure.Start()
	err := w.store.Commit(w.ctx, store.Commit{Batches: batches, Frames: []store.FrameRange{{
		Collector: "bench", Source: "bench", Municipality: "312011", Epoch: 1, First: uint64(w.seq + 1), Last: uint64(w.seq + n), Stored: uint64(n),
	}}})
	w.seq += n
	u := stop()
	w.total.CPU, w.total.Wall = w.total.CPU+u.CPU, w.total.Wall+u.Wall
	return err
}

func (c *Config) storeLines(ctx context.Context, s *store.Store, r *StoreResult) error {
	p, err := c.parser()
	if err != nil {
		return err
	}
	w, x := writing{ctx: ctx, store: s}, new(event.Builder)
	var batches []*event.Batch
	err = c.chunks(func(lines []string) error {
		batches = append(batches, c.parse(p, x, lines, r.Events))
		r.Events += len(lines)
		if len(batches) < 3 {
			return nil
		}
		err := w.commit(batches...)
		batches = nil
		return err
	})
	if err == nil && len(batches) > 0 {
		err = w.commit(batches...)
	}
	r.done(w.total)
	r.BytesPerEvent = float64(s.Stats().Bytes) / float64(max(r.Events, 1))
	return err
}

// storeDays writes days of made lines, with needles, and asks.
func (c *Config) storeDays(ctx context.Context, s *store.Store, r *StoreResult) error {
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, calendar.JST())
	f, err := c.filler(start)
	if err != nil {
		return err
	}
	w := writing{ctx: ctx, store: s}
	step := 24 * time.Hour / time.Duration(r.PerDay)
	for r.Events < c.Events {
		made := new(event.Batch)
		for n := min(perCommit, (c.Events-r.Events+repeats-1)/repeats); len(made.Events) < n; {
			i := r.Events + len(made.Events)
			f.plant.add(i, c.Events)
			f.add(made, i, start.Add(step*time.Duration(i)))
		}
		if err := w.commit(made); err != nil {
			return err
		}
		r.Events += len(made.Events)
		for again := 1; again < repeats && r.Events < c.Events; again++ {
			b := f.later(made, r.Events, step*time.Duration(len(made.Events)*again))
			if err := w.commit(b); err != nil {
				return err
			}
			r.Events += len(b.Events)
		}
	}
	r.done(w.total)
	r.BytesWritten = float64(s.Stats().Bytes) / float64(max(r.Events, 1))
	stop := measure.Start()
	if err := s.Compact(ctx); err != nil {
		return err
	}
	r.Compaction = stop().CPU.Seconds() * 1e6 / float64(max(r.Events, 1))
	st := s.Stats()
	r.BytesPerEvent, r.Segments = float64(st.Bytes)/float64(max(r.Events, 1)), st.Segments
	return c.ask(ctx, s, f, r)
}
