package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
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
	w := &writing{ctx: ctx}
	opts := store.Options{Log: c.Log, Now: c.Now}
	if c.Lines == nil {
		opts.Now = func() time.Time { return time.Unix(0, w.clock.Load()) }
	}
	s, err := store.Open(filepath.Join(c.Dir, "events"), opts)
	if err != nil {
		return r, err
	}
	if w.store = s; c.Lines != nil {
		err = c.storeLines(w, &r)
	} else {
		err = c.storeDays(w, &r)
	}
	r.MaxRSSBytes = measure.MaxRSS()
	return r, errors.Join(err, s.Close())
}

// writing counts what commits and compaction take.
type writing struct {
	ctx     context.Context
	store   *store.Store
	total   measure.Use
	merging measure.Use
	clock   atomic.Int64 // when the last event came: days are over when they are
	commits int
	bytes   int64 // that commits wrote
}

// perCompaction is how many commits the pipeline does under load until segments
// are merged.
const perCompaction = 25

func (w *writing) commit(batches ...*event.Batch) error {
	var frames []store.FrameRange
	at := map[string]int{} // a source's frame
	for _, b := range batches {
		for i := range b.Events {
			e := &b.Events[i]
			if f, ok := at[e.Collector]; ok {
				frames[f].Last, frames[f].Stored = e.Seq, frames[f].Stored+1
				continue
			}
			at[e.Collector] = len(frames)
			frames = append(frames, store.FrameRange{
				Collector: e.Collector, Source: e.Source, Municipality: e.Str(event.MustLookup("municipality")), Epoch: e.Epoch, First: e.Seq, Last: e.Seq, Stored: 1,
			})
		}
	}
	before := w.store.Stats().Bytes
	stop := measure.Start()
	err := w.store.Commit(w.ctx, store.Commit{Batches: batches, Frames: frames})
	w.total = sum(w.total, stop())
	w.bytes += w.store.Stats().Bytes - before
	return err
}

func (w *writing) compact() error {
	stop := measure.Start()
	err := w.store.Compact(w.ctx)
	w.merging = sum(w.merging, stop())
	return err
}

func sum(a, b measure.Use) measure.Use {
	a.CPU, a.Wall = a.CPU+b.CPU, a.Wall+b.Wall
	return a
}

func (c *Config) storeLines(w *writing, r *StoreResult) error {
	p, err := c.parser()
	if err != nil {
		return err
	}
	x := new(event.Builder)
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
	r.BytesPerEvent = float64(w.store.Stats().Bytes) / float64(max(r.Events, 1))
	return err
}

// storeDays writes days of made lines, with needles, merges as the pipeline does,
// and asks.
func (c *Config) storeDays(w *writing, r *StoreResult) error {
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, calendar.JST())
	f, err := c.filler(start)
	if err != nil {
		return err
	}
	step := 24 * time.Hour / time.Duration(r.PerDay)
	commit := func(b *event.Batch) error {
		r.Events += len(b.Events)
		w.clock.Store(start.Add(step * time.Duration(r.Events)).UnixNano())
		if err := w.commit(b); err != nil {
			return err
		}
		if w.commits++; w.commits%perCompaction > 0 {
			return nil
		}
		return w.compact()
	}
	for r.Events < c.Events {
		made := new(event.Batch)
		for n := min(perCommit, (c.Events-r.Events+repeats-1)/repeats); len(made.Events) < n; {
			i := r.Events + len(made.Events)
			f.plant.add(i, c.Events)
			f.add(made, i, start.Add(step*time.Duration(i)))
		}
		if err := commit(made); err != nil {
			return err
		}
		for again := 1; again < repeats && r.Events < c.Events; again++ {
			if err := commit(f.later(made, r.Events, step*time.Duration(len(made.Events)*again))); err != nil {
				return err
			}
		}
	}
	w.clock.Add(int64(24 * time.Hour))
	if err := w.compact(); err != nil {
		return err
	}
	r.done(w.total)
	r.BytesWritten = float64(w.bytes) / float64(max(r.Events, 1))
	r.Compaction = w.merging.CPU.Seconds() * 1e6 / float64(max(r.Events, 1))
	st := w.store.Stats()
	r.BytesPerEvent, r.Segments = float64(st.Bytes)/float64(max(r.Events, 1)), st.Segments
	return c.ask(w.ctx, w.store, f, r)
}
