package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mimamori/collector"
	"mimamori/internal/app"
	"mimamori/internal/bus"
	"mimamori/internal/measure"
	"mimamori/internal/sample"
	"mimamori/store"
)

// OutageConfig says how long the line was down, for whom.
type OutageConfig struct {
	Collectors int
	Rate       int     // lines a second and collector, before and after the line returns
	Hours      float64 // of the outage; its lines are made as fast as they are taken, with a clock that says so
	Dir        string
	Log        *slog.Logger
	Now        func() time.Time
}

// OutageResult tells how live lines and the backlog fared. The names are part
// of the command line.
type OutageResult struct {
	Backlog        uint64  `json:"backlog_lines"`
	BacklogBytes   uint64  `json:"backlog_bytes"` // in the spools
	FillSeconds    float64 `json:"fill_seconds"`
	DrainSeconds   float64 `json:"drain_seconds"`
	DrainPerSecond float64 `json:"drain_lines_per_second"`
	Live           uint64  `json:"live_lines"` // sent while the backlog drained
	LiveP50        float64 `json:"live_p50_seconds"`
	LiveP95        float64 `json:"live_p95_seconds"`
	LiveMax        float64 `json:"live_max_seconds"`
	Lost           uint64  `json:"lost"`
	Duplicates     uint64  `json:"duplicates"`
	CPUSeconds     float64 `json:"cpu_seconds"`
	MaxRSSBytes    int64   `json:"max_rss_bytes"`
}

// outage is a prefecture and the collectors that come back to it.
type outage struct {
	cfg   OutageConfig
	app   *app.App
	line  chan struct{} // closed when the line returns
	towns []*outageTown
	each  uint64 // backlog lines of each collector
}

// outageTown is one collector and its sender.
type outageTown struct {
	id      string
	col     *collector.Collector
	keys    *bus.Key
	maker   *sample.Maker
	sent    atomic.Uint64
	began   time.Time   // of the outage
	live    atomic.Bool // the clock is real again
	waiting []outageTick
}

// outageTick is some lines that were sent at once and are not yet stored.
type outageTick struct {
	last uint64 // number of the last of them
	n    uint64
	at   time.Time
}

// Outage fills the collectors' spools, lets the line return and measures how
// long live lines take to the store while the backlog drains.
func Outage(ctx context.Context, cfg OutageConfig) (r OutageResult, err error) {
	o := &outage{cfg: cfg, line: make(chan struct{}), each: uint64(cfg.Hours * 3600 * float64(cfg.Rate))}
	if err := o.open(ctx); err != nil {
		return r, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := []func(context.Context) error{o.app.Run, func(ctx context.Context) error {
		defer cancel()
		return o.run(ctx, &r)
	}}
	for _, t := range o.towns {
		parts = append(parts, t.col.Run)
	}
	errs := make([]error, len(parts))
	var wg sync.WaitGroup
	for i, part := range parts {
		wg.Go(func() {
			defer cancel()
			if errs[i] = part(ctx); errors.Is(errs[i], context.Canceled) {
				errs[i] = nil
			}
		})
	}
	wg.Wait()
	r.CPUSeconds, r.MaxRSSBytes = measure.CPU().Seconds(), measure.MaxRSS()
	return r, errors.Join(errs...)
}

func (o *outage) open(ctx context.Context) error {
	conf := app.DefaultConfig()
	conf.Data = filepath.Join(o.cfg.Dir, "prefecture")
	conf.Console.Listen, conf.Bus.Listen = "127.0.0.1:0", "127.0.0.1:0"
	towns := sample.Towns(min(o.cfg.Collectors, 19))
	for i := range o.cfg.Collectors {
		key, err := bus.NewKey()
		if err != nil {
			return err
		}
		t := &outageTown{id: fmt.Sprintf("c%03d", i), keys: key, began: o.cfg.Now().Add(-time.Duration(o.cfg.Hours * float64(time.Hour)))}
		town := towns[i%len(towns)]
		t.maker = sample.New(town, uint64(i), t.began)
		conf.Collectors = append(conf.Collectors, app.Collector{ID: t.id, Municipality: town.Code, Key: key.Public()})
		o.towns = append(o.towns, t)
	}
	if err := app.Prepare(conf.Data); err != nil {
		return err
	}
	var err error
	if o.app, err = app.New(ctx, conf, o.cfg.Log, o.cfg.Now); err != nil {
		return err
	}
	for i, t := range o.towns {
		if t.col, err = o.collector(t, conf.Collectors[i].Municipality); err != nil {
			return errors.Join(err, o.app.Close())
		}
	}
	return nil
}

func (o *outage) collector(t *outageTown, town string) (*collector.Collector, error) {
	return collector.New(collector.Config{
		Collector: t.id, Municipality: town, Zone: "internet", Data: filepath.Join(o.cfg.Dir, t.id),
		Inputs: []collector.Input{{Source: "fw", Type: "syslog", Listen: "tcp://127.0.0.1:0"}}, Spool: collector.Spool{MaxBytes: 64 << 30},
	}, collector.Options{
		Log: o.cfg.Log.With("collector", t.id), Key: t.keys, Now: func() time.Time { return t.now(o.cfg) },
		Prefecture: func(ctx context.Context) (collector.Publisher, error) {
			select {
			case <-o.line:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			c, err := bus.Dial(ctx, bus.DialConfig{URLs: []string{"nats://" + o.app.BusAddr()}, Key: t.keys, Name: t.id, Log: o.cfg.Log})
			if err == nil {
				context.AfterFunc(ctx, c.Close)
			}
			return c, err
		},
	})
}

// now is the simulated time while the spool is filled, and real after that.
func (t *outageTown) now(cfg OutageConfig) time.Time {
	if t.live.Load() {
		return cfg.Now()
	}
	return t.began.Add(time.Duration(t.sent.Load()) * time.Second / time.Duration(cfg.Rate))
}

func (o *outage) run(ctx context.Context, r *OutageResult) error {
	conns := make([]net.Conn, len(o.towns))
	for i, t := range o.towns {
		select {
		case <-t.col.Ready():
		case <-ctx.Done():
			return ctx.Err()
		}
		var err error
		if conns[i], err = new(net.Dialer).DialContext(ctx, "tcp", t.col.Addr("fw").String()); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		defer conns[i].Close()
	}
	began := time.Now()
	if err := o.fill(ctx, conns); err != nil {
		return err
	}
	for _, t := range o.towns {
		r.BacklogBytes += t.col.Stats().SpoolSize
	}
	r.FillSeconds = time.Since(began).Seconds()
	r.Backlog = o.each * uint64(len(o.towns))
	for _, t := range o.towns {
		t.live.Store(true)
		t.maker.SetTime(o.cfg.Now())
	}
	close(o.line)
	if err := o.drain(ctx, conns, r); err != nil {
		return err
	}
	r.DrainPerSecond = float64(r.Backlog) / max(r.DrainSeconds, 1e-9)
	return o.account(ctx, r)
}

// fill fills the spools, of as many collectors at once as there are processors.
func (o *outage) fill(ctx context.Context, conns []net.Conn) error {
	towns := make(chan int, len(o.towns))
	for i := range o.towns {
		towns <- i
	}
	close(towns)
	errs := make([]error, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for n := range errs {
		wg.Go(func() {
			for i := range towns {
				errs[n] = errors.Join(errs[n], o.towns[i].fill(ctx, conns[i], o.each))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// fill sends a collector's lines of the outage and waits until they are in its
// spool.
func (t *outageTown) fill(ctx context.Context, conn net.Conn, lines uint64) error {
	w := bufio.NewWriterSize(conn, 64<<10)
	if err := t.send(w, lines); err != nil {
		return err
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for t.col.Stats().Sources[0].Lines < lines {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (t *outageTown) send(w *bufio.Writer, lines uint64) error {
	var b []byte
	for range lines {
		b, _ = t.maker.Append(b[:0])
		if _, err := w.Write(append(b, '\n')); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		t.sent.Add(1)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return nil
}

// drain keeps live lines coming until the backlog is stored, and then until
// they are.
func (o *outage) drain(ctx context.Context, conns []net.Conn, r *OutageResult) error {
	began := time.Now()
	send, look := time.NewTicker(100*time.Millisecond), time.NewTicker(25*time.Millisecond)
	defer send.Stop()
	defer look.Stop()
	writers := make([]*bufio.Writer, len(conns))
	for i, c := range conns {
		writers[i] = bufio.NewWriter(c)
	}
	var took []outageTick // at is when, after it was sent, it was stored
	asked, stuck, tell := time.Now(), time.Now().Add(2*time.Minute), time.NewTicker(time.Minute)
	defer tell.Stop()
	told := 0 // of took
	for lines, left := uint64(0), true; ; {
		select {
		case <-ctx.Done():
			return errors.New("bench: it was ended while the backlog drained; nothing was accounted")
		case <-tell.C: // it may take hours
			var minute OutageResult
			minute.quantiles(slices.Clone(took[told:]))
			told = len(took)
			o.cfg.Log.Info("the backlog drains", "stored", lines, "backlog", r.Backlog, "live", r.Live, "live_p95_seconds", minute.LiveP95)
			continue
		case <-send.C:
			if !left {
				continue
			}
			for i, t := range o.towns {
				n := uint64(max(o.cfg.Rate/10, 1))
				if err := t.send(writers[i], n); err != nil {
					return err
				}
				t.waiting = append(t.waiting, outageTick{t.sent.Load(), n, time.Now()})
				r.Live += n
			}
			continue
		case <-look.C:
		}
		ranges := o.ranges()
		waiting := o.stored(ranges, &took)
		if left && o.backlogStored(ranges) {
			left = false
			r.DrainSeconds = time.Since(began).Seconds()
		}
		if !left && waiting == 0 {
			r.quantiles(took)
			return nil
		}
		if now := time.Now(); now.Sub(asked) > time.Second { // it counts all there is
			asked = now
			if n := uint64(o.app.Store().Stats().Events); n > lines {
				lines, stuck = n, now.Add(2*time.Minute)
			}
		}
		if time.Now().After(stuck) {
			return fmt.Errorf("bench: nothing was stored for two minutes; %s", o.app.Status().Err)
		}
	}
}

// ranges are what the store has of each collector.
func (o *outage) ranges() map[string][]store.FrameRange {
	out := map[string][]store.FrameRange{}
	for _, f := range o.app.Store().Frames() {
		out[f.Collector] = append(out[f.Collector], f)
	}
	return out
}

// stored moves the ticks that have been stored, and counts those that wait.
func (o *outage) stored(ranges map[string][]store.FrameRange, took *[]outageTick) (waiting int) {
	now := time.Now()
	for _, t := range o.towns {
		t.waiting = slices.DeleteFunc(t.waiting, func(x outageTick) bool {
			in := slices.ContainsFunc(ranges[t.id], func(f store.FrameRange) bool { return f.First <= x.last && x.last <= f.Last })
			if in {
				*took = append(*took, outageTick{n: x.n, at: time.Time{}.Add(now.Sub(x.at))})
			}
			return in
		})
		waiting += len(t.waiting)
	}
	return waiting
}

func (o *outage) backlogStored(ranges map[string][]store.FrameRange) bool {
	for _, t := range o.towns {
		if !slices.ContainsFunc(ranges[t.id], func(f store.FrameRange) bool { return f.First == 1 && f.Last >= o.each }) {
			return false
		}
	}
	return true
}

// quantiles weighs each tick by its lines, which are equally many.
func (r *OutageResult) quantiles(took []outageTick) {
	if len(took) == 0 {
		return
	}
	slices.SortFunc(took, func(a, b outageTick) int { return a.at.Compare(b.at) })
	at := func(q float64) float64 { return took[int(q*float64(len(took)-1))].at.Sub(time.Time{}).Seconds() }
	r.LiveP50, r.LiveP95, r.LiveMax = at(0.5), at(0.95), at(1)
}

// account checks the ledger and the store.
func (o *outage) account(ctx context.Context, r *OutageResult) error {
	var received uint64
	for _, e := range o.app.Status().Entries {
		received += e.Received()
		r.Lost += e.Lost() + e.Dropped
	}
	if want := r.Backlog + r.Live; received < want {
		r.Lost += want - received
	}
	twice, err := o.app.Store().Duplicates(ctx)
	if err != nil {
		return err
	}
	if r.Duplicates = uint64(twice); r.Lost+r.Duplicates > 0 {
		return fmt.Errorf("bench: not every line arrived once: %+v", *r)
	}
	return nil
}
