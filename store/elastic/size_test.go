package elastic

import (
	"context"
	"testing"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// size is how many bytes the streams of a store take on disk, as they are after a
// flush or merged into one segment each.
func size(t testing.TB, s *Store, merged bool) int64 {
	t.Helper()
	ctx, one := context.Background(), 1
	requests := []esapi.Request{esapi.IndicesFlushRequest{Index: []string{s.cfg.Prefix + "-*"}}}
	if merged {
		requests = append(requests, esapi.IndicesForcemergeRequest{Index: []string{s.cfg.Prefix + "-*"}, MaxNumSegments: &one}, requests[0])
	}
	for _, req := range requests {
		if err := s.call(ctx, req, nil); err != nil {
			t.Fatal(err)
		}
	}
	var stats struct {
		All struct {
			Primaries struct {
				Store struct {
					Bytes int64 `json:"size_in_bytes"`
				} `json:"store"`
			} `json:"primaries"`
		} `json:"_all"`
	}
	if err := s.call(ctx, esapi.IndicesStatsRequest{Index: []string{s.cfg.Prefix + "-*"}, Metric: []string{"store"}}, &stats); err != nil {
		t.Fatal(err)
	}
	return stats.All.Primaries.Store.Bytes
}
