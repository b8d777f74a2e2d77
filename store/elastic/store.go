package elastic

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"mimamori/event"
	"mimamori/internal/lang"
)

// Options of a Store. The zero value is usable.
type Options struct {
	Log   *slog.Logger // nil: no log
	Lists lang.Lists   // answers inList; nil: no list has members
	// Refused hears of each event that Elasticsearch refuses for good, and why.
	// An event that is taken again is reported again.
	Refused func(ref event.Ref, reason string)

	wait func(ctx context.Context, d time.Duration) error // tests need not wait
	most int                                              // events read to narrow an answer down; 0: maxDoubt
}

// Stats are the sink's figures since it was opened.
type Stats struct {
	Created int64 // documents written
	There   int64 // events that were there already
	Changed int64 // documents written over
	Refused int64 // events refused for good
	Retried int64 // requests sent again
}

// Store is an Elasticsearch that takes events and answers questions. Take and
// Replace are for one goroutine, everything else for any number.
type Store struct {
	cfg       Config
	opts      Options
	log       *slog.Logger
	transport esapi.Transport
	what      atomic.Uint32 // a product

	mu        sync.Mutex      // held while templates are made
	lifecycle lifecycle       // how events age there
	templates map[string]bool // municipalities that have theirs
	unsure    bool            // a bulk's outcome is unknown, or an earlier process's may be

	created, there, changed, refused, retried atomic.Int64
}

// Open makes a Store and sends nothing: an Elasticsearch that is down is found
// to be so by Take. Its error names the setting that is wrong, or the file that
// can't be read.
func Open(cfg Config, opts Options) (*Store, error) {
	if key, err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("elasticsearch: %s: %w", key, err)
	}
	if cfg.Prefix == "" {
		cfg.Prefix = "logs"
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.wait == nil {
		opts.wait = wait
	}
	if opts.most == 0 {
		opts.most = maxDoubt
	}
	t, err := connect(cfg)
	if err != nil {
		return nil, err
	}
	return &Store{cfg: cfg, opts: opts, log: opts.Log, transport: t, templates: map[string]bool{}, unsure: true}, nil
}

// Stats returns the figures.
func (s *Store) Stats() Stats {
	return Stats{s.created.Load(), s.there.Load(), s.changed.Load(), s.refused.Load(), s.retried.Load()}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("elasticsearch: %w", context.Cause(ctx))
	case <-t.C:
		return nil
	}
}

// backoff is how long to wait before attempt n, from 1: at random up to a
// bound that doubles, so that those who were refused together come apart.
func backoff(n int) time.Duration {
	most := min(100*time.Millisecond<<min(n, 10), 10*time.Second)
	return most/10 + rand.N(most) //nolint:gosec // no secret
}
