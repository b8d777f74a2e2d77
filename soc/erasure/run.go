package erasure

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"mimamori/soc/sqlite"
)

// Tries of an erasure that fails become rarer, up to an hour apart.
const (
	firstRetry = time.Minute
	maxRetry   = time.Hour
)

// Run makes erasures of the months that standing approvals let go, and works on
// all that is due. It returns what failed; that is in the register too, and
// tried again by later calls. One call works at a time.
func (s *Service) Run(ctx context.Context) error {
	s.running.Lock()
	defer s.running.Unlock()
	errs := []error{s.proposeDue(ctx)}
	now := sqlite.Nanos(s.cfg.Now())
	due, err := collect(ctx, s.db.Read, scanErasure, selectErasures+` WHERE state = 'approved' AND due <= ? OR state = 'running' AND retry <= ? ORDER BY id`, now, now)
	errs = append(errs, err)
	for i := range due {
		if ctx.Err() != nil {
			break
		}
		errs = append(errs, s.work(ctx, due[i].ID))
	}
	return errors.Join(errs...)
}

// errStopped says that a hold, or a withdrawal, came first.
var errStopped = errors.New("it was stopped")

// work does one erasure from the first place to the certificate, or says in the
// register what failed. A place that fails does not hold back the next, but only a pass
// in which all places said that nothing is left counts: what one still had, another may
// have been filled with again.
func (s *Service) work(ctx context.Context, id int64) error {
	x, err := s.begin(ctx, id)
	if errors.Is(err, errStopped) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for n, place := range s.cfg.Places {
		if err := s.goesOn(ctx, x.Scope); errors.Is(err, errStopped) {
			return nil
		} else if err != nil {
			errs = append(errs, err)
			break
		}
		count, err := place.Erase(ctx, x.Scope)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", place.Name(), err))
		}
		if err := s.count(context.WithoutCancel(ctx), id, n, place.Name(), count); err != nil {
			errs = append(errs, err)
		}
	}
	err = errors.Join(errs...)
	if err == nil {
		err = s.finish(ctx, id)
	}
	if err != nil && ctx.Err() == nil {
		err = errors.Join(fmt.Errorf("erasure %d of %s %s: %w", id, x.Municipality, x.Month, err), s.failed(ctx, id, err))
	}
	return err
}

// begin takes an erasure to Running, if both sides still want it and nothing
// holds it.
func (s *Service) begin(ctx context.Context, id int64) (x Erasure, err error) {
	now := s.cfg.Now()
	err = s.db.Update(ctx, func(tx *sql.Tx) error {
		if x, err = find(ctx, tx, id); err != nil {
			return err
		}
		switch {
		case x.Held, x.State != Approved && x.State != Running, now.Before(x.Due), !over(x.Month, now):
			return errStopped
		case x.State == Running:
			return nil
		}
		if err := change(ctx, tx, `UPDATE erasures SET state = 'running', begun = ? WHERE id = ?`, sqlite.Nanos(now), id); err != nil {
			return err
		}
		return s.note(ctx, tx, entry{what: "begin", erasure: id, Scope: x.Scope})
	})
	return x, err
}

// goesOn tells whether the next place may be emptied: a hold stops it.
func (s *Service) goesOn(ctx context.Context, what Scope) error {
	return s.db.View(ctx, func(tx *sql.Tx) error {
		held, err := onHold(ctx, tx, what)
		if held {
			return errStopped
		}
		return err
	})
}

// count adds what went from a place.
func (s *Service) count(ctx context.Context, id int64, n int, place string, things int64) error {
	return s.db.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO removed (erasure, n, place, things) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET things = things + excluded.things`, id, n, place, max(things, 0))
		return err
	})
}

// finish writes the certificate and ends the erasure.
func (s *Service) finish(ctx context.Context, id int64) error {
	now := s.cfg.Now()
	var x Erasure
	err := s.db.View(ctx, func(tx *sql.Tx) (err error) {
		x, err = find(ctx, tx, id)
		return err
	})
	if err != nil {
		return err
	}
	name, err := s.cfg.Archive.Certify(Account{x, now})
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return s.db.Update(ctx, func(tx *sql.Tx) error {
		err := change(ctx, tx, `UPDATE erasures SET state = 'done', ended = ?, certificate = ?, trouble = '' WHERE id = ?`, sqlite.Nanos(now), name, id)
		if err != nil {
			return err
		}
		return s.note(ctx, tx, entry{what: "done", erasure: id, Scope: x.Scope, detail: name})
	})
}

// failed notes why, and when it is tried again.
func (s *Service) failed(ctx context.Context, id int64, cause error) error {
	return s.db.Update(ctx, func(tx *sql.Tx) error {
		x, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		pause := min(maxRetry, firstRetry<<min(x.Tries, 10))
		err = change(ctx, tx, `UPDATE erasures SET tries = tries + 1, trouble = ?, retry = ? WHERE id = ?`, cause.Error(), sqlite.Nanos(s.cfg.Now().Add(pause)), id)
		if err != nil || x.Trouble == cause.Error() {
			return err
		}
		return s.note(ctx, tx, entry{what: "fail", erasure: id, Scope: x.Scope, detail: cause.Error()})
	})
}
