package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"mimamori/event"
	"mimamori/frame"
	"mimamori/ingest/enrich"
	"mimamori/ingest/format"
	"mimamori/internal/bus"
)

// ReplayConfig says what becomes of archived frames.
type ReplayConfig struct {
	Formats  *format.Set
	Enricher *enrich.Enricher
	Location *time.Location // of device times without a zone
	Now      func() time.Time
	Log      *slog.Logger
	Store    Store    // gets what it lacks; nil: none
	Detector Detector // sees all events; nil: none
	Alert    func(event.Alert)
	Batch    int // events of one commit; 0 is as many as of a live one

	// Since is when events begin that are kept; older ones are left out, as
	// retention would take them away again. nil: all are.
	Since func(municipality, dataset string) time.Time
}

// Replayed is the account of a replay.
type Replayed struct {
	Frames    uint64 `json:"frames"`              // whose events were stored
	Stored    uint64 `json:"events"`              // events that were stored
	Seen      uint64 `json:"events_read"`         // these, and others, for what clocks and rules know of them
	OverAge   uint64 `json:"over_age,omitempty"`  // left out: retention would take them
	Uncertain uint64 `json:"uncertain,omitempty"` // stored events with a time of their device, whose clock was judged without all of its past
	Unread    uint64 `json:"unread,omitempty"`    // frames that could be opened, and not unpacked
	Commits   uint64 `json:"commits,omitempty"`   // to the store
}

// Replayer takes archived frames as the pipeline took them when they came: one
// function makes events of lines, another judges their times, in the order of
// the stream. So the same comes out, but for what formats and tables have
// learnt since, and what clocks knew of frames that it is not given. It commits
// to the store what that does not account for, and nothing twice; the ledger of
// what came is not touched. One goroutine uses it.
//
// It holds at most the events of one commit.
type Replayer struct {
	Report Replayed

	cfg   ReplayConfig
	w     *worker
	times times
	have  *frame.Ledger      // what the store accounts for
	cut   map[[2]string]bool // collectors and sources of whose past something is not known

	batches []*event.Batch
	ranges  []Stored
	events  int
	frames  uint64
}

// NewReplayer makes a replayer, which is ended by Close.
func NewReplayer(cfg ReplayConfig) (*Replayer, error) {
	w, err := newWorker(&Config{Formats: cfg.Formats, Enricher: cfg.Enricher, Location: cfg.Location, Now: cfg.Now}, new(batchPool))
	if err != nil {
		return nil, err
	}
	if cfg.Batch == 0 {
		cfg.Batch = maxPending
	}
	r := &Replayer{cfg: cfg, w: w, times: newTimes(cfg.Log), have: frame.NewLedger(), cut: map[[2]string]bool{}}
	if cfg.Store != nil {
		for _, s := range cfg.Store.Stored() {
			r.have.Add(r.have.Entry(s.key(), s.Municipality, ""), s.span(), s.Counts)
		}
	}
	return r, nil
}

// Close frees what the replayer holds. What was not committed is given up.
func (r *Replayer) Close() { r.w.unpacker.Close() }

// Lacks tells whether the store does not account for all of these records.
func (r *Replayer) Lacks(k frame.Key, span frame.Range) bool { return !r.have.Has(k, span) }

// Cut notes that something of a source's past is not shown.
func (r *Replayer) Cut(collector, source string) { r.cut[[2]string{collector, source}] = true }

// Pass is told of a frame in its place that can't be opened.
func (r *Replayer) Pass(k frame.Key, municipality string, span frame.Range) {
	r.Cut(k.Collector, k.Source)
	r.have.Add(r.have.Entry(k, municipality, ""), span, frame.Counts{}) // a gap that covers it is not of it
}

// Frame takes the next frame, which arrived then. Its events are stored where
// keep says so and the store lacks them.
func (r *Replayer) Frame(ctx context.Context, f *frame.Frame, arrived time.Time, keep bool) error {
	j := &frameJob{frame: f, msg: bus.Msg{Time: arrived}, done: make(chan struct{})}
	if r.w.do(j); j.err != nil { // it is counted, and costs no other
		r.Report.Unread++
		r.Cut(f.Collector, f.Source)
		r.cfg.Log.Warn("an archived frame can't be read", "collector", f.Collector, "source", f.Source, "first", f.First, "err", j.err)
		return nil //nolint:nilerr // see above
	}
	for i := range j.batch.Events {
		r.times.judge(j, i, r.times.namer.Name(&j.batch.Events[i]))
	}
	r.Report.Seen += uint64(len(j.batch.Events))
	if r.cfg.Detector != nil {
		r.cfg.Detector.Evaluate(j.batch, r.cfg.Alert)
	}
	if !keep || r.cfg.Store == nil {
		r.w.batches.put(j.batch)
		return nil
	}
	r.take(j)
	if r.events < r.cfg.Batch {
		return nil
	}
	return r.Commit(ctx)
}

// take puts what the store lacks of a frame into the next commit.
func (r *Replayer) take(j *frameJob) {
	f := j.frame
	parts := r.have.Fill(r.have.Entry(f.Key(), f.Municipality, f.Zone), frame.Range{First: f.First, Last: f.Last()})
	if len(parts) == 0 {
		r.w.batches.put(j.batch)
		return
	}
	whole := len(parts) == 1 && parts[0] == frame.Range{First: f.First, Last: f.Last()}
	batch := r.chosen(j, parts, whole)
	for _, p := range parts {
		s := Stored{Collector: f.Collector, Source: f.Source, Municipality: f.Municipality, Epoch: f.Epoch, First: p.First, Last: p.Last, Counts: j.counts}
		if !whole || f.Kind == frame.Gap {
			s.Counts = within(j.batch, p)
		}
		r.ranges = append(r.ranges, s)
	}
	if r.cut[[2]string{f.Collector, f.Source}] {
		for _, c := range j.claims {
			if c.Clock != format.NoClock {
				r.Report.Uncertain++
			}
		}
	}
	r.frames++
	r.batches, r.events = append(r.batches, batch), r.events+len(batch.Events)
}

// within is what became of the records of a range whose events are in a batch.
func within(b *event.Batch, p frame.Range) (c frame.Counts) {
	for i := range b.Events {
		if e := &b.Events[i]; e.Seq >= p.First && e.Seq <= p.Last {
			if c.Stored++; e.Has(fQuarantine) {
				c.Quarantined++
			}
		}
	}
	c.Dropped = p.Last - p.First + 1 - c.Stored
	return c
}

// chosen are the events of a frame that are to be stored.
func (r *Replayer) chosen(j *frameJob, parts []frame.Range, whole bool) *event.Batch {
	left := map[int]bool{}
	for i := range j.batch.Events {
		e := &j.batch.Events[i]
		if !whole && !slices.ContainsFunc(parts, func(p frame.Range) bool { return e.Seq >= p.First && e.Seq <= p.Last }) {
			left[i] = true
		} else if r.tooOld(e) {
			left[i] = true
			r.Report.OverAge++
		}
	}
	if len(left) == 0 {
		return j.batch
	}
	out, x := r.w.batches.get(), new(event.Builder)
	for i := range j.batch.Events {
		if !left[i] {
			x.Load(&j.batch.Events[i])
			out.Append(x, j.batch.Events[i].Ref)
		}
	}
	return out
}

func (r *Replayer) tooOld(e *event.Event) bool {
	if r.cfg.Since == nil {
		return false
	}
	since := r.cfg.Since(e.Str(fMunicipality), e.Str(fDataset))
	at, ok := e.Get(fTimestamp)
	return ok && !since.IsZero() && at.Int() < since.UnixNano()
}

// Commit stores what waits. On an error nothing of it is, and it is given up.
func (r *Replayer) Commit(ctx context.Context) error {
	batches, ranges, events, frames := r.batches, r.ranges, r.events, r.frames
	r.batches, r.ranges, r.events, r.frames = nil, nil, 0, 0
	if len(ranges) == 0 {
		return nil
	}
	if err := r.cfg.Store.Write(ctx, batches, ranges); err != nil {
		return fmt.Errorf("ingest: replay: %w", err)
	}
	for _, b := range batches {
		r.w.batches.put(b)
	}
	r.Report.Stored, r.Report.Frames, r.Report.Commits = r.Report.Stored+uint64(events), r.Report.Frames+frames, r.Report.Commits+1
	return nil
}
