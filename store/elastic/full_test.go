package elastic

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/elastic/go-elasticsearch/v8/esutil"

	"mimamori/internal/testkit"
)

// fullDisk sets the block that Elasticsearch sets on its indices when the disk is
// full, in the midst of writing, new events and changed ones, and takes it away.
func fullDisk(t *testing.T, es *testkit.Elastic) {
	ctx := context.Background()
	var r refusedRefs
	waits := 0
	var s *Store
	block := func(is any) {
		if err := s.call(ctx, esapi.IndicesPutSettingsRequest{
			Index: []string{s.cfg.Prefix + "-*"}, Body: esutil.NewJSONReader(body{"index.blocks.read_only_allow_delete": is}), ExpandWildcards: "all",
		}, nil); err != nil {
			t.Fatal(err)
		}
	}
	s = opened(t, es, es.URL, Options{Refused: r.add, wait: func(context.Context, time.Duration) error {
		if waits++; waits%3 == 0 {
			block(nil) // somebody makes room
		}
		return nil
	}})
	add(t, s, plainBatch(1, 50))
	block(true)
	add(t, s, plainBatch(51, 50))
	stored(t, s, 100)
	block(true)
	if err := s.Replace(ctx, reread(plainBatch(1, 60))); err != nil {
		t.Fatal(err)
	}
	stored(t, s, 100)
	changed(t, s, 60)
	s.opts.wait = func(context.Context, time.Duration) error { return nil }
	block(true)
	if err := s.Take(ctx, plainBatch(101, 10)); status(err) < http.StatusInternalServerError && status(err) != http.StatusTooManyRequests {
		t.Errorf("a disk that stays full: %v", err)
	}
	block(nil)
	stored(t, s, 100)
	if waits < 6 || len(r.refs) > 0 {
		t.Errorf("%d waits; refused %v", waits, r.refs)
	}
}
