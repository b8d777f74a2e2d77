// Package status is what a collector says of itself on its own machine: a page
// that a town official can read, in Japanese and English, the same as text and
// as JSON, and metrics for Prometheus. It answers on a loopback address only,
// takes no input but the language, and shows nothing of the logs themselves.
//
// Under pressure it never hurts the collecting: when its address is taken, the
// collector goes on without a page and says so in its log; requests have
// time-outs and read counters only.
package status

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mimamori/internal/care"
)

// Report is the account of a collector as its own page shows it.
type Report struct {
	care.Heartbeat
	Key     string    `json:"key"`               // the public key
	To      []string  `json:"to"`                // addresses of the prefecture
	Contact string    `json:"contact,omitempty"` // whom to call
	Sending Sending   `json:"sending"`
	Since   time.Time `json:"since"` // since when it is so
}

// Sending is how a collector gets its frames away.
type Sending string

// The states of sending.
const (
	Begun  Sending = "begun"  // it has just begun, and nothing has got away yet
	Fine   Sending = "fine"   // nothing waits, or it waits for a moment
	Behind Sending = "behind" // more waits than usual, and it moves
	Cut    Sending = "cut"    // nothing moves
	Full   Sending = "full"   // nothing moves, and there is no more room
)

// Config is what a page needs.
type Config struct {
	Listen  string                // host:port; off for none
	Contact string                // whom to call
	To      []string              // addresses of the prefecture
	Key     string                // public key of the collector
	Beat    func() care.Heartbeat // the account at this moment
	Shipped func() uint64         // a number that moves when frames get away
	Log     *slog.Logger
	Now     func() time.Time
	Ready   func(addr string) // when not nil, is told where the page is
}

// Page is a collector's status page. Make it with New.
type Page struct {
	cfg     Config
	metrics http.Handler

	mu      sync.Mutex
	shipped uint64
	met     bool      // a number of frames is known
	sent    bool      // something got away since the program began, or there was nothing to send
	moved   time.Time // when frames last got away
	state   Sending
	since   time.Time
}

// New makes a page; Run serves it.
func New(cfg Config) *Page {
	p := &Page{cfg: cfg, moved: cfg.Now(), since: cfg.Now(), state: Fine}
	r := prometheus.NewRegistry()
	r.MustRegister(NewMetrics(p.Report), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	p.metrics = promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: 5 * time.Second})
	return p
}

// Run serves the page until ctx ends. It returns at once where there is none.
func (p *Page) Run(ctx context.Context) {
	if p.cfg.Listen == "off" || p.cfg.Listen == "" {
		return
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", p.cfg.Listen)
	if err != nil {
		p.cfg.Log.Warn("there is no status page, collecting goes on; set status.listen to another address, or to off", "err", err)
		return
	}
	p.cfg.Log.Info("status page", "url", "http://"+l.Addr().String())
	if p.cfg.Ready != nil {
		p.cfg.Ready(l.Addr().String())
	}
	server := &http.Server{
		Handler: p.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(p.cfg.Log.Handler(), slog.LevelDebug),
	}
	var wg sync.WaitGroup
	wg.Go(func() { p.follow(ctx) })
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		p.cfg.Log.Warn("the status page has ended, collecting goes on", "err", err)
	}
}

// follow notes whether frames get away, until ctx ends.
func (p *Page) follow(ctx context.Context) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.Report()
		case <-ctx.Done():
			return
		}
	}
}

// How long frames may wait.
const (
	moving = 45 * time.Second // without any getting away, nothing moves
	usual  = 15 * time.Second // for the oldest line
)

// Report is the account at this moment.
func (p *Page) Report() Report {
	r := Report{Heartbeat: p.cfg.Beat(), Key: p.cfg.Key, To: p.cfg.To, Contact: p.cfg.Contact}
	n, now := p.cfg.Shipped(), p.cfg.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.met && n != p.shipped {
		p.sent = true
	}
	if n != p.shipped || r.Spool.Frames == 0 {
		p.shipped, p.moved = n, now
	}
	p.met = true
	state := Fine
	switch {
	case r.Spool.Full:
		state = Full
	case now.Sub(p.moved) > moving:
		state = Cut
	case !p.sent && r.Trouble != "":
		state = Begun
	case !r.Spool.Oldest.IsZero() && now.Sub(r.Spool.Oldest) > usual || r.Spool.Frames > 500:
		state = Behind
	}
	if state != p.state {
		p.state, p.since = state, now
		if state == Cut {
			p.since = p.moved
		}
	}
	r.Sending, r.Since = p.state, p.since
	return r
}

// Handler answers requests.
func (p *Page) Handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", p.page)
	m.HandleFunc("GET /style.css", style)
	m.HandleFunc("GET /status.json", p.json)
	m.HandleFunc("GET /healthz", p.healthz)
	m.Handle("GET /metrics", p.metrics)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if !local(r.Host) { // a page elsewhere that had its name point here
			http.Error(w, "this page is for this machine only: open http://"+p.cfg.Listen, http.StatusMisdirectedRequest)
			return
		}
		m.ServeHTTP(w, r)
	})
}

// local tells that a request was for this machine by a name of its own.
func local(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
