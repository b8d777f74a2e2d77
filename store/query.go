package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"mimamori/event"
	"mimamori/internal/lang"
)

// question is a query made ready: its parsed text, its bounds, and the held
// segments that may answer it, the one with the newest event first.
type question struct {
	s      *Store
	ctx    context.Context
	expr   *lang.Expr
	bounds bounds
	segs   []*segment
	held   []*segment // all that were held for it
	found  []hit      // what matches, if narrow found it; nil: ask segs
}

// ask prepares a query over the segments that may answer it by their filters, too.
// The caller calls done in any case but an error.
func (s *Store) ask(ctx context.Context, q event.Query) (*question, error) {
	x, err := s.prepare(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := x.narrow(); err != nil {
		x.done()
		return nil, err
	}
	return x, nil
}

// prepare holds all segments within the bounds.
func (s *Store) prepare(ctx context.Context, q event.Query) (*question, error) {
	expr, err := lang.ParseSearch(q.Text)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	x := &question{s: s, ctx: ctx, expr: expr, bounds: boundsOf(q)}
	x.held = s.hold(func(g *segment) bool { some, _ := g.within(x.bounds); return some })
	x.segs = x.held
	return x, nil
}

func (x *question) done() {
	x.s.release(x.held)
	x.s.duck.forget()
	x.s.busy.Done()
}

func (x *question) translator(segs []*segment) *translator {
	return &translator{ctx: x.ctx, duck: x.s.duck, segs: segs, ids: x.s.enc.ids}
}

// rows runs SQL and gives each row to scan.
func (x *question) rows(query string, scan func(*sql.Rows) error) error {
	rows, err := x.s.duck.db.QueryContext(x.ctx, query)
	if err != nil {
		return failed(x.ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("store: query: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return failed(x.ctx, err)
	}
	return nil
}

// failed says why DuckDB did not answer.
func failed(ctx context.Context, err error) error {
	var de *duckdb.Error
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.As(err, &de) && de.Type == duckdb.ErrorTypeOutOfMemory:
		err = fmt.Errorf("%w: %w", event.ErrTooLarge, err)
	}
	return fmt.Errorf("store: query: %w", err)
}

// everything tells whether the text asks for all events.
func (x *question) everything() bool {
	c, ok := x.expr.Root.(lang.Const)
	return ok && bool(c)
}

// count answers from the manifests where they say it all.
func (x *question) count() (int64, error) {
	if x.found != nil {
		return int64(len(x.found)), nil
	}
	total, rest := int64(0), []*segment{}
	for _, g := range x.segs {
		if _, all := g.within(x.bounds); all && x.everything() {
			total += g.manifest.Events
		} else {
			rest = append(rest, g)
		}
	}
	if len(rest) == 0 {
		return total, nil
	}
	t := x.translator(rest)
	err := x.rows("SELECT count(*) FROM "+t.from()+" WHERE "+t.where(x.expr.Root, x.bounds), func(r *sql.Rows) error {
		var n int64
		err := r.Scan(&n)
		total += n
		return err
	})
	return total, err
}

// Count returns how many events match.
func (s *Store) Count(ctx context.Context, q event.Query) (int64, error) {
	x, err := s.ask(ctx, q)
	if err != nil {
		return 0, err
	}
	defer x.done()
	return x.count()
}

// jst is where a day begins: midnight in Japan, whatever the machine's zone.
const jst = int64(9 * time.Hour)

// widths are the bar widths of a histogram; beyond the last, multiples of it.
func widths() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{
		time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second,
		10 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute,
		30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 14 * day, 30 * day, 90 * day, 365 * day,
	}
}

// grid chooses a round width so that [from, to) takes at most n bars, and
// returns it with the start of the first bar and the number of bars.
func grid(from, to int64, n int) (width, start, bars int64) {
	fit := func(w int64) (int64, int64, bool) {
		first := floorDiv(from+jst, w)
		last := floorDiv(to-1+jst, w)
		return first*w - jst, last - first + 1, last-first < int64(n)
	}
	all := widths()
	for _, d := range all {
		if start, bars, ok := fit(int64(d)); ok {
			return int64(d), start, bars
		}
	}
	year := int64(all[len(all)-1])
	for w := 2 * year; ; w *= 2 {
		if start, bars, ok := fit(w); ok || w > 200*year {
			return w, start, bars
		}
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Histogram counts the matching events over time: at most buckets bars of one
// round width (aligned to Japanese midnight), empty ones included, oldest
// first. Where the query is open, the stored events' times bound it. Events
// without @timestamp are not in it.
func (s *Store) Histogram(ctx context.Context, q event.Query, buckets int) ([]event.Bucket, error) {
	x, err := s.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	defer x.done()
	b := x.bounds
	if from, to, ok := x.span(); ok {
		b.from, b.to = max(b.from, from), min(b.to, to)
	} else if q.From.IsZero() || q.To.IsZero() {
		return nil, nil
	}
	if !q.From.IsZero() {
		b.from = x.bounds.from
	}
	if !q.To.IsZero() {
		b.to = x.bounds.to
	}
	const limit = int64(1) << 62 // 1823 to 2116; keeps the arithmetic within int64
	b.from, b.to = max(b.from, -limit), min(b.to, limit)
	if b.from >= b.to {
		return nil, nil
	}
	width, start, bars := grid(b.from, b.to, max(1, min(buckets, 10_000)))
	out := make([]event.Bucket, bars)
	for i := range out {
		out[i].Start = time.Unix(0, start+int64(i)*width).UTC()
	}
	if len(x.segs) == 0 {
		return out, nil
	}
	t := x.translator(x.segs)
	bar := fmt.Sprintf(`("@timestamp" - (%s)) // %s`, long(start), long(width))
	err = x.rows("SELECT "+bar+", count(*) FROM "+t.from()+" WHERE "+t.where(x.expr.Root, b)+" GROUP BY 1", func(r *sql.Rows) error {
		var i, n int64
		if err := r.Scan(&i, &n); err != nil {
			return err
		}
		if i >= 0 && i < bars {
			out[i].Count += n
		}
		return nil
	})
	return out, err
}

// span is the time from the oldest event of the held segments to just after
// the newest; false when none has a time.
func (x *question) span() (from, to int64, ok bool) {
	for _, g := range x.held {
		m := g.manifest
		if m.Events == m.Untimed {
			continue
		}
		if !ok || m.Oldest < from {
			from = m.Oldest
		}
		if !ok || m.Newest >= to {
			to = min(m.Newest, math.MaxInt64-1) + 1
		}
		ok = true
	}
	return from, to, ok
}

// Top lists the n most frequent values of a field among the matching events,
// as text, the most frequent first and equals by value. An element of a list
// counts for itself. An unknown field has no values.
func (s *Store) Top(ctx context.Context, q event.Query, field string, n int) ([]event.Count, error) {
	f, ok := event.Lookup(field)
	if !ok {
		return nil, nil
	}
	x, err := s.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	defer x.done()
	t := x.translator(x.segs)
	value, list := t.grouped(f)
	if list && value != "" {
		value = "unnest(" + value + ")"
	}
	if len(x.segs) == 0 || value == "" {
		return nil, nil
	}
	var out []event.Count
	query := "SELECT v, count(*) FROM (SELECT " + value + " AS v FROM " + t.from() + " WHERE " + t.where(x.expr.Root, x.bounds) +
		") WHERE v IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT " + strconv.Itoa(max(0, min(n, 10_000)))
	err = x.rows(query, func(r *sql.Rows) error {
		var v any
		var c event.Count
		if err := r.Scan(&v, &c.Count); err != nil {
			return err
		}
		c.Value = readable(f, v)
		out = append(out, c)
		return nil
	})
	return out, err
}

// readable writes a value that DuckDB returned as Value.Text would.
func readable(f event.Field, v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		if f.Type() == event.Date {
			return event.Time(v).Text()
		}
		return event.Int(v).Text()
	case float64:
		return event.Float(v).Text()
	}
	return fmt.Sprint(v)
}
