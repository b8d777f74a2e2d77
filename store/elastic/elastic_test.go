package elastic

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"mimamori/event"
	"mimamori/internal/testkit"
	"mimamori/store/storetest"
)

// TestElasticsearch asks the real thing, which is started once.
func TestElasticsearch(t *testing.T) {
	es := testkit.NewElastic(t)
	for _, c := range []struct {
		name string
		run  func(*testing.T, *testkit.Elastic)
	}{
		{"the suite of all stores", suite},
		{"an event has one document, however often it comes", again},
		{"an event stays one after a rollover", rollover},
		{"an event that was read anew is written over", anew},
		{"what is refused is reported and the rest goes on", refusals},
		{"a mapping that somebody changed", conflict},
		{"templates that somebody removed", removed},
		{"a vague question is refused", vague},
		{"other municipalities' documents", foreign},
		{"a full disk", fullDisk},
		{"TLS and keys", security},
		{"a bad line", badLine},
		{"a month is erased", erasure},
		{"killed and started again", killed},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, es) })
	}
}

// TestOpenSearch asks OpenSearch what is other there than in Elasticsearch.
func TestOpenSearch(t *testing.T) {
	es := testkit.NewOpenSearch(t)
	for _, c := range []struct {
		name string
		run  func(*testing.T, *testkit.Elastic)
	}{
		{"the suite of all stores", suite},
		{"an event has one document, however often it comes", again},
		{"an event stays one after a rollover", rollover},
		{"an event that was read anew is written over", anew},
		{"a mapping that somebody changed", conflict},
		{"other municipalities' documents", foreign},
		{"a bad line", badLine},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, es) })
	}
}

func suite(t *testing.T, es *testkit.Elastic) {
	n := 0
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		n++
		s := opened(t, es, es.URL, Options{Lists: storetest.Lists{}})
		return storetest.Subject{Reader: s, Counter: s, Lister: s, Add: func(t testing.TB, b *event.Batch) { add(t, s, b) }}
	})
}

// opened makes a store with streams of its own.
func opened(t testing.TB, es *testkit.Elastic, url string, opts Options) *Store {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(es.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if opts.wait == nil {
		opts.wait = func(ctx context.Context, d time.Duration) error { return wait(ctx, d/20) }
	}
	c := Config{URLs: []string{url}, Prefix: fmt.Sprintf("t%d", time.Now().UnixNano()), Retention: "400d"}
	if es.Password != "" {
		c.User, c.Password = "elastic", file
	}
	s, err := Open(c, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func add(t testing.TB, s *Store, b *event.Batch) {
	t.Helper()
	if err := s.Take(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	refresh(t, s)
}

func refresh(t testing.TB, s *Store) {
	t.Helper()
	if err := s.call(context.Background(), esapi.IndicesRefreshRequest{Index: []string{s.cfg.Prefix + "-*"}}, nil); err != nil {
		t.Fatal(err)
	}
}

// plainBatch makes n events, from a sequence number on.
func plainBatch(first, n int) *event.Batch {
	b, x := &event.Batch{}, new(event.Builder)
	for i := range n {
		x.Set(atField, event.Time(1_793_577_600_000_000_000+int64(first+i)*1_000_000))
		x.Set(townField, event.String([]string{"312011", "312029"}[i%2]))
		x.Set(datasetField, event.String("squid.access"))
		x.Set(originalField, event.String(fmt.Sprintf("line %d of a proxy", first+i)))
		x.Set(event.MustLookup("source.port"), event.Int(int64(i)))
		b.Append(x, event.Ref{Collector: "c1", Source: "proxy", Epoch: 1793577600, Seq: uint64(first + i)})
	}
	return b
}

// refusedRefs collects what is refused.
type refusedRefs struct {
	mu   sync.Mutex
	refs map[event.Ref]string
}

func (r *refusedRefs) add(ref event.Ref, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refs == nil {
		r.refs = map[event.Ref]string{}
	}
	r.refs[ref] = reason
}
