// Package app wires the prefecture's program: bus, ingest, rules, store, alerts
// and console. It owns the process's life: New opens everything, Run works until
// its context ends, and what was opened is closed in reverse order by name.
//
// Under pressure each part behaves as its own package says; what one part
// can't take waits in the stream of frames on disk.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"mimamori/dashboards/console"
	"mimamori/ingest"
	"mimamori/ingest/format"
	"mimamori/internal/bus"
	"mimamori/rules"
	"mimamori/soc"
	"mimamori/store"
)

// App is the prefecture's program.
type App struct {
	cfg       Config
	log       *slog.Logger
	now       func() time.Time
	closers   []closer
	bus       *bus.Server
	store     *store.Store
	soc       *soc.Service
	pipeline  *ingest.Pipeline
	listener  net.Listener
	console   http.Handler
	retention time.Duration
	setup     string
}

// closer is a named step of the way down.
type closer struct {
	name string
	f    func() error
}

// New opens everything that the configuration names. On an error what was
// opened is closed again.
func New(ctx context.Context, cfg Config, log *slog.Logger, now func() time.Time) (*App, error) {
	a := &App{cfg: cfg, log: log, now: now}
	for _, step := range []func(context.Context) error{a.openBus, a.openStore, a.openSOC, a.openPipeline, a.openConsole} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

func (a *App) onClose(name string, f func() error) { a.closers = append(a.closers, closer{name, f}) }

// Close closes what New opened, last first, and names what failed.
func (a *App) Close() error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		if err := a.closers[i].f(); err != nil {
			errs = append(errs, fmt.Errorf("closing %s: %w", a.closers[i].name, err))
		}
	}
	a.closers = nil
	return errors.Join(errs...)
}

func (a *App) openBus(context.Context) error {
	cfg := bus.ServerConfig{Dir: filepath.Join(a.cfg.Data, "bus"), Listen: a.cfg.Bus.Listen, Users: a.cfg.users(), Log: a.log}
	if a.cfg.Bus.Cert != "" {
		pair, err := tls.LoadX509KeyPair(a.cfg.Bus.Cert, a.cfg.Bus.Key)
		if err != nil {
			return fmt.Errorf("bus: certificate: %w", err)
		}
		cfg.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	server, err := bus.StartServer(cfg)
	if err != nil {
		return err
	}
	a.bus = server
	a.onClose("bus", func() error { server.Close(); return nil })
	return nil
}

func (a *App) openStore(context.Context) error {
	s, err := store.Open(filepath.Join(a.cfg.Data, "events"), store.Options{Log: a.log, Now: a.now})
	if err != nil {
		return err
	}
	a.store = s
	a.onClose("event store", s.Close)
	age, err := parseAge(a.cfg.Retention)
	a.retention = age
	return err
}

func (a *App) openSOC(ctx context.Context) error {
	s, err := soc.Open(ctx, filepath.Join(a.cfg.Data, "soc.db"), a.now)
	if err != nil {
		return err
	}
	a.soc = s
	a.onClose("alerts database", s.Close)
	return nil
}

func (a *App) openPipeline(ctx context.Context) error {
	formats, err := LoadFormats(a.cfg.Formats)
	if err != nil {
		return err
	}
	set, err := LoadRules(a.cfg.Rules)
	if err != nil {
		return err
	}
	zones, err := ingest.NewZones(a.cfg.Zones)
	if err != nil {
		return err
	}
	location, err := time.LoadLocation(a.cfg.Timezone)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	conn, err := a.bus.Connect(ctx)
	if err != nil {
		return err
	}
	stream, err := conn.Stream(ctx, bus.StreamConfig{Name: bus.Frames, Subjects: []string{bus.FramesSubjects}, MaxBytes: a.cfg.Bus.MaxBytes})
	if err != nil {
		return err
	}
	a.pipeline, err = ingest.New(ingest.Config{
		Stream: stream, Formats: formats, Detector: rules.NewEngine(set, rules.Options{Log: a.log, Now: a.now}),
		Alerts: a.soc, Store: segments{a.store}, Collectors: a.cfg.known(), Zones: zones,
		Dir: filepath.Join(a.cfg.Data, "ingest"), Location: location, Now: a.now, Log: a.log,
	})
	return err
}

// LoadFormats reads the built-in formats and those of the given folders.
func LoadFormats(folders []string) (*format.Set, error) {
	more, err := dirs(folders)
	if err != nil {
		return nil, err
	}
	return format.Load(append([]fs.FS{format.Files()}, more...)...)
}

// LoadRules reads the built-in rules and those of the given folders.
func LoadRules(folders []string) (*rules.Set, error) {
	set, err := rules.Builtin()
	if err != nil {
		return nil, err
	}
	more, err := dirs(folders)
	if err != nil {
		return nil, err
	}
	all := set.Rules()
	for _, dir := range more {
		extra, err := rules.Load(dir, ".")
		if err != nil {
			return nil, err
		}
		all = append(all[:len(all):len(all)], extra.Rules()...)
	}
	return rules.NewSet(all...)
}

func (a *App) openConsole(ctx context.Context) error {
	towns, err := a.cfg.municipalities()
	if err != nil {
		return err
	}
	a.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.Console.Listen)
	if err != nil {
		return fmt.Errorf("console: %w", err)
	}
	a.onClose("console listener", func() error {
		if err := a.listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	c, err := console.New(console.Config{
		Events: a.store, Finder: finder{a.store}, Health: health{a}, SOC: a.soc, Municipalities: towns, Log: a.log, Now: a.now, PublicURL: a.URL(),
	})
	if err != nil {
		return err
	}
	a.console = c.Handler()
	token, _, err := a.soc.FirstAdminLink(ctx)
	if err != nil {
		return err
	}
	if token != "" {
		a.setup = a.URL() + "/setup?token=" + token
	}
	return nil
}

// URL is where the console answers.
func (a *App) URL() string {
	if a.cfg.Console.Public != "" {
		return a.cfg.Console.Public
	}
	return "http://" + a.listener.Addr().String()
}

// SetupURL is the one-time link for the first administrator, "" once there is one.
func (a *App) SetupURL() string { return a.setup }

// BusAddr is host:port where collectors connect, "" when the bus does not listen.
func (a *App) BusAddr() string { return a.bus.Addr() }

// SOC is the alerts and users, for commands that run beside the program.
func (a *App) SOC() *soc.Service { return a.soc }

// Store is the event store.
func (a *App) Store() *store.Store { return a.store }

// Status is the pipeline's account of itself.
func (a *App) Status() ingest.Status { return a.pipeline.Status() }

// Prepare makes the data folder.
func Prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}
