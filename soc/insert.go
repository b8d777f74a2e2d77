package soc

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"mimamori/event"
	"mimamori/soc/sqlite"
)

// Insert adds alerts in one transaction, which is on disk when it returns. An
// alert that is there already (by ID) stays as it is. It returns how many were
// new; on an error none is added.
func (s *Service) Insert(ctx context.Context, alerts []event.Alert) (int, error) {
	if len(alerts) == 0 {
		return 0, nil
	}
	n := 0
	err := s.db.Update(ctx, func(tx *sql.Tx) error {
		n = 0
		for i := range alerts {
			added, err := s.insert(ctx, tx, &alerts[i])
			if err != nil {
				return fmt.Errorf("soc: insert alert %s of rule %s: %w", alerts[i].ID, alerts[i].Rule, err)
			}
			if added {
				n++
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (s *Service) insert(ctx context.Context, tx *sql.Tx, a *event.Alert) (bool, error) {
	if a.ID == "" {
		return false, fmt.Errorf("%w: the alert has no ID", ErrInvalid)
	}
	respond, err := json.Marshal(a.Respond)
	if err != nil {
		return false, fmt.Errorf("first-response steps: %w", err)
	}
	attack, err := json.Marshal(a.Attack)
	if err != nil {
		return false, fmt.Errorf("attack ids: %w", err)
	}
	now := sqlite.Nanos(s.now())
	res, err := tx.ExecContext(ctx, `
		INSERT INTO alerts (id, rule, version, title_ja, title_en, explain_ja, explain_en, respond, severity,
		  attack, trial, municipality, zone, key, start_at, end_at, events, created)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		a.ID, a.Rule, a.Version, a.Title.JA, a.Title.EN, a.Explain.JA, a.Explain.EN, string(respond), int(a.Severity),
		string(attack), a.Test, a.Municipality, a.Zone, a.Key, sqlite.Nanos(a.Start), sqlite.Nanos(a.End), a.Count, now)
	if err != nil {
		return false, fmt.Errorf("write: %w", err)
	}
	if rows, err := res.RowsAffected(); err != nil || rows == 0 {
		return false, wrap("write", err)
	}
	number, err := res.LastInsertId()
	if err != nil {
		return false, fmt.Errorf("write: %w", err)
	}
	for i, e := range a.Events[:min(len(a.Events), MaxEvidence)] {
		text := e.JSON
		if text == nil { // no NULL
			text = []byte{}
		}
		// SQLite's integers are signed; the cast keeps all 64 bits.
		if _, err := tx.ExecContext(ctx, `INSERT INTO evidence (alert, n, collector, source, epoch, seq, json) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			number, i, e.Ref.Collector, e.Ref.Source, int64(e.Ref.Epoch), int64(e.Ref.Seq), text); err != nil {
			return false, fmt.Errorf("write evidence: %w", err)
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO history (alert, at, by_user, from_state, to_state, resolution, note) VALUES (?, ?, '', '', 'new', '', '')`, number, now)
	return true, wrap("write history", err)
}

// wrap adds what was being done to an error; nil stays nil.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
