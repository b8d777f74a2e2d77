package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"mimamori/archive"
	"mimamori/frame"
	"mimamori/ingest"
	"mimamori/ingest/enrich"
	"mimamori/rules"
	"mimamori/soc"
	"mimamori/store"
)

// replaying is one replay at work: first the archive's headers, then the frames
// that are wanted, in the order in which they came.
type replaying struct {
	cfg      *Config
	r        Replay
	dir      string // of the archive
	keys     *archive.Keys
	store    *store.Store // that gets the events
	soc      *soc.Service // that gets the alerts; nil: rules see nothing
	recorded *soc.Service // whose alerts are compared; nil: none
	aside    bool         // store and soc are new ones
	keep     *keeping     // what is not stored any more; nil: all is
	enricher *enrich.Enricher
	ledger   []*frame.Entry              // what came, by the service's account
	came     *frame.Ledger               // only that is stored; nil: whatever the archive has
	yield    func(context.Context) error // waits for what comes now; nil: nothing comes
	tell     func(Reread)
	batch    int // events of one commit; 0 is the usual
	now      func() time.Time
	log      *slog.Logger

	out      Replayed
	plan     plan
	replayer *ingest.Replayer
	found    *finds // nil: rules see nothing
	began    time.Time
	frames   int
}

// run does the work. The account is right even when an error comes with it.
func (w *replaying) run(ctx context.Context) (out Reread, sum string, err error) {
	out = Reread{State: Failed}
	defer func() {
		if w.out.Replayed = (ingest.Replayed{}); w.replayer != nil {
			w.out.Replayed = w.replayer.Report
			w.replayer.Close()
		}
		out.Replay = &w.out
		if ctx.Err() != nil {
			out.State = Stopped
		}
	}()
	if err := w.r.check(); err != nil {
		return out, "", err
	}
	if w.r.Missing {
		if err := w.putAside(ctx); err != nil {
			return out, "", err
		}
	} else if !w.aside {
		if out.Report, err = w.reread(ctx); err != nil {
			return out, "", err
		}
	}
	if sum, err = w.open(ctx); err != nil {
		return out, "", err
	}
	if err = w.look(ctx); err == nil {
		w.lacking()
		err = w.again(ctx)
	}
	if err == nil {
		err = w.nowWhole()
	}
	if err != nil {
		return out, sum, err
	}
	out.State = Done
	return out, sum, nil
}

// open makes what turns frames into events.
func (w *replaying) open(ctx context.Context) (sum string, err error) {
	formats, err := LoadFormats(w.cfg.Formats)
	if err != nil {
		return "", err
	}
	zone, err := time.LoadLocation(w.cfg.Timezone)
	if err != nil {
		return "", fmt.Errorf("configuration: %w", err)
	}
	cfg := ingest.ReplayConfig{Formats: formats, Enricher: w.enricher, Location: zone, Now: w.now, Log: w.log, Store: segments{w.store}, Batch: w.batch}
	if w.keep != nil {
		cfg.Since = w.keep.since
	}
	if w.soc != nil {
		if w.found, err = w.openFinds(ctx); err != nil {
			return "", err
		}
		cfg.Detector, cfg.Alert = w.found.engine, w.found.alert
	}
	w.replayer, err = ingest.NewReplayer(cfg)
	return formats.Sum(), err
}

// again takes the wanted frames, and what clocks and rules have to know of the
// others.
func (w *replaying) again(ctx context.Context) error {
	if w.out.Wanted == 0 && w.found == nil {
		return nil
	}
	if !w.r.From.IsZero() { // what came before is not looked at
		for s := range w.plan.sources {
			w.replayer.Cut(s[0], s[1])
		}
	}
	w.began = w.now()
	err := archive.InOrder(ctx, w.dir, w.r.selection(), func(i *archive.Item) error { return w.frame(ctx, i) }, func(archive.Damaged) error { return nil })
	if err == nil && w.found != nil {
		err = w.found.end(ctx)
	}
	return errors.Join(err, w.commit(ctx))
}

// commit stores what waits; after a stop, too: it is done.
func (w *replaying) commit(ctx context.Context) error {
	return w.replayer.Commit(context.WithoutCancel(ctx))
}

// frame takes one frame, or passes it over.
func (w *replaying) frame(ctx context.Context, i *archive.Item) error {
	e := &i.Entry
	at, s := arrival(e), w.plan.sources[sourceOf(e)]
	keep := s != nil && s.frames > 0 && w.wants(e)
	learn := s != nil && s.frames > 0 && !at.Before(s.first.Add(-w.r.Around))
	if !keep && !learn && (w.found == nil || !w.r.near(at)) {
		if s != nil {
			w.replayer.Cut(e.Collector, e.Source)
		}
		return nil
	}
	f, err := i.Open(w.keys)
	if err != nil {
		if errors.Is(err, archive.ErrMalformed) {
			w.unopened(e, err)
		} else if known := w.keys.Opens(e); known == nil {
			return err
		} else if !keep && w.r.has(at) && !w.replayer.Lacks(e.Sequence(), spanOf(e)) {
			w.unopened(e, known) // the rules should have seen it
		}
		w.replayer.Pass(e.Sequence(), e.Municipality, spanOf(e))
		return nil
	}
	if keep {
		s.frames--
	}
	if err := w.replayer.Frame(ctx, f, at, keep); err != nil {
		return err
	}
	if w.found != nil && len(w.found.wait) >= mostFound {
		if err := w.found.insert(ctx); err != nil {
			return err
		}
	}
	return w.pace(ctx)
}

// tellEvery is after how many frames the progress is told, and the live stream
// asked.
const tellEvery = 16

// pace tells how far the work is, keeps to its rate, and lets live frames go first.
func (w *replaying) pace(ctx context.Context) error {
	if w.frames++; w.frames%tellEvery != 0 {
		return nil
	}
	r := &w.replayer.Report
	w.tell(Reread{State: Running, Read: r.Seen, Total: max(w.plan.events, r.Seen)})
	if w.yield != nil {
		if err := w.yield(ctx); err != nil {
			return err
		}
	}
	return w.slow(ctx, r.Seen)
}

// slow waits until so many events may have been read since the work began.
func (w *replaying) slow(ctx context.Context, read uint64) error {
	if w.r.Rate == 0 {
		return nil
	}
	due := w.began.Add(time.Duration(float64(read) / float64(w.r.Rate) * float64(time.Second)))
	return wait(ctx, due.Sub(w.now()))
}

// wait lets time pass; its error is that ctx ended.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err() //nolint:wrapcheck // its callers' own
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // its callers' own
	case <-t.C:
		return nil
	}
}

// reread reads the lines again that are in the store, as formats reparse does.
func (w *replaying) reread(ctx context.Context) (*ingest.Report, error) {
	q := Reparse{Municipality: w.r.Municipality, Where: "has(event.ingested)"}
	for op, at := range map[string]time.Time{">=": w.r.From, "<": w.r.To} {
		if !at.IsZero() {
			q.Where += fmt.Sprintf(" && event.ingested %s %q", op, at.UTC().Format(time.RFC3339Nano))
		}
	}
	if w.r.Collector != "" {
		q.Where += fmt.Sprintf(" && collector == %q", w.r.Collector)
	}
	w.began = w.now()
	x := rereading{cfg: w.cfg, store: w.store, enricher: w.enricher, source: w.r.Source, tell: func(r Reread) {
		w.tell(r)
		_ = w.slow(ctx, r.Read) // Rewrite sees that ctx ended
	}}
	out, _, err := x.run(ctx, q)
	return out.Report, err
}

// openFinds makes the rules that run as they do in the service, and what keeps
// what they find.
func (w *replaying) openFinds(ctx context.Context) (*finds, error) {
	set, err := LoadRules(w.cfg.Rules)
	if err != nil {
		return nil, err
	}
	named, err := openLists(w.cfg)
	if err != nil {
		return nil, err
	}
	return newFinds(ctx, w, set, rules.NewEngine(set, rules.Options{Lists: named, Log: w.log, Now: w.now}))
}
