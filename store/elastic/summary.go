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
	var point struct {
		ID string `json:"id"`
	}
	if err := x.s.call(ctx, esapi.OpenPointInTimeRequest{Index: x.index, KeepAlive: "2m", IgnoreUnavailable: new(true)}, &point); err != nil {
		return nil, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		// One that stays open ends by itself.
		_ = x.s.call(ctx, esapi.ClosePointInTimeRequest{Body: esutil.NewJSONReader(body{"id": point.ID})}, nil)
	}()
	if sum, _, err = x.overview(ctx, aggs, point.ID); err != nil {
		return nil, err
	}
	return sum, x.walk(ctx, point.ID, sum.doubt)
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
	ask := body{"size": pageSize, "track_total_hits": false, "query": all(x.where.most, none(x.where.least)), "sort": []string{"_shard_doc"}}
	builder := new(event.Builder)
	for seen := 0; ; {
		found, err := x.search(ctx, ask, pit)
		if err != nil {
			return err
		}
		for _, h := range found.Hits.Hits {
			if err := x.keep(h.Source, builder, to); err != nil {
				return err
			}
		}
		n := len(found.Hits.Hits)
		if seen += n; n < pageSize {
			return nil
		}
		if seen > x.s.opts.most {
			return fmt.Errorf("%d events and more: %w", seen, ErrVague)
		}
		ask["search_after"] = found.Hits.Hits[n-1].Sort
	}
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
