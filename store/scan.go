package store

import (
	"context"
	"database/sql"
	"strings"

	"mimamori/event"
	"mimamori/internal/lang"
)

// scanned is how many events are in memory at once while Scan goes on.
const scanned = 50_000

// Scan hands all events that match to fn, some thousands at a time, in the order
// in which the prefecture had them. root, where it is not nil, stands in place of
// the query's text. Limit and Cursor do not count. A batch is fn's own.
func (s *Store) Scan(ctx context.Context, q event.Query, root lang.Node, fn func(*event.Batch) error) error {
	x, err := s.ask(ctx, q)
	if err != nil {
		return err
	}
	defer x.done()
	if root != nil {
		x.expr = &lang.Expr{Root: root}
	}
	if len(x.segs) == 0 {
		return nil
	}
	t := x.translator(x.segs)
	var order []string
	for _, name := range []string{"event.ingested", "received", "@timestamp"} {
		if at := t.number(event.MustLookup(name)); at != "" {
			order = append(order, at)
		}
	}
	by := strings.Join(append(order, "0"), ", ")
	var hits []hit
	flush := func() error {
		if len(hits) == 0 {
			return nil
		}
		b, err := x.fetch(hits)
		if err != nil {
			return err
		}
		hits = hits[:0]
		return fn(b)
	}
	err = x.rows("SELECT filename, file_row_number FROM "+t.from()+" WHERE "+t.where(x.expr.Root, x.bounds)+" ORDER BY coalesce("+by+"), filename, file_row_number", func(rows *sql.Rows) error {
		var h hit
		if err := rows.Scan(&h.file, &h.row); err != nil {
			return err
		}
		if hits = append(hits, h); len(hits) < scanned {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}
