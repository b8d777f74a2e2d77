package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
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

func (a *App) openBus(ctx context.Context) error {
	if len(a.cfg.Bus.URLs) > 0 {
		return a.dialBus(ctx)
	}
	cfg := bus.ServerConfig{Dir: filepath.Join(a.cfg.Data, "bus"), Listen: a.cfg.Bus.Listen, Websocket: a.cfg.Bus.Websocket, Users: a.roster.bus(), Log: a.log}
	if a.cfg.Bus.Cert != "" {
		files := &bus.TLSFiles{Cert: a.cfg.Bus.Cert, Key: a.cfg.Bus.Key}
		if err := files.Load(); err != nil {
			return fmt.Errorf("bus: %w", err)
		}
		cfg.TLS = &tls.Config{GetCertificate: files.Certificate, MinVersion: tls.VersionTLS12}
	}
	server, err := bus.StartServer(cfg)
	if err != nil {
		return err
	}
	a.bus = server
	a.onClose("bus", func() error { server.Close(); return nil })
	a.conn, err = server.Connect(ctx)
	return err
}

// dialBus connects to NATS servers that run elsewhere.
func (a *App) dialBus(ctx context.Context) error {
	path := a.cfg.Bus.NKey
	if path == "" {
		path = filepath.Join(a.cfg.Data, "bus.nk")
	}
	key, err := bus.LoadOrMakeKey(path)
	if err != nil {
		return err
	}
	a.log.Info("connecting to NATS", "urls", a.cfg.Bus.URLs, "public_key", key.Public())
	a.conn, err = bus.Dial(ctx, bus.DialConfig{URLs: a.cfg.Bus.URLs, Key: key, Name: "mimamori", Log: a.log})
	if err != nil {
		return err
	}
	a.onClose("connection to NATS", func() error { a.conn.Close(); return nil })
	return nil
}

func (a *App) openStore(context.Context) error {
	s, err := store.Open(filepath.Join(a.cfg.Data, "events"), store.Options{Log: a.log, Now: a.now, Lists: a.lists, Sinks: a.sinkOptions(), SQLBox: a.cfg.SQLBox, Rest: a.rest})
	if err != nil {
		return err
	}
	a.store, a.answers.store = s, s
	a.onClose("event store", s.Close)
	return nil
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
	a.formats = formats.Sum()
	if err := a.openRulebook(); err != nil {
		return err
	}
	if a.enricher, err = OpenEnricher(&a.cfg, a.log); err != nil {
		return err
	}
	location, err := time.LoadLocation(a.cfg.Timezone)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	a.frames, err = a.conn.Stream(ctx, bus.StreamConfig{Name: bus.Frames, Subjects: []string{bus.FramesSubjects}, MaxBytes: a.cfg.Bus.MaxBytes})
	if err != nil {
		return err
	}
	a.turns = newTurns(a.now)
	if err := a.conn.Listen(bus.TurnSubjects, a.turns.ask); err != nil {
		return err
	}
	a.pipeline, err = ingest.New(ingest.Config{
		Stream: a.frames, Formats: formats, Detector: a.rules, Memory: a.rules, Forget: a.rules.forget,
		Alerts: alerts{a.soc}, Store: segments{a.store}, Archive: a.archiver(), Collectors: a.roster.known, Enricher: a.enricher,
		Dir: filepath.Join(a.cfg.Data, "ingest"), Location: location, Now: a.now, Log: a.log,
	})
	return err
}

// LoadFormats reads the built-in formats and those of the given folders.
func LoadFormats(folders []string) (*format.Set, error) {
	more, err := dirs(folders, os.DirFS)
	if err != nil {
		return nil, err
	}
	return format.Load(append([]fs.FS{format.Files()}, more...)...)
}

// LoadRules reads the built-in rules and those of the given folders, with what
// a folder overrides of any of them.
func LoadRules(folders []string) (*rules.Set, error) { return reloadRules(nil, folders) }

func reloadRules(old *rules.Set, folders []string) (*rules.Set, error) {
	more, err := dirs(folders, rules.Dir)
	if err != nil {
		return nil, err
	}
	return rules.Reload(old, append([]fs.FS{rules.Library()}, more...)...)
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
		Events: &a.answers, Finder: finder{&a.answers}, Analysis: analysis{&a.answers}, Health: health{a}, SOC: a.soc, Erasure: a.erasure, Municipalities: towns, Log: a.log, Now: a.now, PublicURL: a.URL(),
	})
	if err != nil {
		return err
	}
	a.console = c.Handler()
	token, _, err := a.soc.FirstAdminLink(ctx)
	if errors.Is(err, soc.ErrSetUp) {
		return nil
	}
	a.setup = a.URL() + "/setup?token=" + token
	return err
}
