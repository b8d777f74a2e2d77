// Package demo runs the whole system with simulated municipalities: each has a
// real collector, and senders that speak real syslog over TCP and UDP and write
// real files. Senders go no faster than the collectors take their lines.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"mimamori/collector"
	"mimamori/ingest/enrich"
	"mimamori/internal/app"
	"mimamori/internal/bus"
	"mimamori/internal/sample"
)

// Config of a demo.
type Config struct {
	Data    string
	Listen  string // address of the console
	Towns   int
	Rate    int // lines a second and town
	Once    bool
	Events  int // lines in all, with Once
	Log     *slog.Logger
	Now     func() time.Time
	Welcome func(*app.App) // told when the console answers
	SQLBox  []string       // app.Config's
}

// demo is a running system.
type demo struct {
	cfg   Config
	app   *app.App
	towns []*town
}

// town is one municipality with its collector.
type town struct {
	sample.Town
	dir string
	key *bus.Key
	col *collector.Collector

	line *bus.Conn // to the prefecture
}

// open starts the system, its collectors not yet running.
func open(ctx context.Context, cfg Config) (*demo, error) {
	d := &demo{cfg: cfg}
	conf := app.DefaultConfig()
	conf.Data = filepath.Join(cfg.Data, "prefecture")
	conf.Console.Listen, conf.Bus.Listen = cfg.Listen, "127.0.0.1:0"
	conf.SQLBox = cfg.SQLBox
	conf.Zones = map[string][]enrich.Network{}
	for _, t := range sample.Towns(cfg.Towns) {
		tw := &town{Town: t, dir: filepath.Join(cfg.Data, t.Host)}
		key, err := bus.LoadOrMakeKey(filepath.Join(tw.dir, "collector.nk"))
		if err != nil {
			return nil, err
		}
		tw.key = key
		d.towns = append(d.towns, tw)
		conf.Collectors = append(conf.Collectors, app.Collector{ID: t.Host, Municipality: t.Code, Key: key.Public()})
		conf.Zones[t.Code] = []enrich.Network{
			{CIDR: sample.MyNumberNet, Zone: "mynumber"}, {CIDR: sample.LGWANNet, Zone: "lgwan"}, {CIDR: sample.InternetNet, Zone: "internet"},
		}
	}
	if len(d.towns) == 0 {
		return nil, errors.New("--towns: at least one")
	}
	if err := app.Prepare(conf.Data); err != nil {
		return nil, err
	}
	a, err := app.New(ctx, conf, cfg.Log, cfg.Now)
	if err != nil {
		return nil, err
	}
	d.app = a
	for _, t := range d.towns {
		if err := t.open(ctx, d); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return d, nil
}

// open makes the town's collector.
func (t *town) open(ctx context.Context, d *demo) error {
	listen := "tcp://127.0.0.1:0"
	cfg := collector.Config{
		Collector: t.Host, Municipality: t.Code, Zone: "internet", Data: t.dir,
		Prefecture: collector.Prefecture{URLs: []string{"nats://" + d.app.BusAddr()}},
		Inputs: []collector.Input{
			{Source: "firewall", Type: "syslog", Listen: listen},
			{Source: "servers", Type: "syslog", Listen: "udp://127.0.0.1:0"},
			{Source: "proxy", Type: "file", Paths: []string{t.path(sample.Squid)}},
			{Source: "endpoints", Type: "file", Paths: []string{t.path(sample.Sysmon)}, Zone: "mynumber"},
		},
	}
	log := d.cfg.Log.With("collector", t.Host)
	link, err := collector.NewLink(cfg)
	if err == nil {
		t.line, err = link.Dial(ctx, t.key, log)
	}
	if err == nil {
		t.col, err = collector.New(cfg, collector.Options{
			Log: log, Now: d.cfg.Now, Key: t.key, Prefecture: func(context.Context) (collector.Publisher, error) { return t.line, nil },
		})
	}
	if err != nil {
		return fmt.Errorf("collector %s: %w", t.Host, err)
	}
	return nil
}

// collect runs the town's collector until ctx ends.
func (t *town) collect(ctx context.Context) error {
	defer t.line.Close()
	return t.col.Run(ctx)
}

// path is the file that a kind of log is written to.
func (t *town) path(kind sample.Kind) string {
	if kind == sample.Squid {
		return filepath.Join(t.dir, "access.log")
	}
	return filepath.Join(t.dir, "endpoints.json")
}

// run works until ctx ends or a part fails, then stops everything.
func (d *demo) run(ctx context.Context, senders func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := []func(context.Context) error{d.app.Run, senders}
	for _, t := range d.towns {
		parts = append(parts, t.collect, t.beats)
	}
	ended := make(chan error, len(parts))
	for _, part := range parts {
		go func() {
			defer cancel()
			ended <- part(ctx)
		}()
	}
	var errs []error
	for range parts {
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Live runs until ctx ends.
func Live(ctx context.Context, cfg Config) error {
	d, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	cfg.Welcome(d.app)
	return d.run(ctx, d.live)
}
