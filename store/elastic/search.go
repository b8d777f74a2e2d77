package elastic

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mimamori/event"
	"mimamori/store"
)

// cursor is where a page ended: the sort values of its last event.
type cursor struct {
	Time      int64  `json:"t"`
	Collector string `json:"c"`
	Source    string `json:"s"`
	Epoch     int64  `json:"e"`
	Seq       int64  `json:"n"`
	Total     int64  `json:"total"` // of the first page, so that it is counted once
}

func (c *cursor) after() []any { return []any{c.Time, c.Collector, c.Source, c.Epoch, c.Seq} }

func decodeCursor(s string) (*cursor, error) {
	if s == "" {
		return nil, nil
	}
	c := &cursor{}
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(text, c)
	}
	if err != nil {
		return nil, fmt.Errorf("elasticsearch: %w", store.ErrCursor)
	}
	return c, nil
}

// order is the order of pages: newest first, equals by identity.
func order() []body {
	sorted := []body{{"@timestamp": body{"order": "desc", "unmapped_type": "date_nanos"}}}
	for _, key := range [][2]string{{"collector", "keyword"}, {"source", "keyword"}, {"epoch", "long"}, {"seq", "long"}} {
		sorted = append(sorted, body{refField + key[0]: body{"order": "asc", "unmapped_type": key[1]}})
	}
	return sorted
}

// Search returns one page of the matching events, newest first, equals by
// identity; events without a time, and those before 1970, come last. A page goes
// on where the one before ended, whatever arrives between them. Total is counted
// for the first page and kept by its cursors; where that would mean to read too
// much (ErrVague), it is how many events may match. The batch owns its memory.
// Its error wraps a *lang.Error for a mistake in the text and store.ErrCursor for a
// foreign cursor.
func (s *Store) Search(ctx context.Context, q event.Query) (*event.Page, error) {
	began := time.Now()
	after, err := decodeCursor(q.Cursor)
	if err != nil {
		return nil, err
	}
	x, err := s.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	page, ends, err := x.page(ctx, after, q.Most())
	if err != nil {
		return nil, err
	}
	switch {
	case after != nil:
		page.Total = after.Total
	case ends == nil:
		page.Total = int64(len(page.Batch.Events))
	default:
		if page.Total, err = x.count(ctx); errors.Is(err, ErrVague) {
			page.Total, err = x.atMost(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	if ends != nil {
		ends.Total = page.Total
		text, err := json.Marshal(ends)
		if err != nil {
			return nil, fmt.Errorf("elasticsearch: %w", err)
		}
		page.Next = base64.RawURLEncoding.EncodeToString(text)
	}
	page.Took = time.Since(began)
	return page, nil
}

// page reads up to limit events after a cursor; the cursor that it returns is
// nil on the last page.
func (x *question) page(ctx context.Context, after *cursor, limit int) (*event.Page, *cursor, error) {
	to, builder := &event.Batch{}, new(event.Builder)
	var last *cursor
	for size := min(limit+1, pageSize); ; size = min(2*size, pageSize) {
		ask := body{"size": size, "track_total_hits": false, "query": x.where.most, "sort": order()}
		if after != nil {
			ask["search_after"] = after.after()
		}
		found, err := x.search(ctx, ask, "")
		if err != nil {
			return nil, nil, err
		}
		for _, h := range found.Hits.Hits {
			before := len(to.Events)
			if err := x.keep(h.Source, builder, to); err != nil {
				return nil, nil, err
			}
			if after, err = sorted(h.Sort); err != nil {
				return nil, nil, err
			}
			if len(to.Events) > limit {
				to.Events = to.Events[:limit]
				return &event.Page{Batch: to}, last, nil
			}
			if len(to.Events) > before {
				last = after
			}
		}
		if len(found.Hits.Hits) < size {
			return &event.Page{Batch: to}, nil, nil
		}
	}
}

// sorted reads the sort values of a hit.
func sorted(values []any) (*cursor, error) {
	if len(values) != 5 {
		return nil, fmt.Errorf("elasticsearch: a hit has %d sort values, not 5", len(values))
	}
	c := &cursor{}
	for i, to := range []any{&c.Time, &c.Collector, &c.Source, &c.Epoch, &c.Seq} {
		switch to := to.(type) {
		case *string:
			s, ok := values[i].(string)
			if !ok {
				return nil, fmt.Errorf("elasticsearch: sort value %v is no text", values[i])
			}
			*to = s
		case *int64:
			n, ok := values[i].(json.Number)
			if !ok {
				return nil, fmt.Errorf("elasticsearch: sort value %v is no number", values[i])
			}
			var err error
			if *to, err = n.Int64(); err != nil {
				return nil, fmt.Errorf("elasticsearch: sort value: %w", err)
			}
		}
	}
	return c, nil
}

// atMost is how many events may match.
func (x *question) atMost(ctx context.Context) (int64, error) {
	found, err := x.search(ctx, body{"size": 0, "track_total_hits": true, "query": x.where.most}, "")
	if err != nil {
		return 0, err
	}
	return found.Hits.Total.Value, nil
}
