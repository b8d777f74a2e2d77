package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"mimamori/event"
)

// ErrCursor is returned for a cursor that Search did not write.
var ErrCursor = errors.New("the cursor is no cursor of this store; search again from the first page")

// rowKey is a row's place in the order of pages: newest first, then by identity.
type rowKey struct {
	Time      int64  `json:"t"`
	Collector string `json:"c"`
	Source    string `json:"s"`
	Epoch     uint64 `json:"e"`
	Seq       uint64 `json:"n"`
	Total     int64  `json:"total"` // of the first page, so that it is counted once
}

func (k rowKey) compare(l rowKey) int {
	return cmp.Or(cmp.Compare(l.Time, k.Time), cmp.Compare(k.Collector, l.Collector), cmp.Compare(k.Source, l.Source),
		cmp.Compare(k.Epoch, l.Epoch), cmp.Compare(k.Seq, l.Seq))
}

func (k rowKey) encode() string {
	text, err := json.Marshal(k)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func decodeCursor(s string) (*rowKey, error) {
	if s == "" {
		return nil, nil
	}
	k := &rowKey{}
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(text, k)
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", ErrCursor)
	}
	return k, nil
}

// hit is a row that belongs on a page.
type hit struct {
	rowKey
	file string
	row  int64
}

// Search returns one page of the matching events, newest first, equals by
// identity. A page's events are the same however many segments arrive between
// pages; Total is counted for the first page and kept by its cursors. The
// batch owns its memory. Its error wraps a *lang.Error for a mistake in the
// text and ErrCursor for a foreign cursor.
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
	defer x.done()
	limit := q.Most()
	hits, err := x.find(after, limit+1)
	if err != nil {
		return nil, err
	}
	page := &event.Page{Total: int64(len(hits))}
	if after != nil {
		page.Total = after.Total
	} else if len(hits) > limit {
		if page.Total, err = x.count(); err != nil {
			return nil, err
		}
	}
	if len(hits) > limit {
		hits = hits[:limit]
		next := hits[limit-1].rowKey
		next.Total = page.Total
		page.Next = next.encode()
	}
	if page.Batch, err = x.fetch(hits); err != nil {
		return nil, err
	}
	page.Took = time.Since(began)
	return page, nil
}

// find returns the first n hits after a key. It asks segments in groups, the
// newest first and each group twice as large, and stops when no other segment
// can hold an event that belongs before the n-th.
func (x *question) find(after *rowKey, n int) ([]hit, error) {
	if x.found != nil {
		return x.page(after, n), nil
	}
	var hits []hit
	for i, group := 0, 2; i < len(x.segs); group *= 2 {
		if len(hits) >= n && hits[n-1].Time > x.segs[i].pageTime() {
			break
		}
		part := x.segs[i:min(len(x.segs), i+group)]
		i += len(part)
		if after != nil {
			part = slices.DeleteFunc(slices.Clone(part), func(g *segment) bool { return g.manifest.Untimed == 0 && g.manifest.Oldest > after.Time })
		}
		if len(part) == 0 {
			continue
		}
		more, err := x.findIn(part, after, n)
		if err != nil {
			return nil, err
		}
		hits = append(hits, more...)
		slices.SortFunc(hits, func(a, b hit) int { return a.compare(b.rowKey) })
		hits = hits[:min(len(hits), n)]
	}
	return hits, nil
}

// pageTime is the newest time that a row of the segment has in the order of pages.
func (g *segment) pageTime() int64 {
	if g.manifest.Untimed > 0 {
		return max(noTime, g.newest())
	}
	return g.newest()
}

// collector is the expression of a row's collector: the field, unless the
// event's identity names another.
func (t *translator) collector() string {
	if t.has("collector") {
		return `coalesce("_collector", "collector", '')`
	}
	return `coalesce("_collector", '')`
}

// noTime is where events without @timestamp stand: at the end.
const noTime = math.MinInt64 + 1

func (x *question) findIn(segs []*segment, after *rowKey, n int) ([]hit, error) {
	t := x.translator(segs)
	at, collector := long(noTime), t.collector()
	if t.has("@timestamp") {
		if at = `"@timestamp"`; slices.ContainsFunc(segs, func(g *segment) bool { return g.manifest.Untimed > 0 }) {
			at = `coalesce("@timestamp", ` + long(noTime) + ")"
		}
	}
	where := t.where(x.expr.Root, x.bounds)
	if after != nil {
		where += fmt.Sprintf(" AND %s <= %s AND (%s < %s OR (%s, _source, _epoch, _seq) > (%s, %s, %d::UBIGINT, %d::UBIGINT))", at, long(after.Time),
			at, long(after.Time), collector, quote(after.Collector), quote(after.Source), after.Epoch, after.Seq)
	}
	query := fmt.Sprintf(`SELECT filename, file_row_number, %s AS t, %s AS c, _source, _epoch, _seq FROM %s WHERE %s ORDER BY t DESC, c, _source, _epoch, _seq LIMIT %d`,
		at, collector, t.from(), where, n)
	var hits []hit
	err := x.rows(query, func(r *sql.Rows) error {
		var h hit
		if err := r.Scan(&h.file, &h.row, &h.Time, &h.Collector, &h.Source, &h.Epoch, &h.Seq); err != nil {
			return err
		}
		hits = append(hits, h)
		return nil
	})
	return hits, err
}

// Get returns one event by its identity, in a batch that owns its memory.
// tenants restricts it as a query's Tenants do. Its error wraps ErrNotFound.
func (s *Store) Get(ctx context.Context, ref event.Ref, tenants []string) (*event.Batch, error) {
	x, err := s.ask(ctx, event.Query{Tenants: tenants})
	if err != nil {
		return nil, err
	}
	defer x.done()
	likely := slices.DeleteFunc(slices.Clone(x.segs), func(g *segment) bool { return !g.accounts(ref) })
	for _, segs := range [][]*segment{likely, x.segs} {
		if len(segs) == 0 {
			continue
		}
		hits, err := x.locate(segs, ref)
		if err != nil {
			return nil, err
		}
		if len(hits) > 0 {
			return x.fetch(hits)
		}
		if len(likely) > 0 {
			break
		}
	}
	return nil, fmt.Errorf("store: %s %s %d %d: %w", ref.Collector, ref.Source, ref.Epoch, ref.Seq, ErrNotFound)
}

// accounts tells whether the segment's frames hold the record.
func (g *segment) accounts(ref event.Ref) bool {
	return slices.ContainsFunc(g.manifest.Frames, func(f FrameRange) bool {
		return f.Collector == ref.Collector && f.Source == ref.Source && f.Epoch == ref.Epoch && f.First <= ref.Seq && ref.Seq <= f.Last
	})
}

func (x *question) locate(segs []*segment, ref event.Ref) ([]hit, error) {
	t := x.translator(segs)
	collector := `coalesce("_collector", '')`
	if t.has("collector") {
		collector = `coalesce("_collector", "collector", '')`
	}
	where := []string{
		fmt.Sprintf("_seq = %d::UBIGINT AND _epoch = %d::UBIGINT", ref.Seq, ref.Epoch),
		"_source = " + quote(ref.Source), collector + " = " + quote(ref.Collector), t.where(x.expr.Root, x.bounds),
	}
	var hits []hit
	err := x.rows("SELECT filename, file_row_number FROM "+t.from()+" WHERE "+strings.Join(where, " AND ")+" LIMIT 1", func(r *sql.Rows) error {
		var h hit
		err := r.Scan(&h.file, &h.row)
		hits = append(hits, h)
		return err
	})
	return hits, err
}
