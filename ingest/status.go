package ingest

import (
	"maps"
	"slices"
	"time"

	"mimamori/frame"
	"mimamori/ingest/clocks"
	"mimamori/ingest/drift"
)

// Status is the pipeline's account of itself.
type Status struct {
	Entries     []*frame.Entry // the ledger
	Towns       map[string]Town
	LastSeen    map[frame.Key]time.Time // newest receive time of each sequence
	Position    uint64                  // last frame taken from the stream
	Committed   uint64                  // last frame made durable
	CommittedAt time.Time
	Rejected    uint64      // frames refused since ever
	Broken      uint64      // breaks of a chain since ever
	Recent      []Rejection // the newest of both, newest first
	AlertDelay  time.Duration
	Clocks      []clocks.Report // that are off or repaired
	Drifts      []drift.Report  // devices whose log has changed
	Unwatched   uint64          // lines whose clock or format was not watched, since there are too many devices
	Err         string          // what goes wrong right now, "" when nothing
}

// Town is what arrives from one municipality.
type Town struct {
	PerMinute int       // events in the last 60 s
	LastSeen  time.Time // newest receive time
}

// gauges are kept for Status; guarded by Pipeline.mu.
type gauges struct {
	towns       map[string]*rate
	seen        map[frame.Key]time.Time
	recent      []Rejection
	errors      map[string]string
	delay       time.Duration
	committed   uint64
	committedAt time.Time
}

// rate counts events in 60 buckets of a second.
type rate struct {
	buckets [60]int
	second  int64
	seen    time.Time
}

func (r *rate) advance(now int64) {
	for s := max(r.second+1, now-59); s <= now; s++ {
		r.buckets[s%60] = 0
	}
	r.second = max(r.second, now)
}

func (g *gauges) count(f *frame.Frame, now time.Time, events int) {
	if g.towns == nil {
		g.towns, g.seen = map[string]*rate{}, map[frame.Key]time.Time{}
	}
	r := g.towns[f.Municipality]
	if r == nil {
		r = &rate{}
		g.towns[f.Municipality] = r
	}
	r.advance(now.Unix())
	r.buckets[now.Unix()%60] += events
	at := time.UnixMicro(f.To)
	if at.After(r.seen) {
		r.seen = at
	}
	if at.After(g.seen[f.Key()]) {
		g.seen[f.Key()] = at
	}
}

// alerted notes how long the newest line behind an alert was on its way.
func (g *gauges) alerted(now time.Time, received int64) { g.delay = now.Sub(time.UnixMicro(received)) }

func (g *gauges) reject(r Rejection) {
	g.recent = append(g.recent, r)
	if len(g.recent) > 100 {
		g.recent = slices.Delete(g.recent, 0, len(g.recent)-100)
	}
}

// setError shows what goes wrong, or that it is over.
func (p *Pipeline) setError(what string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		delete(p.gauges.errors, what)
		return
	}
	if p.gauges.errors == nil {
		p.gauges.errors = map[string]string{}
	}
	p.gauges.errors[what] = err.Error()
}

// Status copies the account.
func (p *Pipeline) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Status{
		Towns: map[string]Town{}, LastSeen: map[frame.Key]time.Time{}, Position: p.position, Committed: p.gauges.committed,
		CommittedAt: p.gauges.committedAt, Rejected: p.rejected, Broken: p.broken, AlertDelay: p.gauges.delay,
	}
	for _, e := range p.ledger.Entries() {
		s.Entries = append(s.Entries, e.Clone())
	}
	now := p.cfg.Now().Unix()
	for code, r := range p.gauges.towns {
		r.advance(now)
		sum := 0
		for _, n := range r.buckets {
			sum += n
		}
		s.Towns[code] = Town{sum, r.seen}
	}
	s.Clocks, s.Drifts, s.Unwatched = p.times.clocks.Reports(), p.drift.Reports(), p.times.clocks.Unwatched()+p.drift.Unwatched()
	maps.Copy(s.LastSeen, p.gauges.seen)
	for _, v := range slices.Backward(p.gauges.recent) {
		s.Recent = append(s.Recent, v)
	}
	for what, msg := range p.gauges.errors {
		s.Err = what + ": " + msg
	}
	return s
}
