package erasure

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"mimamori/soc"
	"mimamori/soc/sqlite"
)

// Hold is a legal hold: nothing that it covers is erased, and nothing goes by
// its age, until it is lifted.
type Hold struct {
	ID           int64     `json:"id"`
	Municipality string    `json:"municipality"`
	Month        string    `json:"month"` // "" is every month
	Why          string    `json:"why"`
	Since        time.Time `json:"since"`
	By           string    `json:"by"`
	Lifted       time.Time `json:"lifted"`
	LiftedBy     string    `json:"lifted_by"`
}

// SetHold sets a hold, for either side; month "" is every month. It stops an
// erasure that waits, and what a running one has not reached yet.
func (s *Service) SetHold(ctx context.Context, by string, what Scope, why string) error {
	e := entry{by: by, what: "hold", Scope: what}
	return s.act(ctx, &e, func(tx *sql.Tx) (err error) {
		checked := what
		if what.Month == "" {
			checked.Month = "2000-01" // any
		}
		if err = checked.check(); err != nil {
			return err
		}
		who, err := s.actor(ctx, by, what.Municipality)
		if err != nil {
			return err
		}
		if e.detail, err = reason(why); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO holds (municipality, month, why, since, set_by) VALUES (?, ?, ?, ?, ?)`,
			what.Municipality, what.Month, e.detail, sqlite.Nanos(who.At), who.By)
		return err
	})
}

// LiftHold lifts a hold; only an administrator of the prefecture may. The waiting
// time of what it stopped begins anew.
func (s *Service) LiftHold(ctx context.Context, by string, id int64) error {
	e := entry{by: by, what: "lift", detail: fmt.Sprint(id)}
	return s.act(ctx, &e, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT municipality, month FROM holds WHERE id = ? AND lifted = 0`, id).Scan(&e.Municipality, &e.Month)
		if err != nil {
			return fmt.Errorf("hold %d: %w", id, notFound(err))
		}
		who, err := s.actor(ctx, by, e.Municipality)
		if err != nil {
			return err
		}
		if who.Side != Prefecture {
			return NoRight
		}
		if err := change(ctx, tx, `UPDATE holds SET lifted = ?, lifted_by = ? WHERE id = ?`, sqlite.Nanos(who.At), who.By, id); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE erasures SET due = max(due, ?) WHERE state = 'approved' AND municipality = ? AND ? IN ('', month)`,
			sqlite.Nanos(who.At.Add(s.cfg.Wait)), e.Municipality, e.Month)
		return err
	})
}

// onHold tells whether a hold stands on a scope.
func onHold(ctx context.Context, tx *sql.Tx, what Scope) (held bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM holds WHERE lifted = 0 AND municipality = ? AND month IN ('', ?))`, what.Municipality, what.Month).Scan(&held)
	return held, err
}

// OnHold lists the municipalities with a hold, of whatever months: retention by
// age leaves them alone.
func (s *Service) OnHold(ctx context.Context) (map[string]bool, error) {
	list, err := collect(ctx, s.db.Read, scanHold, selectHolds+` WHERE lifted = 0`)
	out := map[string]bool{}
	for _, h := range list {
		out[h.Municipality] = true
	}
	return out, err
}

const selectHolds = `SELECT id, municipality, month, why, since, set_by, lifted, lifted_by FROM holds`

func scanHold(scan func(...any) error) (Hold, error) {
	var h Hold
	var since, lifted int64
	err := scan(&h.ID, &h.Municipality, &h.Month, &h.Why, &since, &h.By, &lifted, &h.LiftedBy)
	h.Since, h.Lifted = sqlite.FromNanos(since), sqlite.FromNanos(lifted)
	return h, err
}

// Holds lists the holds that a user may see, the newest first.
func (s *Service) Holds(ctx context.Context, u *soc.User) ([]Hold, error) {
	where, args := seen(u, "municipality")
	return collect(ctx, s.db.Read, scanHold, selectHolds+where+` ORDER BY id DESC LIMIT 500`, args...)
}
