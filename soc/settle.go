package soc

import (
	"context"
	"database/sql"
	"fmt"

	"mimamori/event"
)

// Settle notes that what an alert is about is over by itself, such as a silence
// when the logs come again. An alert that nobody has taken up is closed by
// Mimamori; one that somebody works on gets the note and stays theirs; a closed
// one stays as it is. The error wraps ErrNotFound when there is none.
func (s *Service) Settle(ctx context.Context, id string, note event.Localized) error {
	return s.db.Update(ctx, func(tx *sql.Tx) error {
		a, err := findAlert(ctx, tx, id, nil)
		if err != nil {
			return err
		}
		c := Change{Note: note.JA + "\n" + note.EN}
		switch {
		case a.State == Closed:
			return nil
		case a.State == New && a.Assignee == "":
			c.State, c.Resolution = Closed, TruePositive
		}
		if err := s.apply(ctx, tx, &a, &c); err != nil {
			return fmt.Errorf("%s: %w", a.Label(), err)
		}
		return nil
	})
}
