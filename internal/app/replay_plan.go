package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mimamori/archive"
	"mimamori/frame"
)

// plan is what a first look at the archive's headers tells.
type plan struct {
	sources map[[2]string]*wanted // by collector and source
	seen    *frame.Ledger         // what the archive has
	hulls   map[frame.Key]hull    // of what is meant
	events  uint64                // about how many records there are to read
}

// wanted are the frames of one source that are to be stored.
type wanted struct {
	frames int
	first  time.Time // arrival
}

// hull is from where to where frames of one sequence are meant.
type hull struct {
	municipality string
	frame.Range
}

func sourceOf(e *archive.Entry) [2]string { return [2]string{e.Collector, e.Source} }

func spanOf(e *archive.Entry) frame.Range { return frame.Range{First: e.First, Last: e.Last} }

func arrival(e *archive.Entry) time.Time { return time.UnixMicro(e.Arrived) }

// look reads all headers.
func (w *replaying) look(ctx context.Context) error {
	w.plan = plan{sources: map[[2]string]*wanted{}, seen: frame.NewLedger(), hulls: map[frame.Key]hull{}}
	return archive.InOrder(ctx, w.dir, w.r.selection(), func(i *archive.Item) error {
		w.looked(&i.Entry)
		return nil
	}, func(d archive.Damaged) error {
		text := fmt.Sprintf("%s bytes %d-%d", d.File, d.From, d.To)
		if d.Entry != nil {
			text += fmt.Sprintf(": %s/%s/%d seq %d-%d", d.Entry.Collector, d.Entry.Source, d.Entry.Epoch, d.Entry.First, d.Entry.Last)
		}
		if len(w.out.Damaged) >= maxNamed {
			w.out.More++
			return nil
		}
		w.out.Damaged = append(w.out.Damaged, text)
		return nil
	})
}

// looked enters one header.
func (w *replaying) looked(e *archive.Entry) {
	p := &w.plan
	k, span := e.Sequence(), spanOf(e)
	p.seen.Fill(p.seen.Entry(k, e.Municipality, ""), span)
	if !w.r.has(arrival(e)) {
		return
	}
	if h, ok := p.hulls[k]; ok {
		span = frame.Range{First: min(h.First, span.First), Last: max(h.Last, span.Last)}
	}
	p.hulls[k] = hull{e.Municipality, span}
	if !w.wants(e) {
		switch lacks := w.replayer.Lacks(k, spanOf(e)); {
		case lacks && w.tooOld(e):
			w.out.TooOld++
		case lacks:
			w.out.Waiting++
		}
		return
	}
	if err := w.keys.Opens(e); err != nil {
		w.unopened(e, err)
		return
	}
	s := p.sources[sourceOf(e)]
	if s == nil {
		s = &wanted{first: arrival(e)}
		p.sources[sourceOf(e)] = s
	}
	s.frames++
	w.out.Wanted++
	p.events += e.Last - e.First + 1
}

// wants tells whether a frame is to be stored.
func (w *replaying) wants(e *archive.Entry) bool {
	k, span := e.Sequence(), spanOf(e)
	return w.r.has(arrival(e)) && w.replayer.Lacks(k, span) && (w.came == nil || w.came.Has(k, span)) && !w.tooOld(e)
}

func (w *replaying) tooOld(e *archive.Entry) bool {
	return w.keep != nil && arrival(e).Before(w.keep.longest(e.Municipality))
}

// unopened counts a frame that can't be opened.
func (w *replaying) unopened(e *archive.Entry, err error) {
	if errors.Is(err, archive.ErrErased) {
		if w.out.Erased == nil {
			w.out.Erased = map[string]uint64{}
		}
		w.out.Erased[e.Municipality+" "+e.Month()]++
		return
	}
	reason := err.Error()
	for _, known := range []error{archive.ErrLocked, archive.ErrNoKey} {
		if errors.Is(err, known) {
			reason = known.Error()
		}
	}
	if w.out.Unopened == nil {
		w.out.Unopened = map[string]uint64{}
	}
	if _, ok := w.out.Unopened[reason]; !ok && len(w.out.Unopened) >= maxNamed {
		reason = "…"
	}
	w.out.Unopened[reason]++
}

// lacking names what came, by the ledger, and is neither in the archive nor in
// the store. Without a ledger every number that is left out is named.
func (w *replaying) lacking() {
	if !w.aside {
		for _, f := range w.store.Frames() {
			k := frame.Key{Collector: f.Collector, Source: f.Source, Epoch: f.Epoch}
			w.plan.seen.Fill(w.plan.seen.Entry(k, f.Municipality, ""), frame.Range{First: f.First, Last: f.Last})
		}
	}
	known := map[frame.Key]bool{}
	bounded := !w.r.From.IsZero() || !w.r.To.IsZero()
	for _, e := range w.ledger {
		known[e.Key] = true
		h, meant := w.plan.hulls[e.Key]
		if !w.r.concerns(e) || bounded && !meant {
			continue
		}
		for _, r := range e.Ranges {
			if bounded {
				r = frame.Range{First: max(r.First, h.First), Last: min(r.Last, h.Last)}
			}
			w.lack(e.Key, e.Municipality, r)
		}
	}
	for k, h := range w.plan.hulls {
		if !known[k] {
			w.lack(k, h.municipality, h.Range)
		}
	}
}

func (w *replaying) lack(k frame.Key, municipality string, r frame.Range) {
	if r.First > r.Last {
		return
	}
	for _, gone := range w.plan.seen.Fill(w.plan.seen.Entry(k, municipality, ""), r) {
		w.replayer.Cut(k.Collector, k.Source)
		if len(w.out.Incomplete) >= maxNamed {
			w.out.More++
			continue
		}
		w.out.Incomplete = append(w.out.Incomplete, Lacking{municipality, k.Collector, k.Source, k.Epoch, gone.First, gone.Last})
	}
}

// concerns tells whether a sequence is meant.
func (r *Replay) concerns(e *frame.Entry) bool {
	return (r.Municipality == "" || r.Municipality == e.Municipality) && (r.Collector == "" || r.Collector == e.Collector) && (r.Source == "" || r.Source == e.Source)
}
