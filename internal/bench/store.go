package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"mimamori/event"
	"mimamori/internal/app"
	"mimamori/internal/measure"
	"mimamori/rules"
	"mimamori/store"
)

// Rules measures the rule engine on parsed events.
func Rules(c Config) (Result, error) {
	r := Result{Step: "rules"}
	set, err := app.LoadRules(nil)
	if c.Rules != "" {
		set, err = rules.Load(os.DirFS(c.Rules))
	}
	if err != nil {
		return r, err
	}
	r.Rules = len(set.Rules())
	seen := new(rules.Seen)
	engine := rules.NewEngine(set, rules.Options{Log: c.Log, Now: c.Now, Seen: seen})
	p, err := c.parser()
	if err != nil {
		return r, err
	}
	x := new(event.Builder)
	var total measure.Use
	err = c.chunks(func(lines []string) error {
		for frame := range slices.Chunk(lines, frameLines) {
			b := c.parse(p, x, frame, r.Events)
			stop := measure.Start()
			engine.Evaluate(b, func(event.Alert) { r.Matches++ })
			u := stop()
			total.CPU, total.Wall = total.CPU+u.CPU, total.Wall+u.Wall
			r.Events += len(frame)
			if seen.Ripe() { // the program does it beside its work
				stop := measure.Start()
				engine.Use(engine.Choose())
				r.Choices, r.ChooseSeconds = r.Choices+1, r.ChooseSeconds+stop().CPU.Seconds()
			}
		}
		return nil
	})
	r.done(total)
	return r, err
}

// frameLines is what ingest hands to the rules at once: about a frame's lines.
const frameLines = 200

// Store measures writing segments, their size, and finding one event in all.
func Store(ctx context.Context, c Config) (Result, error) {
	r := Result{Step: "store"}
	p, err := c.parser()
	if err != nil {
		return r, err
	}
	s, err := store.Open(filepath.Join(c.Dir, "events"), store.Options{Log: c.Log, Now: c.Now})
	if err != nil {
		return r, err
	}
	x := new(event.Builder)
	var total measure.Use
	commit := func(batches []*event.Batch, first, last int) error {
		stop := measure.Start()
		err := s.Commit(ctx, store.Commit{Batches: batches, Frames: []store.FrameRange{{
			Collector: "bench", Source: "bench", Municipality: "312011", Epoch: 1, First: uint64(first + 1), Last: uint64(last), Stored: uint64(last - first),
		}}})
		u := stop()
		total.CPU, total.Wall = total.CPU+u.CPU, total.Wall+u.Wall
		return err
	}
	var batches []*event.Batch
	from := 0
	err = c.chunks(func(lines []string) error {
		batches = append(batches, c.parse(p, x, lines, r.Events))
		r.Events += len(lines)
		if len(batches) < 3 {
			return nil
		}
		err := commit(batches, from, r.Events)
		batches, from = nil, r.Events
		return err
	})
	if err == nil && len(batches) > 0 {
		err = commit(batches, from, r.Events)
	}
	if err != nil {
		return r, errors.Join(err, s.Close())
	}
	r.done(total)
	r.BytesPerEvent = float64(s.Stats().Bytes) / float64(max(r.Events, 1))
	start := time.Now()
	_, err = s.Search(ctx, event.Query{Text: fmt.Sprintf("%q", "needle-that-nobody-wrote-4711"), Limit: 10})
	r.NeedleSeconds = time.Since(start).Seconds()
	r.MaxRSSBytes = measure.MaxRSS()
	return r, errors.Join(err, s.Close())
}
