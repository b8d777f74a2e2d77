package store

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"mimamori/event"
)

// Commit is what is stored at once: events, and the frames that they come from.
// A frame is of one municipality and came at one moment.
type Commit struct {
	Batches []*event.Batch // all events; the batches stay the caller's, and must not change meanwhile
	Frames  []FrameRange
}

// Commit writes all events and the frames they come from, one segment for each
// day on which the stream had them: one, but at midnight. It returns when they
// are durable; its error means that nothing was stored and that it may be called
// again with the same. A crash may leave the segments of some of the days, whole
// with their frames. A commit of frames without events is stored too; one of
// nothing is not.
func (s *Store) Commit(ctx context.Context, c Commit) error {
	if err := s.change(); err != nil {
		return err
	}
	defer s.busy.Done()
	s.commit.Lock()
	defer s.commit.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	var drafts []*draft
	defer func() { discard(drafts) }()
	for _, p := range s.shares(c) {
		m := &manifest{Format: formatVersion, Tenants: map[string]int64{}, Frames: mergeFrames(p.frames), Days: p.days, Odd: p.odd}
		d, err := s.draft(s.newName(0), func(out io.Writer) error { return s.enc.write(out, p.events, m, s.mayHaveColumn) })
		if err != nil {
			return err
		}
		drafts = append(drafts, d)
	}
	segments, err := s.publish(drafts)
	if drafts = drafts[len(segments):]; err != nil || len(segments) == 0 {
		return err
	}
	s.swap(nil, segments...)
	return nil
}

// share is the part of a commit that becomes one segment.
type share struct {
	days   []string
	odd    bool
	events []*event.Event
	frames []FrameRange
}

// shares divides a commit by days, frames with their events. Where a frame's
// events are of more than one day or municipality, or have no frame while others
// do, the commit stays whole and is odd.
func (s *Store) shares(c Commit) []share {
	frames := slices.Clone(c.Frames)
	slices.SortFunc(frames, FrameRange.byRecord)
	x := dividing{ids: s.enc.ids, frames: frames, days: make([]int64, len(frames)), today: dayOf(s.now().UnixNano()), shares: map[int64]*share{}}
	whole, fits := share{odd: true, frames: frames, events: pointersTo(c.Batches)}, true
	for i, e := range whole.events {
		day, ok := x.day(e)
		fits = fits && ok
		switch p := x.shares[day]; {
		case p != nil && p.events != nil:
			p.events = append(p.events, e)
		case p != nil: // the first day, and so far the only one
		case len(x.shares) == 0:
			x.first = day
			x.share(day)
		default:
			if p := x.shares[x.first]; p.events == nil {
				p.events = slices.Clone(whole.events[:i])
			}
			x.share(day).events = append(x.share(day).events, e)
		}
	}
	if p := x.shares[x.first]; p != nil && p.events == nil {
		p.events = whole.events
	}
	if len(frames)+len(whole.events) == 0 {
		return nil
	}
	last := x.today
	if len(x.shares) > 0 {
		last = slices.Max(slices.Collect(maps.Keys(x.shares)))
	}
	for i, f := range frames {
		p := x.share(cmp.Or(x.days[i], last))
		p.frames = append(p.frames, f)
	}
	var out []share
	for _, day := range slices.Sorted(maps.Keys(x.shares)) {
		p := x.shares[day]
		p.days = []string{dayText(day)}
		out = append(out, *p)
		whole.days = append(whole.days, p.days...)
	}
	if fits {
		return out
	}
	return []share{whole}
}

// pointersTo are the events of all batches.
func pointersTo(batches []*event.Batch) []*event.Event {
	n := 0
	for _, b := range batches {
		n += len(b.Events)
	}
	out := make([]*event.Event, 0, n)
	for _, b := range batches {
		for i := range b.Events {
			out = append(out, &b.Events[i])
		}
	}
	return out
}

// dividing is a commit being divided.
type dividing struct {
	ids    fieldIDs
	frames []FrameRange // by record
	days   []int64      // of the frames; 0: no event has come yet
	last   int          // the frame that was found last
	today  int64
	first  int64 // the first event's day: its share has no list while there is no other
	shares map[int64]*share
}

func (x *dividing) share(day int64) *share {
	p := x.shares[day]
	if p == nil {
		p = &share{}
		x.shares[day] = p
	}
	return p
}

// day is when an event arrived. It is not ok where its frame says otherwise.
func (x *dividing) day(e *event.Event) (day int64, ok bool) {
	day = x.today
	if at, ok := e.Get(x.ids.ingested); ok && at.Kind() == event.Date {
		day = dayOf(at.Int())
	}
	if len(x.frames) == 0 {
		return day, true
	}
	if f := &x.frames[x.last]; !f.holds(e.Ref) {
		i, found := slices.BinarySearchFunc(x.frames, e.Ref, func(f FrameRange, r event.Ref) int {
			return f.byRecord(FrameRange{Collector: r.Collector, Source: r.Source, Epoch: r.Epoch, First: r.Seq})
		})
		if !found {
			i--
		}
		if i < 0 || !x.frames[i].holds(e.Ref) {
			return day, false
		}
		x.last = i
	}
	if x.days[x.last] == 0 {
		x.days[x.last] = day
	}
	return day, x.days[x.last] == day && x.frames[x.last].Municipality == e.Str(x.ids.tenant)
}

// holds tells whether the range holds the record.
func (f *FrameRange) holds(r event.Ref) bool {
	return f.First <= r.Seq && r.Seq <= f.Last && f.Epoch == r.Epoch && f.Source == r.Source && f.Collector == r.Collector
}

func (f FrameRange) byRecord(g FrameRange) int {
	return cmp.Or(cmp.Compare(f.Collector, g.Collector), cmp.Compare(f.Source, g.Source), cmp.Compare(f.Epoch, g.Epoch), cmp.Compare(f.First, g.First))
}

// dayOf is the number of a moment's day in Japan, counted from 1970.
func dayOf(ns int64) int64 { return floorDiv(ns+jst, int64(24*time.Hour)) }

// dayText writes it as manifests do.
func dayText(day int64) string { return time.Unix(day*24*60*60, 0).UTC().Format(time.DateOnly) }
