package ingest

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/frame"
)

// ledgerStore is a store that fails now and then, and notes what is there twice.
type ledgerStore struct {
	rows   map[event.Ref]string
	ranges []Stored
	twice  []event.Ref
	fail   func() bool
}

var errFull = errors.New("disk full")

func (s *ledgerStore) Write(_ context.Context, batches []*event.Batch, ranges []Stored) error {
	if s.fail() {
		return errFull
	}
	for _, b := range batches {
		for i := range b.Events {
			e := &b.Events[i]
			if _, ok := s.rows[e.Ref]; ok {
				s.twice = append(s.twice, e.Ref)
			}
			s.rows[e.Ref] = string(e.AppendJSON(nil))
		}
	}
	s.ranges = append(s.ranges, ranges...)
	return nil
}

func (s *ledgerStore) Stored() []Stored { return s.ranges }

func (s *ledgerStore) counts() (c frame.Counts) {
	for i := range s.ranges {
		c = c.Plus(s.ranges[i].Counts)
	}
	return c
}

// TestReplayStoresWhatIsMissingOnce lets a store lose ranges, also parts of
// frames, and replays into it: cut at random frames, with a disk that fails. It
// then has what one that lost nothing has.
func TestReplayStoresWhatIsMissingOnce(t *testing.T) {
	k, formats := newKit(t), set(t, acme)
	rapid.Check(t, func(t *rapid.T) {
		frames := genFrames(t, k.key)
		never := func() bool { return false }
		whole := &ledgerStore{rows: map[event.Ref]string{}, fail: never}
		run := func(s *ledgerStore, until int) error {
			r, err := NewReplayer(ReplayConfig{Formats: formats, Enricher: k.enricher, Location: time.UTC, Now: time.Now, Log: slog.New(slog.DiscardHandler), Store: s})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			for i, f := range frames[:until] {
				if err := r.Frame(t.Context(), f, time.UnixMicro(f.To).Add(time.Second), true); err != nil {
					return err
				}
				if i%3 == 2 {
					if err := r.Commit(t.Context()); err != nil {
						return err
					}
				}
			}
			return r.Commit(t.Context())
		}
		if err := run(whole, len(frames)); err != nil {
			t.Fatal(err)
		}
		lossy := &ledgerStore{rows: map[event.Ref]string{}}
		for _, s := range whole.ranges { // what is left of it
			if rapid.Bool().Draw(t, "kept") {
				lossy.keep(whole, &s, rapid.Uint64Range(s.First, s.Last).Draw(t, "to"))
			}
		}
		for done := false; !done; {
			lossy.fail = func() bool { return rapid.IntRange(0, 3).Draw(t, "fails") == 0 }
			until := rapid.IntRange(0, len(frames)).Draw(t, "cut")
			if done = rapid.IntRange(0, 2).Draw(t, "last") == 0; done {
				lossy.fail, until = never, len(frames)
			}
			if err := run(lossy, until); err != nil && !errors.Is(err, errFull) {
				t.Fatal(err)
			}
		}
		if len(lossy.twice) > 0 || len(lossy.rows) != len(whole.rows) {
			t.Fatalf("%d rows of %d, twice %v", len(lossy.rows), len(whole.rows), lossy.twice)
		}
		for ref, js := range whole.rows {
			if lossy.rows[ref] != js {
				t.Fatalf("%v\nis  %s\nwas %s", ref, lossy.rows[ref], js)
			}
		}
		if got, want := lossy.counts(), whole.counts(); got != want {
			t.Fatalf("accounted %+v, was %+v", got, want)
		}
	})
}

// keep takes over the first records of a range.
func (s *ledgerStore) keep(from *ledgerStore, r *Stored, to uint64) {
	part := *r
	part.Last, part.Counts = to, frame.Counts{}
	for seq := part.First; seq <= part.Last; seq++ {
		ref := event.Ref{Collector: r.Collector, Source: r.Source, Epoch: r.Epoch, Seq: seq}
		js, ok := from.rows[ref]
		if !ok {
			part.Dropped++
			continue
		}
		s.rows[ref] = js
		part.Stored++
		if r.Quarantined > 0 {
			part.Quarantined++
		}
	}
	s.ranges = append(s.ranges, part)
}

// genFrames seals frames of two sources whose lines are all known, or all not,
// and gives some of them up.
func genFrames(t *rapid.T, key ed25519.PrivateKey) (out []*frame.Frame) {
	for _, source := range []string{"a", "b"} {
		w, err := frame.NewWriter(frame.Header{Collector: "col", Municipality: "312011", Zone: "internet", Source: source, Epoch: 5}, key)
		if err != nil {
			t.Fatal(err)
		}
		var all []*frame.Frame
		for n := range rapid.IntRange(1, 6).Draw(t, "frames") {
			line := rapid.SampledFrom([]string{"acme_id=%d src=192.0.2.7 act=drop at=2026-11-22T00:00:00", "nobody knows line %d"}).Draw(t, "line")
			for i := range rapid.IntRange(1, 5).Draw(t, "lines") {
				w.Add(&frame.Record{Line: fmt.Sprintf(line, n*10+i), Received: atReceipt + int64(n*1000+i), Input: "file"})
			}
			f, err := w.Seal()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, f)
		}
		from := rapid.IntRange(0, len(all)-1).Draw(t, "given up from")
		to := rapid.IntRange(from, len(all)-1).Draw(t, "to")
		if rapid.Bool().Draw(t, "gap") {
			gap, err := frame.SealGap(all[from], all[to], "spool full", key)
			if err != nil {
				t.Fatal(err)
			}
			// Some were under way when they were given up.
			var come []*frame.Frame
			for i, f := range all {
				if i < from || i > to || rapid.Bool().Draw(t, "under way") {
					come = append(come, f)
				}
				if i == to {
					come = append(come, gap)
				}
			}
			all = come
		}
		out = append(out, all...)
	}
	return out
}
