package soc

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"mimamori/event"
	"mimamori/soc/sqlite"
)

// BySeverity counts alerts, indexed by event.Severity.
type BySeverity [event.Critical + 1]int

// Sum is the count over all severities.
func (b BySeverity) Sum() (n int) {
	for _, c := range b {
		n += c
	}
	return n
}

// Counts is the state of the open alerts (not closed, not on trial).
type Counts struct {
	Open           BySeverity
	Municipalities map[string]BySeverity // by code; "" spans several
	Unassigned     int
	Unacknowledged int
	Oldest         time.Time // when the oldest unacknowledged alert came; zero when there is none
	Latest         int64     // number of the newest alert, open or not
}

// Counts counts open alerts for the tenants (nil is all).
func (s *Service) Counts(ctx context.Context, tenants []string) (Counts, error) {
	c := &conditions{}
	c.tenants(tenants)
	c.add("trial = 0")
	out := Counts{Municipalities: map[string]BySeverity{}}
	err := s.db.View(ctx, func(tx *sql.Tx) error {
		//nolint:gosec // the conditions are made of our own text; values are bound
		rows, err := tx.QueryContext(ctx, `
			SELECT municipality, severity, count(*), sum(assignee = ''), sum(state = 'new'), coalesce(min(CASE state WHEN 'new' THEN created END), 0)
			FROM alerts WHERE state <> 'closed' AND `+c.String()+` GROUP BY municipality, severity`, c.args...)
		if err != nil {
			return fmt.Errorf("soc: count alerts: %w", err)
		}
		if _, err := collect(rows, out.add); err != nil {
			return fmt.Errorf("soc: count alerts: %w", err)
		}
		err = tx.QueryRowContext(ctx, `SELECT coalesce(max(number), 0) FROM alerts WHERE `+c.String(), c.args...).Scan(&out.Latest)
		return wrap("soc: newest alert", err)
	})
	return out, err
}

// add takes one group of the count in.
func (c *Counts) add(scan scanner) (struct{}, error) {
	var code string
	var sev event.Severity
	var n, unassigned, unseen int
	var oldest int64
	if err := scan(&code, &sev, &n, &unassigned, &unseen, &oldest); err != nil {
		return struct{}{}, err
	}
	sev = min(sev, event.Critical)
	town := c.Municipalities[code]
	town[sev] += n
	c.Municipalities[code] = town
	c.Open[sev] += n
	c.Unassigned += unassigned
	c.Unacknowledged += unseen
	if at := sqlite.FromNanos(oldest); oldest != 0 && (c.Oldest.IsZero() || at.Before(c.Oldest)) {
		c.Oldest = at
	}
	return struct{}{}, nil
}
