package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"mimamori/event"
)

// buckets asks for all combinations of values of some fields: a page at a time,
// each page by itself exact, whatever the number of shards.
type buckets struct {
	by    []event.Field // none: one bucket of all events
	among []body        // conditions beside the question's
	sub   body          // what is asked of each
	most  int           // more are an error that wraps event.ErrTooLarge
}

// bucket is one combination.
type bucket struct {
	key   []event.Value
	count int64
	sub   map[string]json.RawMessage
}

// page bounds how many buckets one answer has; what is asked of each costs
// Elasticsearch memory.
func (b *buckets) page() int {
	if b.sub != nil {
		return 1_000
	}
	return 10_000
}

func isTooLarge(err error) bool { return errors.Is(err, event.ErrTooLarge) }

// buckets gives each bucket of the events of which the index is sure to take.
func (r *reckoner) buckets(ctx context.Context, b buckets, take func(*bucket) error) error {
	query := all(append([]body{r.where.least}, b.among...)...)
	if len(b.by) == 0 {
		ask := body{"size": 0, "track_total_hits": true, "query": query}
		if b.sub != nil {
			ask["aggs"] = b.sub
		}
		found, err := r.search(ctx, ask, r.pit)
		if err != nil {
			return err
		}
		return take(&bucket{count: found.Hits.Total.Value, sub: found.Aggregations})
	}
	sources := []body{}
	for i, f := range b.by {
		sources = append(sources, body{name(i): body{"terms": body{"field": path(f)}}})
	}
	composite := body{"size": b.page(), "sources": sources}
	aggs := body{"groups": body{"composite": composite}}
	if b.sub != nil {
		aggs["groups"] = body{"composite": composite, "aggs": b.sub}
	}
	for n := 0; ; {
		found, err := r.search(ctx, body{"size": 0, "track_total_hits": false, "query": query, "aggs": aggs}, r.pit)
		if err != nil {
			return err
		}
		var page struct {
			After   json.RawMessage              `json:"after_key"`
			Buckets []map[string]json.RawMessage `json:"buckets"`
		}
		if err := json.Unmarshal(found.Aggregations["groups"], &page); err != nil {
			return fmt.Errorf("elasticsearch: answer: %w", err)
		}
		if n += len(page.Buckets); n > b.most {
			return fmt.Errorf("elasticsearch: more than %d groups: %w", b.most, event.ErrTooLarge)
		}
		for _, text := range page.Buckets {
			one, err := readBucket(b.by, text)
			if err == nil {
				err = take(one)
			}
			if err != nil {
				return err
			}
		}
		if len(page.Buckets) < b.page() || page.After == nil {
			return nil
		}
		composite["after"] = page.After
	}
}

func readBucket(by []event.Field, text map[string]json.RawMessage) (*bucket, error) {
	b := &bucket{sub: text}
	var key map[string]json.RawMessage
	if err := json.Unmarshal(text["key"], &key); err != nil {
		return nil, fmt.Errorf("elasticsearch: answer: %w", err)
	}
	if err := json.Unmarshal(text["doc_count"], &b.count); err != nil {
		return nil, fmt.Errorf("elasticsearch: answer: %w", err)
	}
	for i, f := range by {
		v, err := keyValue(f, key[name(i)])
		if err != nil {
			return nil, err
		}
		b.key = append(b.key, v)
	}
	return b, nil
}

// keyValue reads a bucket's key, or a number that was sorted by.
func keyValue(f event.Field, text json.RawMessage) (event.Value, error) {
	var s string
	if json.Unmarshal(text, &s) != nil {
		s = string(text)
	}
	t := f.Type()
	switch {
	case t == event.Date:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return event.Value{}, fmt.Errorf("elasticsearch: answer: %s: %w", f.Name(), err)
		}
		return event.Time(n), nil
	case numeric(t):
		if v, ok := event.ParseAs(t, s); ok {
			return v, nil
		}
		return event.Value{}, fmt.Errorf("elasticsearch: answer: %q is no value of %s", s, f.Name())
	case t == event.IP:
		return event.Addr(s), nil
	}
	return event.String(s), nil
}

// name is what a source or a measure is called in a request.
func name(i int) string { return "m" + strconv.Itoa(i) }
