package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/elastic/go-elasticsearch/v8/esutil"

	"mimamori/event"
)

// maxDoubt is how many events are read to narrow one answer down.
const maxDoubt = 200_000

// pageSize is how many events one answer has at most.
const pageSize = 5_000

// answer is what a search returns.
type answer struct {
	PIT  string `json:"pit_id"`
	Hits struct {
		Total struct {
			Value int64 `json:"value"`
		} `json:"total"`
		Hits []struct {
			Source json.RawMessage `json:"_source"`
			Sort   []any           `json:"sort"`
		} `json:"hits"`
	} `json:"hits"`
	Aggregations map[string]json.RawMessage `json:"aggregations"`
}

// search sends one search, at a point in time when pit names one. An answer
// that lacks a shard's part is an error.
func (x *question) search(ctx context.Context, ask body, pit string) (*answer, error) {
	req := esapi.SearchRequest{AllowPartialSearchResults: new(false)}
	if pit != "" {
		ask["pit"] = body{"id": pit, "keep_alive": "2m"}
	} else {
		req.Index, req.IgnoreUnavailable = x.index, new(true)
	}
	req.Body = esutil.NewJSONReader(ask)
	out := &answer{}
	if err := x.s.call(ctx, req, out); err != nil {
		return nil, err
	}
	return out, nil
}

// summary is what is known of the events that match: of the sure ones their
// number and aggregations, of the others the events themselves.
type summary struct {
	sure  int64
	aggs  map[string]json.RawMessage
	doubt *event.Batch
}

// summary counts what the index is sure of and reads the rest, both at one
// point in time where there is a rest.
func (x *question) summary(ctx context.Context, aggs body) (*summary, error) {
	sum, doubt, err := x.overview(ctx, aggs, "")
	if err != nil || doubt == 0 {
		return sum, err
	}
	if doubt > int64(x.s.opts.most) {
		return nil, fmt.Errorf("%d events: %w", doubt, ErrVague)
	}
	err = x.still(ctx, func(pit string) error {
		if sum, _, err = x.overview(ctx, aggs, pit); err != nil {
			return err
		}
		return x.walk(ctx, pit, sum.doubt)
	})
	return sum, err
}

// still asks several things of one and the same state of the index.
func (x *question) still(ctx context.Context, do func(pit string) error) error {
	point, err := x.openPoint(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = x.closePoint(ctx, point) // one that stays open ends by itself
	}()
	return do(point)
}

// overview asks for the sure ones, and how many there are besides.
func (x *question) overview(ctx context.Context, aggs body, pit string) (*summary, int64, error) {
	sure := body{"filter": x.where.least}
	if aggs != nil {
		sure["aggs"] = aggs
	}
	found, err := x.search(ctx, body{"size": 0, "track_total_hits": true, "query": x.where.most, "aggs": body{"sure": sure}}, pit)
	if err != nil {
		return nil, 0, err
	}
	sum := &summary{doubt: &event.Batch{}, aggs: map[string]json.RawMessage{}}
	if text := found.Aggregations["sure"]; text != nil {
		if err := json.Unmarshal(text, &sum.aggs); err != nil {
			return nil, 0, fmt.Errorf("elasticsearch: answer: %w", err)
		}
		if err := json.Unmarshal(sum.aggs["doc_count"], &sum.sure); err != nil {
			return nil, 0, fmt.Errorf("elasticsearch: answer: %w", err)
		}
	}
	return sum, found.Hits.Total.Value - sum.sure, nil
}

// walk reads the events that the index is not sure of, and keeps those that match.
func (x *question) walk(ctx context.Context, pit string, to *event.Batch) error {
	builder, seen := new(event.Builder), 0
	return x.scroll(ctx, pit, all(x.where.most, none(x.where.least)), func(found *answer) error {
		if seen += len(found.Hits.Hits); seen > x.s.opts.most+pageSize {
			return fmt.Errorf("%d events and more: %w", seen, ErrVague)
		}
		for _, h := range found.Hits.Hits {
			if err := x.keep(h.Source, builder, to); err != nil {
				return err
			}
		}
		return nil
	})
}

// scroll reads all documents of a query, in the order that costs least.
func (x *question) scroll(ctx context.Context, pit string, query body, take func(*answer) error) error {
	ask := body{"size": pageSize, "track_total_hits": false, "query": query, "sort": []string{"_shard_doc"}}
	for {
		found, err := x.search(ctx, ask, pit)
		if err == nil {
			err = take(found)
		}
		n := 0
		if err == nil {
			n = len(found.Hits.Hits)
		}
		if n < pageSize {
			return err
		}
		ask["search_after"] = found.Hits.Hits[n-1].Sort
	}
}

// Each gives all matching events, whole, to take, in no order and as they are at
// one point in time. A batch is void when take returns; take's error ends it, and
// is returned as it is. Limit and Cursor do not count.
func (s *Store) Each(ctx context.Context, q event.Query, take func(*event.Batch) error) error {
	x, err := s.ask(ctx, q)
	if err != nil {
		return err
	}
	if n, err := x.atMost(ctx); n == 0 {
		return err
	}
	builder := new(event.Builder)
	return x.still(ctx, func(pit string) error {
		return x.scroll(ctx, pit, x.where.most, func(found *answer) error {
			b := &event.Batch{}
			for _, h := range found.Hits.Hits {
				if err := x.keep(h.Source, builder, b); err != nil {
					return err
				}
			}
			if len(b.Events) == 0 {
				return nil
			}
			return take(b)
		})
	})
}

// keep appends an event if it matches.
func (x *question) keep(text json.RawMessage, builder *event.Builder, to *event.Batch) error {
	if err := decode(text, builder, to); err != nil {
		return err
	}
	if last := len(to.Events) - 1; !x.program(&to.Events[last]) {
		to.Events = to.Events[:last]
	}
	return nil
}
