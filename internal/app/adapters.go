package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"mimamori/dashboards/console"
	"mimamori/event"
	"mimamori/frame"
	"mimamori/ingest"
	"mimamori/soc"
	"mimamori/store"
)

// segments lets ingest write to the event store.
type segments struct{ store *store.Store }

// Write commits one segment.
func (s segments) Write(ctx context.Context, batches []*event.Batch, ranges []ingest.Stored) error {
	frames := make([]store.FrameRange, len(ranges))
	for i, r := range ranges {
		frames[i] = store.FrameRange{
			Collector: r.Collector, Source: r.Source, Municipality: r.Municipality, Epoch: r.Epoch, First: r.First, Last: r.Last,
			Stored: r.Stored, Quarantined: r.Quarantined, Masked: r.Masked, Dropped: r.Dropped,
		}
	}
	return s.store.Commit(ctx, store.Commit{Batches: batches, Frames: frames})
}

// Stored lists what the segments hold.
func (s segments) Stored() []ingest.Stored {
	var out []ingest.Stored
	for _, f := range s.store.Frames() {
		out = append(out, ingest.Stored{
			Collector: f.Collector, Source: f.Source, Municipality: f.Municipality, Epoch: f.Epoch, First: f.First, Last: f.Last,
			Counts: frame.Counts{Stored: f.Stored, Quarantined: f.Quarantined, Masked: f.Masked, Dropped: f.Dropped},
		})
	}
	return out
}

// alerts lets ingest keep alerts.
type alerts struct{ soc *soc.Service }

// Insert keeps alerts, each once.
func (a alerts) Insert(ctx context.Context, list []event.Alert) (int, error) {
	return a.soc.Insert(ctx, list)
}

// Settle notes that what an alert is about is over. One of an earlier database
// is no error.
func (a alerts) Settle(ctx context.Context, id string, note event.Localized) error {
	err := a.soc.Settle(ctx, id, note)
	if errors.Is(err, soc.ErrNotFound) {
		return nil
	}
	return err
}

// finder speaks the console's word for "not found".
type finder struct{ from *answers }

// Get fetches one event.
func (f finder) Get(ctx context.Context, ref event.Ref, tenants []string) (*event.Batch, error) {
	b, err := f.from.Get(ctx, ref, tenants)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return b, err
}

// health tells the console how the logs arrive.
type health struct{ app *App }

// Status gathers the pipeline's, the store's and the configuration's account.
func (h health) Status(_ context.Context, tenants []string) (console.Status, error) {
	mine := func(code string) bool { return tenants == nil || slices.Contains(tenants, code) }
	p := h.app.Status()
	s := console.Status{At: h.app.now()}
	for _, code := range h.app.expected() {
		if mine(code) {
			t := p.Towns[code]
			s.Municipalities = append(s.Municipalities, console.MunicipalityStatus{Code: code, PerMinute: float64(t.PerMinute), LastSeen: t.LastSeen})
			s.Totals.PerSecond += float64(t.PerMinute) / 60
		}
	}
	for _, e := range p.Entries {
		if mine(e.Municipality) {
			s.Sources = append(s.Sources, source(e, p.LastSeen[e.Key]))
			s.Totals.Received += e.Received()
			s.Totals.Stored += e.Stored
			s.Totals.Quarantined += e.Quarantined
			s.Totals.Lost += e.Lost() + e.Dropped
		}
	}
	s.Totals.Delay = p.AlertDelay
	s.Rejected = h.rejected(p.Recent, mine)
	for _, c := range p.Clocks {
		if mine(c.Municipality) {
			s.Clocks = append(s.Clocks, console.Clock{
				Municipality: c.Municipality, Collector: c.Collector, Source: c.Source, Device: c.Device, Dataset: c.Dataset,
				Skew: c.Skew, Repair: c.Repair, Lost: c.Lost, Since: c.Since, Moved: c.Moved,
			})
		}
	}
	h.app.coverage(&s, mine)
	if tenants == nil {
		h.whole(&s, p)
	}
	return s, nil
}

// rejected sums up the newest refusals by collector and reason.
func (h health) rejected(recent []ingest.Rejection, mine func(string) bool) []console.Rejection {
	var out []console.Rejection
	for _, r := range recent { // newest first
		town := h.app.townOf(r.Collector)
		if !mine(town) {
			continue
		}
		i := slices.IndexFunc(out, func(x console.Rejection) bool { return x.Collector == r.Collector && x.Reason == r.Reason })
		if i < 0 {
			i = len(out)
			out = append(out, console.Rejection{Municipality: town, Collector: r.Collector, Reason: r.Reason, Last: r.Time})
		}
		out[i].Count++
	}
	return out
}

// whole adds what concerns the prefecture itself.
func (h health) whole(s *console.Status, p ingest.Status) {
	stats := h.app.store.Stats()
	for _, a := range stats.SetAside {
		s.SetAside = append(s.SetAside, console.SetAside{Name: a.File, Reason: a.Reason})
	}
	h.sinks(s, stats.Sinks)
	if r := h.app.refusal.Load(); r != nil && r.err != nil {
		s.Warnings = append(s.Warnings, console.Warning{Where: "bus", Text: r.err.Error(), At: s.At})
	}
	for _, text := range h.app.rules.warnings() {
		s.Warnings = append(s.Warnings, console.Warning{Where: "rules", Text: text, At: s.At})
	}
	if h.app.archive != nil {
		if text := h.app.archive.Status().Err; text != "" {
			s.Warnings = append(s.Warnings, console.Warning{Where: "archive", Text: text, At: s.At})
		}
	}
	if p.Err != "" {
		s.Warnings = append(s.Warnings, console.Warning{Where: "ingest", Text: p.Err, At: s.At})
	}
}

func source(e *frame.Entry, seen time.Time) console.SourceStatus {
	out := console.SourceStatus{
		Municipality: e.Municipality, Zone: e.Zone, Collector: e.Collector, Source: e.Source, LastSeen: seen,
		Received: e.Received(), Stored: e.Stored, Quarantined: e.Quarantined, Lost: e.Lost() + e.Dropped,
	}
	for _, r := range e.Missing() {
		out.Missing = append(out.Missing, console.Range{Epoch: e.Epoch, From: r.First, To: r.Last})
	}
	return out
}

// expected lists the municipalities that have a collector.
func (a *App) expected() []string {
	var out []string
	for _, c := range a.roster.members() {
		out = append(out, c.Municipality)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// townOf finds the municipality of a registered collector, revoked or not.
func (a *App) townOf(collector string) string {
	c, _ := a.roster.known(collector)
	return c.Municipality
}
