package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/ingest"
	"mimamori/ingest/enrich"
	"mimamori/internal/lang"
	"mimamori/store"
)

// Reparse says which stored events are read again, and how.
type Reparse struct {
	From         time.Time `json:"from,omitzero"`
	To           time.Time `json:"to,omitzero"`
	Municipality string    `json:"municipality,omitempty"`
	Dataset      string    `json:"dataset,omitempty"`
	Where        string    `json:"where,omitempty"`      // a condition
	Quarantine   bool      `json:"quarantine,omitempty"` // quarantined events only; so too without Dataset and Where
	Dry          bool      `json:"dry_run,omitempty"`
	Force        bool      `json:"force,omitempty"`
	Formats      []string  `json:"formats,omitempty"` // folders beside the configuration's
}

// Reread is how far a reparse has come, and its account.
type Reread struct {
	State  string         `json:"state"`
	At     time.Time      `json:"at"`
	Read   uint64         `json:"read"`
	Total  uint64         `json:"total"`
	Report *ingest.Report `json:"report,omitempty"` // at the end, also of one that was stopped or failed
	Error  string         `json:"error,omitempty"`
	Stale  bool           `json:"stale,omitempty"` // the service reads new lines by other formats than these
	Replay *Replayed      `json:"replay,omitempty"`
}

// States of a reparse.
const (
	Waiting = "waiting" // for the service, or for its restart
	Running = "running"
	Done    = "done"
	Stopped = "stopped" // by whoever asked
	Failed  = "failed"
)

// over tells whether nothing more will come.
func (r *Reread) over() bool { return r.State == Done || r.State == Stopped || r.State == Failed }

// query is the question whose answer is read again.
func (r *Reparse) query() (event.Query, error) {
	q := event.Query{From: r.From, To: r.To}
	if r.Municipality != "" {
		if err := event.CheckCode(r.Municipality); err != nil {
			return q, fmt.Errorf("--municipality: %w", err)
		}
		q.Tenants = []string{r.Municipality}
	}
	var parts []string
	if r.Quarantine || r.Dataset == "" && r.Where == "" {
		parts = append(parts, "has(quarantine)")
	}
	if r.Dataset != "" {
		parts = append(parts, "event.dataset == "+strconv.Quote(r.Dataset))
	}
	if r.Where != "" {
		if _, err := lang.Parse(r.Where); err != nil {
			return q, fmt.Errorf("--where: %w", err)
		}
		parts = append(parts, "("+r.Where+"\n)")
	}
	q.Text = strings.Join(parts, " && ")
	return q, nil
}

// rereading is what a reparse needs of the program.
type rereading struct {
	cfg      *Config
	store    *store.Store
	enricher *enrich.Enricher
	source   string       // of the events that are read; "" for any
	tell     func(Reread) // how far it is; called often
}

// run does the work. Formats are read from their files now. The account is of
// what is in the store, also when an error comes with it.
func (w *rereading) run(ctx context.Context, r Reparse) (out Reread, sum string, err error) {
	out = Reread{State: Failed}
	defer func() {
		if ctx.Err() != nil {
			out.State = Stopped
		}
	}()
	q, err := r.query()
	if err != nil {
		return out, "", err
	}
	formats, err := LoadFormats(append(w.cfg.Formats[:len(w.cfg.Formats):len(w.cfg.Formats)], r.Formats...))
	if err != nil {
		return out, "", err
	}
	zone, err := time.LoadLocation(w.cfg.Timezone)
	if err != nil {
		return out, "", fmt.Errorf("configuration: %w", err)
	}
	total, err := w.store.Count(ctx, q)
	if err != nil {
		return out, "", err
	}
	p := ingest.NewReparser(ingest.ReparseConfig{Formats: formats, Enricher: w.enricher, Location: zone, Force: r.Force, Dry: r.Dry})
	out.State, out.Total = Running, uint64(total)
	err = w.store.Rewrite(ctx, q, &telling{p, w.source, func() { out.Read = p.Read(); w.tell(out) }})
	out.State, out.Read, out.Report = Done, p.Report().Read, p.Report()
	if err != nil {
		out.State = Failed
	}
	return out, formats.Sum(), err
}

// telling tells from time to time how far a reparser is.
type telling struct {
	*ingest.Reparser
	source string
	tell   func()
}

// Rewrite reads one event again.
func (t *telling) Rewrite(e *event.Event, x *event.Builder) bool {
	if t.source != "" && t.source != e.Source {
		return false
	}
	if t.Read()%256 == 0 {
		t.tell()
	}
	return t.Reparser.Rewrite(e, x)
}

// Rereader lets events be read again: by the service that has the data folder
// open, or else, with Here, by this process.
type Rereader struct {
	Config Config
	Here   bool // Config is the service's, so that this process may do the work
	Log    *slog.Logger
	Now    func() time.Time
	Tell   func(Reread) // how far it is
	batch  int          // events of one commit of a replay; 0 is the usual
}

// Run does what is asked for and returns at its end. The account is right even
// when an error comes with it. When ctx ends the work stops; what was done
// stays, and the same request goes on with the rest.
func (x *Rereader) Run(ctx context.Context, r Reparse) (Reread, error) {
	failed := Reread{State: Failed}
	if _, err := r.query(); err != nil { // before anything is opened
		return failed, err
	}
	if _, err := os.Stat(filepath.Join(x.Config.Data, "events")); err != nil { // a mistyped folder is not made
		return failed, fmt.Errorf("データフォルダーではありません / no data folder: %w", err)
	}
	return x.do(ctx, asked{Reparse: r}, func(s *store.Store, e *enrich.Enricher) (Reread, error) {
		w := rereading{cfg: &x.Config, store: s, enricher: e, tell: x.Tell}
		out, _, err := w.run(ctx, r)
		return out, err
	})
}

// do lets the service work on a request, or, where there is none, work itself.
func (x *Rereader) do(ctx context.Context, q asked, work func(*store.Store, *enrich.Enricher) (Reread, error)) (Reread, error) {
	failed := Reread{State: Failed}
	desk := reparseDesk{dir: reparseDir(x.Config.Data), now: x.Now}
	s, err := store.Open(filepath.Join(x.Config.Data, "events"), store.Options{Log: x.Log, Now: x.Now})
	if errors.Is(err, store.ErrInUse) {
		return desk.ask(ctx, q, x.Tell)
	}
	if err != nil {
		return failed, err
	}
	if !x.Here {
		return failed, errors.Join(ErrNoService, s.Close())
	}
	if err := desk.clear(x.Log); err != nil {
		return failed, errors.Join(err, s.Close())
	}
	enricher, err := OpenEnricher(&x.Config, x.Log)
	if err != nil {
		return failed, errors.Join(err, s.Close())
	}
	out, err := work(s, enricher)
	return out, errors.Join(err, s.Close())
}

// ErrNoService is returned where nobody says by which configuration to work.
var ErrNoService = errors.New("このデータフォルダーのサービスは動いていません。サービスを起動するか、その設定ファイルを --config で指定してください（設定なしで動かしているなら --config \"\"） / " +
	"no service runs in this data folder: start it, or name its configuration file with --config, so that zones, tables and formats are its own (--config \"\" if it has none)")
