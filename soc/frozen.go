package soc

import (
	"context"
	"database/sql"
	"fmt"
)

// Frozen is the text of an event that an alert keeps.
type Frozen struct {
	Alert int64  `json:"alert"` // number
	N     int64  `json:"n"`
	JSON  []byte `json:"json"`
}

// erasedNote stands in place of an event whose month was erased.
const erasedNote = `{"message":"このイベントは、その月の消去により失われました / this event went when its month was erased"}`

// EraseEvidence replaces the events that gone accepts by a note, wherever an alert
// keeps them, and returns how many. The alerts stay. When it returns without an
// error, nothing of the events is left in the database's files; it takes as long
// as writing them anew.
func (s *Service) EraseEvidence(ctx context.Context, gone func(json []byte) bool) (int64, error) {
	return s.replaceEvidence(ctx, func(f Frozen) (bool, error) { return gone(f.JSON), nil })
}

// TakeEvidence shows all events that alerts keep to take, and leaves the note of
// an erased one in their places: what ReturnEvidence does not bring back is erased.
func (s *Service) TakeEvidence(ctx context.Context, take func(Frozen) error) error {
	_, err := s.replaceEvidence(ctx, func(f Frozen) (bool, error) { return true, take(f) })
	return err
}

// ReturnEvidence brings back what TakeEvidence took.
func (s *Service) ReturnEvidence(ctx context.Context, list []Frozen) error {
	err := s.db.Update(ctx, func(tx *sql.Tx) error { return setEvidence(ctx, tx, list) })
	return wrap("soc: evidence", err)
}

func setEvidence(ctx context.Context, tx *sql.Tx, list []Frozen) error {
	for _, f := range list {
		if _, err := tx.ExecContext(ctx, `UPDATE evidence SET json = ? WHERE alert = ? AND n = ?`, f.JSON, f.Alert, f.N); err != nil {
			return fmt.Errorf("alert %d: %w", f.Alert, err)
		}
	}
	return nil
}

// replaceEvidence puts the note in place of what out accepts. An event that was
// replaced before, or of which only the reference was kept, is not shown.
func (s *Service) replaceEvidence(ctx context.Context, out func(Frozen) (bool, error)) (int64, error) {
	var list []Frozen
	err := s.db.Update(ctx, func(tx *sql.Tx) error {
		list = nil
		rows, err := tx.QueryContext(ctx, `SELECT alert, n, json FROM evidence WHERE length(json) > 0 AND json <> CAST(? AS BLOB)`, erasedNote)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		all, err := collect(rows, func(scan scanner) (f Frozen, err error) {
			if err = scan(&f.Alert, &f.N, &f.JSON); err != nil {
				return f, err
			}
			goes, err := out(f)
			if !goes {
				f.JSON = nil
			}
			return f, err
		})
		if err != nil {
			return err
		}
		for _, f := range all {
			if f.JSON != nil {
				f.JSON = []byte(erasedNote)
				list = append(list, f)
			}
		}
		return setEvidence(ctx, tx, list)
	})
	if err == nil {
		err = s.db.Vacuum(ctx) // also when nothing went: an earlier call may have ended before it
	}
	return int64(len(list)), wrap("soc: evidence", err)
}
