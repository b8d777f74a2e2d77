// Package loki sends stored events to a Grafana Loki: one tenant for each
// municipality, few labels, the original line, and what people look for first
// as structured metadata.
//
// Under pressure: Take is done when Loki has answered 2xx for every event, or
// 400 for an event alone, which is then refused for good and told to
// Config.Refused. What answers 429 or 5xx, or not at all, is tried again for
// some seconds; then Take fails, and its caller keeps the events and comes
// again. Nothing is held in memory between two calls. An event that is sent
// twice has the same stream, time, line and metadata, and Loki keeps it once.
package loki

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grafana/loki-client-go/pkg/backoff"

	"mimamori/event"
)

// Config says where Loki is and what to tell it.
type Config struct {
	URL      string        // https://host:3100; the path of the API follows it
	User     string        // basic authentication, "" for none
	Password string        //
	Token    string        // bearer token, "" for none
	CA       string        // PEM file of the authority to trust, "" for the system's
	MaxAge   time.Duration // beyond it an event that came late stands at its arrival; 0: 5 days
	Refused  func(Refusal) // may be nil
}

// Refusal is an event that Loki does not take, whatever we do.
type Refusal struct {
	Ref          event.Ref
	Municipality string
	Reason       string // Loki's own words
}

const (
	pushPath   = "/loki/api/v1/push"
	pushBytes  = 1 << 20 // of lines and metadata in a request, about; Loki's least limit is 4 MB
	timeout    = 30 * time.Second
	defaultAge = 5 * 24 * time.Hour // of the 7 days that Loki accepts, two are left for an outage
	splitBy    = 8                  // a request that is refused is cut into so many
)

// Sink sends to one Loki. One goroutine uses it.
type Sink struct {
	cfg    Config
	url    string
	client *http.Client
	retry  backoff.BackoffConfig

	patience time.Duration // of Erase
}

// Open prepares a sink. It does not connect.
func Open(cfg Config) (*Sink, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("loki: url %q: write http://host:3100 or https://host:3100, without user and query", cfg.URL)
	}
	if cfg.Token != "" && cfg.User != "" {
		return nil, errors.New("loki: give a user or a token, not both")
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = defaultAge
	}
	client, err := newClient(cfg.CA)
	if err != nil {
		return nil, err
	}
	return &Sink{
		cfg: cfg, url: strings.TrimSuffix(cfg.URL, "/") + pushPath, client: client,
		retry:    backoff.BackoffConfig{MinBackoff: 100 * time.Millisecond, MaxBackoff: 3 * time.Second, MaxRetries: 6},
		patience: 3 * time.Minute,
	}, nil
}

// Close lets idle connections go.
func (s *Sink) Close() { s.client.CloseIdleConnections() }

// Take sends the events, municipality by municipality.
func (s *Sink) Take(ctx context.Context, b *event.Batch) error {
	towns := map[string][]line{}
	for i := range b.Events {
		l := newLine(&b.Events[i], s.cfg.MaxAge)
		towns[l.tenant] = append(towns[l.tenant], l)
	}
	for _, tenant := range slices.Sorted(maps.Keys(towns)) {
		p := push{Sink: s, ctx: ctx, tenant: tenant}
		for lines := towns[tenant]; len(lines) > 0; {
			n, size := 0, 0
			for ; n < len(lines) && (n == 0 || size < pushBytes); n++ {
				size += lines[n].size()
			}
			if err := p.send(lines[:n]); err != nil {
				return fmt.Errorf("loki: municipality %s: %w", tenant, err)
			}
			lines = lines[n:]
		}
	}
	return nil
}
