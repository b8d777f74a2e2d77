package store

import (
	"context"
	"database/sql"

	"mimamori/event"
)

// Duplicates counts the stored events whose identity another stored event has
// as well. It reads the identity columns of every segment; a sound store
// answers 0.
func (s *Store) Duplicates(ctx context.Context) (int64, error) {
	x, err := s.ask(ctx, event.Query{})
	if err != nil {
		return 0, err
	}
	defer x.done()
	if len(x.segs) == 0 {
		return 0, nil
	}
	var n int64
	t := x.translator(x.segs)
	err = x.rows(`SELECT coalesce(sum(n - count), 0)::BIGINT FROM (
		SELECT count(*) AS n, count(DISTINCT _seq) AS count FROM `+t.from()+` GROUP BY `+t.collector()+`, _source, _epoch)`, func(r *sql.Rows) error {
		return r.Scan(&n)
	})
	return n, err
}
