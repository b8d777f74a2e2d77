// Package app wires the prefecture's program: bus, ingest, rules, store, alerts
// and console. It owns the process's life: New opens everything, Run works until
// its context ends, and what was opened is closed in reverse order by name.
//
// Under pressure each part behaves as its own package says; what one part
// can't take waits in the stream of frames on disk.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mimamori/archive"
	"mimamori/ingest"
	"mimamori/ingest/enrich"
	"mimamori/ingest/inbox"
	"mimamori/internal/bus"
	"mimamori/internal/lists"
	"mimamori/soc"
	"mimamori/soc/erasure"
	"mimamori/soc/fleet"
	"mimamori/soc/silence"
	"mimamori/store"
)

// App is the prefecture's program.
type App struct {
	cfg      Config
	log      *slog.Logger
	now      func() time.Time
	closers  []closer
	bus      *bus.Server // nil when NATS runs elsewhere
	conn     *bus.Conn
	frames   *bus.Stream
	turns    *turns
	merging  atomic.Bool // of segments
	store    *store.Store
	answers  answers // to searches
	engines  []*engine
	archive  *archive.Archive // nil when it is off
	keys     *archive.Keys    // nil where there never was an archive
	erasure  *erasure.Service // nil without an archive
	soc      *soc.Service
	fleet    *fleet.Fleet
	roster   *roster
	orders   *bus.Key   // signs orders
	applying sync.Mutex // held while the register is applied
	enricher *enrich.Enricher
	lists    *lists.Lists
	rules    *rulebook
	formats  string // Sum of those that new lines are read by
	pipeline *ingest.Pipeline
	inbox    *inbox.Inbox
	listener net.Listener
	console  http.Handler
	setup    string
	probe    time.Duration // how often the stream of frames is asked
	refusal  atomic.Pointer[refusal]

	heartbeats func(context.Context) (map[string]heard, error) // the newest of each collector
	silence    *silence.Watcher
	known      atomic.Pointer[known]
	metrics    net.Listener // nil for none
}

// closer is a named step of the way down.
type closer struct {
	name string
	f    func() error
}

// New opens everything that the configuration names. On an error what was
// opened is closed again.
func New(ctx context.Context, cfg Config, log *slog.Logger, now func() time.Time) (*App, error) {
	a := &App{cfg: cfg, log: log, now: now, probe: probeEvery}
	a.answers.now, a.answers.behind = now, a.lagging
	for _, step := range []func(context.Context) error{a.openFleet, a.openBus, a.openLists, a.openSinks, a.openStore, a.openArchive, a.openSOC, a.openErasure, a.openPipeline, a.openInbox, a.openCare, a.openHealth, a.openConsole} {
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
	for _, v := range slices.Backward(a.closers) {
		if err := v.f(); err != nil {
			errs = append(errs, fmt.Errorf("closing %s: %w", v.name, err))
		}
	}
	a.closers = nil
	return errors.Join(errs...)
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

// BusAddr is host:port where collectors connect, "" when this process does not
// listen for them.
func (a *App) BusAddr() string {
	if a.bus == nil {
		return ""
	}
	return a.bus.Addr()
}

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
