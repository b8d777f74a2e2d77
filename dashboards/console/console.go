package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"mimamori/event"
	"mimamori/soc"
	"mimamori/soc/erasure"
)

// Timeout is the longest a page waits for its answers.
const Timeout = 25 * time.Second

// Events answers questions about stored events. Every method honours Query.Tenants.
type Events interface {
	// Search returns a page of events, newest first.
	Search(context.Context, event.Query) (*event.Page, error)
	// Histogram counts events in about n buckets of equal length, oldest
	// first. Buckets without events may be missing.
	Histogram(ctx context.Context, q event.Query, n int) ([]event.Bucket, error)
	// Top returns the n most frequent values of a field.
	Top(ctx context.Context, q event.Query, field string, n int) ([]event.Count, error)
}

// Finder fetches one event.
type Finder interface {
	// Get returns a batch with the one event. When there is none for these
	// tenants (nil is all), its error wraps fs.ErrNotExist.
	Get(ctx context.Context, ref event.Ref, tenants []string) (*event.Batch, error)
}

// Config is what a Console needs. All fields but PublicURL and Erasure are required.
type Config struct {
	Events         Events
	Finder         Finder
	Analysis       Analysis
	Health         Health
	SOC            *soc.Service
	Erasure        *erasure.Service // nil where nothing can be erased
	Municipalities *event.Municipalities
	Log            *slog.Logger
	Now            func() time.Time
	PublicURL      string // as browsers see it; https makes cookies Secure
}

// Console serves the pages. Any number of goroutines may use it.
type Console struct {
	events   Events
	finder   Finder
	analysis Analysis
	health   Health
	soc      *soc.Service
	erasure  *erasure.Service // nil where nothing can be erased
	towns    *event.Municipalities
	log      *slog.Logger
	now      func() time.Time
	base     string // PublicURL without a slash at its end
	secure   bool
	texts    texts
	assets   *assets
	sessions *scs.SessionManager
}

// New makes a console. It returns an error when a required part is missing or
// the public URL is none.
func New(cfg Config) (*Console, error) {
	if cfg.Events == nil || cfg.Finder == nil || cfg.Analysis == nil || cfg.Health == nil || cfg.SOC == nil || cfg.Municipalities == nil || cfg.Log == nil || cfg.Now == nil {
		return nil, errors.New("console: Events, Finder, Analysis, Health, SOC, Municipalities, Log and Now are all required")
	}
	public, err := url.Parse(cfg.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("console: public URL: %w", err)
	}
	c := &Console{
		events: cfg.Events, finder: cfg.Finder, analysis: cfg.Analysis, health: cfg.Health, soc: cfg.SOC, erasure: cfg.Erasure, towns: cfg.Municipalities,
		log: cfg.Log, now: cfg.Now, base: strings.TrimSuffix(cfg.PublicURL, "/"), secure: public.Scheme == "https",
	}
	if c.texts, err = loadTexts(); err != nil {
		return nil, err
	}
	if c.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	c.sessions = c.newSessions()
	return c, nil
}

// Handler returns the console's pages and assets.
func (c *Console) Handler() http.Handler {
	m := http.NewServeMux()
	m.Handle("GET /assets/", c.assets)
	m.Handle("GET /signin", c.public(c.signInPage))
	m.Handle("POST /signin", c.public(c.signIn))
	m.Handle("GET /setup", c.public(c.setupPage))
	m.Handle("POST /setup", c.public(c.setup))
	m.Handle("POST /signout", c.public(c.signOut))
	m.Handle("GET /password", c.signedIn(c.passwordPage))
	m.Handle("POST /password", c.signedIn(c.password))
	m.Handle("GET /{$}", c.signedIn(c.overview))
	m.Handle("GET /live", c.signedIn(c.live))
	m.Handle("GET /search", c.signedIn(c.search))
	m.Handle("GET /search/fields", c.signedIn(c.searchFields))
	m.Handle("GET /search/live", c.signedIn(c.search))
	m.Handle("GET /search/export", c.signedIn(c.export))
	m.Handle("POST /search", c.signedIn(c.keep))
	m.Handle("GET /sql", c.signedIn(c.sql))
	m.Handle("GET /event", c.signedIn(c.event))
	m.Handle("GET /alerts", c.signedIn(c.alerts))
	m.Handle("GET /alerts/{id}", c.signedIn(c.alert))
	m.Handle("POST /alerts/{id}", c.signedIn(c.changeAlert))
	m.Handle("GET /status", c.signedIn(c.status))
	m.Handle("GET /erasure", c.signedIn(c.erasures))
	m.Handle("POST /erasure", c.signedIn(c.changeErasures))
	m.Handle("GET /erasure/{id}/certificate", c.signedIn(c.certificate))
	m.Handle("GET /users", c.signedIn(c.users))
	m.Handle("POST /users", c.signedIn(c.changeUsers))
	m.Handle("/", c.public(func(http.ResponseWriter, *http.Request, *view) error { return errNotFound() }))
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(c.public(func(http.ResponseWriter, *http.Request, *view) error {
		return &pageError{status: http.StatusForbidden, key: "error.crossorigin"}
	}))
	return c.headers(http.MaxBytesHandler(sameOrigin.Handler(m), 64<<10))
}
