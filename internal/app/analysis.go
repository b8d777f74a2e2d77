package app

import (
	"context"
	"errors"
	"io"

	"mimamori/dashboards/console"
	"mimamori/event"
	"mimamori/store/export"
)

// analysis lets the console export events and ask in SQL.
type analysis struct{ from *answers }

// Export writes all matching events.
func (a analysis) Export(ctx context.Context, q event.Query, d console.Download, to io.Writer) (n int64, err error) {
	w, err := export.New(to, export.Options{Format: d.Format, Fields: d.Fields, BOM: d.BOM})
	if err != nil {
		return 0, err
	}
	err = a.from.Each(ctx, q, func(b *event.Batch) error {
		n += int64(len(b.Events))
		return w.Take(b)
	})
	if err != nil {
		return n, err // not closed: what is cut must not look whole
	}
	return n, w.Close()
}

// SQL answers a statement, always from the event store.
func (a analysis) SQL(ctx context.Context, q event.Query) (*event.Table, error) {
	return a.from.store.SQL(ctx, q)
}

// Table writes an answer as CSV, for Excel.
func (a analysis) Table(to io.Writer, t *event.Table) error {
	_, err := io.WriteString(to, "\ufeff")
	return errors.Join(err, export.Table(to, t))
}
