package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"mimamori/event"
	"mimamori/internal/lang"
	"mimamori/store"
)

// Histogram counts the matching events over time: at most buckets bars of one
// round width (aligned to Japanese midnight), empty ones included, oldest
// first. Where the query is open, the events that Elasticsearch has bound it.
// Events without @timestamp are not in it.
func (s *Store) Histogram(ctx context.Context, q event.Query, buckets int) ([]event.Bucket, error) {
	x, err := s.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	from, to, err := s.span(ctx, q)
	if err != nil || from >= to {
		return nil, err
	}
	width, start, bars := store.Grid(from, to, buckets)
	out := make([]event.Bucket, bars)
	for i := range out {
		out[i].Start = time.Unix(0, start+int64(i)*int64(width)).UTC()
	}
	timed := none(body{"terms": body{oddField: []string{untimed, atField.Name()}}})
	x.where = bound{all(x.where.most, none(term(oddField, untimed))), all(x.where.least, timed)}
	step := width.Milliseconds()
	sum, err := x.summary(ctx, body{"bars": body{"date_histogram": body{
		"field": "@timestamp", "fixed_interval": strconv.FormatInt(step, 10) + "ms", "min_doc_count": 1,
		"offset": strconv.FormatInt((start/int64(time.Millisecond)%step+step)%step, 10) + "ms",
	}}})
	if err != nil {
		return nil, err
	}
	count := func(at, n int64) {
		if i := (at - start) / int64(width); at >= start && i < bars {
			out[i].Count += n
		}
	}
	var found struct {
		Buckets []struct {
			Key   int64 `json:"key"`
			Count int64 `json:"doc_count"`
		} `json:"buckets"`
	}
	if text := sum.aggs["bars"]; text != nil {
		if err := json.Unmarshal(text, &found); err != nil {
			return nil, fmt.Errorf("elasticsearch: answer: %w", err)
		}
	}
	for _, b := range found.Buckets {
		count(b.Key*int64(time.Millisecond), b.Count)
	}
	for i := range sum.doubt.Events {
		if at, ok := sum.doubt.Events[i].Get(atField); ok {
			count(at.Int(), 1)
		}
	}
	return out, nil
}

// span is the time that a histogram shows: what the query bounds, else from the
// oldest event that the asker may see to just after the newest.
func (s *Store) span(ctx context.Context, q event.Query) (from, to int64, err error) {
	const limit = int64(1) << 62 // 1823 to 2116; keeps the arithmetic within int64
	within := func(t time.Time) int64 {
		if y := t.UTC().Year(); y < 1823 || y > 2116 {
			return map[bool]int64{true: -limit, false: limit}[y < 1823]
		}
		return max(-limit, min(limit, t.UnixNano()))
	}
	if !q.From.IsZero() && !q.To.IsZero() {
		return within(q.From), within(q.To), nil
	}
	x, err := s.prepare(ctx, lang.Const(true), q)
	if err != nil {
		return 0, 0, err
	}
	oldest, newest, ok, err := s.edges(ctx, x)
	if err != nil || !ok {
		return 0, 0, err
	}
	from, to = oldest, min(newest, math.MaxInt64-1)+1
	if !q.From.IsZero() {
		from = within(q.From)
	}
	if !q.To.IsZero() {
		to = within(q.To)
	}
	return max(from, -limit), min(to, limit), nil
}

// edges are the times of the oldest and the newest event; false for none.
func (s *Store) edges(ctx context.Context, x *question) (oldest, newest int64, ok bool, err error) {
	timed := all(x.where.least, none(body{"terms": body{oddField: []string{untimed, atField.Name()}}}))
	for direction, to := range map[string]*int64{"asc": &oldest, "desc": &newest} {
		found, err := x.search(ctx, body{
			"size": 1, "track_total_hits": false, "_source": false, "query": timed,
			"sort": []body{{"@timestamp": body{"order": direction, "unmapped_type": "date_nanos"}}},
		}, "")
		if err != nil || len(found.Hits.Hits) == 0 {
			return 0, 0, false, err
		}
		at, isNumber := found.Hits.Hits[0].Sort[0].(json.Number)
		if !isNumber {
			return 0, 0, false, nil
		}
		if *to, err = at.Int64(); err != nil {
			return 0, 0, false, fmt.Errorf("elasticsearch: answer: %w", err)
		}
	}
	return oldest, newest, true, nil
}
