package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"mimamori/dashboards/console"
	"mimamori/event"
	"mimamori/internal/care"
	"mimamori/soc/silence"
)

const (
	lookEvery = 10 * time.Second
	saveEvery = 10 * time.Minute
)

// heard is the newest heartbeat of a collector and when it came.
type heard struct {
	care.Heartbeat
	At time.Time
}

// known is what the last look at the collectors and their sources has shown.
type known struct {
	states  []silence.State
	beats   map[string]heard
	refused int
}

// checkHealth checks metrics and coverage.
func (c *Config) checkHealth() (string, error) {
	if c.Metrics.Listen != "" {
		host, _, err := net.SplitHostPort(c.Metrics.Listen)
		if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return "$.metrics.listen", fmt.Errorf("metrics.listen %q: write an address of this machine alone, such as 127.0.0.1:9464", c.Metrics.Listen)
		}
	}
	for i, x := range c.Coverage {
		at := "$.coverage[" + strconv.Itoa(i) + "]"
		if x.Municipality != "" {
			if err := event.CheckCode(x.Municipality); err != nil {
				return at + ".municipality", err
			}
		}
		if x.Zone != "" && !event.ValidZone(x.Zone) {
			return at + ".zone", fmt.Errorf("zone %q: use mynumber, lgwan or internet", x.Zone)
		}
		if _, err := path.Match(x.Source, ""); err != nil || x.Source == "" {
			return at + ".source", fmt.Errorf("source %q: write the name of a source, in which * stands for anything", x.Source)
		}
		if x.Quiet != "" {
			if _, err := parseAge(x.Quiet); err != nil {
				return at + ".quiet", err
			}
		}
	}
	return "", nil
}

func (a *App) openHealth(ctx context.Context) error {
	w, err := silence.Load(a.silencePath())
	if err != nil {
		a.log.Error("what was learned about sources begins anew", "err", err)
	}
	a.silence = w
	if a.heartbeats == nil {
		a.heartbeats = a.beats
	}
	if a.cfg.Metrics.Listen == "" {
		return nil
	}
	if a.metrics, err = new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.Metrics.Listen); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	a.onClose("metrics listener", func() error {
		if err := a.metrics.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

// beats reads the newest heartbeat of each collector. One that cannot be read
// counts as none.
func (a *App) beats(ctx context.Context) (map[string]heard, error) {
	list, err := a.fleet.Beats(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]heard, len(list))
	for id, b := range list {
		h, err := care.ParseHeartbeat(b.JSON)
		if err != nil {
			a.log.Warn("a heartbeat cannot be read", "collector", id, "err", err)
			continue
		}
		out[id] = heard{h, b.At}
	}
	return out, nil
}

func (a *App) silencePath() string { return filepath.Join(a.cfg.Data, "silence.json") }

// listen looks from time to time for what has fallen silent, until ctx ends.
func (a *App) listen(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var pending []silence.Change
	var saved time.Time
	for {
		pending = a.look(ctx, pending)
		if now := a.now(); len(pending) > 0 || now.Sub(saved) > saveEvery {
			saved = now
			if err := a.silence.Save(a.silencePath()); err != nil {
				a.log.Error("what was learned about sources could not be kept", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return a.silence.Save(a.silencePath())
		case <-tick.C:
		}
	}
}

// look observes once and tells; what could not be told is returned, to be told
// next time.
func (a *App) look(ctx context.Context, pending []silence.Change) []silence.Change {
	beats, err := a.heartbeats(ctx)
	if err != nil {
		if ctx.Err() == nil {
			a.log.Error("heartbeats cannot be read", "err", err)
		}
		return pending
	}
	pending = append(pending, a.silence.Observe(a.observe(beats))...)
	a.known.Store(&known{a.silence.States(), beats, a.silence.Refused()})
	for i, c := range pending {
		if err := a.tell(ctx, c); err != nil {
			if ctx.Err() == nil {
				a.log.Error("a silence could not be told; it is tried again", "err", err)
			}
			return pending[i:]
		}
	}
	return nil
}

func (a *App) tell(ctx context.Context, c silence.Change) error {
	if !c.Over {
		_, err := a.soc.Insert(ctx, []event.Alert{c.Alert})
		return err
	}
	return alerts{a.soc}.Settle(ctx, c.Alert.ID, c.Note)
}

// observe gathers what is known now.
func (a *App) observe(beats map[string]heard) silence.Observation {
	o := silence.Observation{At: a.now(), Seen: map[silence.Key]silence.Seen{}}
	p := a.pipeline.Status()
	expected := map[silence.Key]silence.Expected{}
	for _, e := range p.Entries {
		k := silence.Key{Collector: e.Collector, Source: e.Source}
		s := o.Seen[k]
		s.Stored += e.Stored
		s.Quarantined += e.Quarantined
		if at := p.LastSeen[e.Key]; at.After(s.Last) {
			s.Last = at
		}
		o.Seen[k] = s
		expected[k] = silence.Expected{Key: k, Municipality: e.Municipality, Zone: e.Zone}
	}
	byID := map[string]bool{}
	for _, c := range a.roster.members() {
		byID[c.ID] = true
		b := beats[c.ID]
		o.Collectors = append(o.Collectors, silence.Collector{ID: c.ID, Municipality: c.Municipality, Heard: b.At, Waiting: b.Spool.Frames})
		if b.At.IsZero() {
			continue
		}
		for k := range expected { // a source that was removed from the configuration
			if k.Collector == c.ID {
				delete(expected, k)
			}
		}
		for i := range b.Sources {
			x := &b.Sources[i]
			k := silence.Key{Collector: c.ID, Source: x.Source}
			s := o.Seen[k]
			s.Held = x.LastLine
			o.Seen[k] = s
			expected[k] = silence.Expected{Key: k, Municipality: c.Municipality, Zone: x.Zone, Kind: x.Kind}
		}
	}
	for k, e := range expected {
		if byID[k.Collector] { // those that were revoked are not expected any more
			o.Expected = append(o.Expected, e)
		}
	}
	slices.SortFunc(o.Expected, func(x, y silence.Expected) int {
		return strings.Compare(x.Collector+" "+x.Source, y.Collector+" "+y.Source)
	})
	a.cfg.cover(&o, a.expected())
	return o
}

// cover adds what the configuration says of sources.
func (c *Config) cover(o *silence.Observation, towns []string) {
	for _, x := range c.Coverage {
		quiet, _ := parseAge(x.Quiet) // checked when it was loaded; "" is 0
		if x.Quiet == "" {
			quiet = 0
		}
		met := map[string]bool{}
		for i := range o.Expected {
			e := &o.Expected[i]
			if ok, _ := path.Match(x.Source, e.Source); !ok || x.Zone != "" && x.Zone != e.Zone || x.Municipality != "" && x.Municipality != e.Municipality {
				continue
			}
			met[e.Municipality], e.Quiet = true, quiet
			if x.Kind != "" {
				e.Kind = x.Kind
			}
		}
		for _, town := range towns {
			if !met[town] && (x.Municipality == "" || x.Municipality == town) {
				k := silence.Key{Collector: "-", Source: strings.Join([]string{town, x.Zone, x.Source}, ":")}
				o.Expected = append(o.Expected, silence.Expected{Key: k, Municipality: town, Zone: x.Zone, Kind: x.Kind})
			}
		}
	}
}

// coverage adds collectors and sources to the console's account.
func (a *App) coverage(s *console.Status, mine func(string) bool) {
	k := a.known.Load()
	if k == nil {
		return
	}
	for _, x := range k.states {
		if mine(x.Municipality) {
			c := console.Coverage{
				Municipality: x.Municipality, Zone: x.Zone, Kind: x.Kind, Collector: x.Collector, Source: x.Source,
				Phase: string(x.Phase), Cause: silence.CauseText(x.Cause), Since: x.Since, Learned: x.Learned,
			}
			if x.Collector == "-" { // wanted by the configuration, and nobody has it
				c.Collector, c.Source = "", x.Source[strings.LastIndexByte(x.Source, ':')+1:]
			}
			s.Coverage = append(s.Coverage, c)
		}
	}
	for _, m := range a.roster.members() {
		if mine(m.Municipality) {
			b := k.beats[m.ID]
			b.Collector, b.Municipality = m.ID, m.Municipality
			s.Collectors = append(s.Collectors, console.CollectorStatus{Heartbeat: b.Heartbeat, Heard: b.At})
		}
	}
}
