package soc

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"mimamori/soc/sqlite"
)

// Change is what one person does to one alert at one moment.
type Change struct {
	ID         string   // event.Alert.ID or label
	Tenants    []string // whose alerts the person may touch; nil is all
	By         string   // sign-in name
	Revision   int64    // Alert.Revision as the person saw it
	State      State    // "" leaves it
	Assignee   *string  // nil leaves it; "" makes it nobody's
	Resolution Resolution
	Note       string // needed to close and to reopen; at most MaxNote bytes
}

// Change applies a change and adds it to the alert's history. Its error wraps
// ErrNotFound, ErrConflict (the alert has another revision by now),
// ErrTransition (not from this state) or ErrInvalid (no resolution, no note,
// nothing to do, an assignee who can't see the alert).
func (s *Service) Change(ctx context.Context, c Change) error {
	c.Note = strings.TrimSpace(c.Note)
	if err := c.check(); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *sql.Tx) error {
		a, err := findAlert(ctx, tx, c.ID, c.Tenants)
		if err != nil {
			return err
		}
		if a.Revision != c.Revision {
			return fmt.Errorf("%s: %w: revision %d, now %d", a.Label(), ErrConflict, c.Revision, a.Revision)
		}
		if c.State != "" && !allowed(a.State, c.State) {
			return fmt.Errorf("%s: %w: from %s to %s", a.Label(), ErrTransition, a.State, c.State)
		}
		if a.State == Closed && c.State != "" && c.Note == "" {
			return fmt.Errorf("%s: %w: say why it is taken up again", a.Label(), ErrInvalid)
		}
		if c.Assignee != nil && *c.Assignee != "" {
			if err := mayBeAssigned(ctx, tx, *c.Assignee, a.Municipality); err != nil {
				return fmt.Errorf("%s: %w", a.Label(), err)
			}
		}
		return s.apply(ctx, tx, &a, &c)
	})
}

// check refuses what is wrong whatever the alert.
func (c *Change) check() error {
	switch {
	case c.By == "":
		return fmt.Errorf("%w: a change needs its author", ErrInvalid)
	case len(c.Note) > MaxNote:
		return fmt.Errorf("%w: a note has at most %d bytes", ErrInvalid, MaxNote)
	case c.State == "" && c.Assignee == nil && c.Note == "":
		return fmt.Errorf("%w: nothing to change", ErrInvalid)
	case c.State == Closed && !c.Resolution.valid():
		return fmt.Errorf("%w: closing needs a resolution: true_positive, false_positive or benign", ErrInvalid)
	case c.State == Closed && c.Note == "":
		return fmt.Errorf("%w: closing needs a note: what was found, what was done", ErrInvalid)
	case c.State != Closed && c.Resolution != "":
		return fmt.Errorf("%w: only closing has a resolution", ErrInvalid)
	}
	return nil
}

func (s *Service) apply(ctx context.Context, tx *sql.Tx, a *Alert, c *Change) error {
	now := s.now()
	from := a.State
	if c.State != "" {
		a.State, a.Resolution = c.State, c.Resolution
		if from == New {
			a.Acknowledged = now
		}
		a.Closed = sqlite.FromNanos(0)
		if c.State == Closed {
			a.Closed = now
		}
	}
	if c.Assignee != nil {
		a.Assignee = *c.Assignee
	}
	if _, err := tx.ExecContext(ctx, `
		UPDATE alerts SET state = ?, assignee = ?, resolution = ?, acknowledged = ?, closed = ?, revision = revision + 1 WHERE number = ?`,
		a.State, a.Assignee, a.Resolution, sqlite.Nanos(a.Acknowledged), sqlite.Nanos(a.Closed), a.Number); err != nil {
		return fmt.Errorf("soc: change %s: %w", a.Label(), err)
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO history (alert, at, by_user, from_state, to_state, assignee, resolution, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		a.Number, sqlite.Nanos(now), c.By, from, a.State, c.Assignee, c.Resolution, c.Note)
	return wrap("soc: history of "+a.Label(), err)
}

// mayBeAssigned makes sure that an assignee exists and can see the alert.
func mayBeAssigned(ctx context.Context, tx *sql.Tx, name, municipality string) error {
	u, err := findUser(ctx, tx, name)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if u.Disabled || !u.Sees(municipality) {
		return fmt.Errorf("%w: %s can't see this alert", ErrInvalid, name)
	}
	return nil
}
