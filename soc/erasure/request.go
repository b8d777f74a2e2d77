package erasure

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"mimamori/soc"
	"mimamori/soc/sqlite"
)

// State is where an erasure stands.
type State string

// The states.
const (
	Requested State = "requested" // waits for the other side
	Approved  State = "approved"  // waits until Due
	Running   State = "running"   // places are being emptied; there is no way back
	Done      State = "done"      // there is a certificate
	Refused   State = "refused"   // by the other side
	Withdrawn State = "withdrawn" // by either side, before it ran
)

// Erasure is one request and what became of it.
type Erasure struct {
	ID int64 `json:"id"`
	Scope
	State       State     `json:"state"`
	Reason      string    `json:"reason"`
	Requested   Act       `json:"requested"`
	Approved    Act       `json:"approved"`
	Standing    int64     `json:"standing"` // the standing approval that made it; 0: people did
	Due         time.Time `json:"due"`
	Begun       time.Time `json:"begun"`
	Ended       time.Time `json:"ended"`
	EndedBy     string    `json:"ended_by"` // who refused or withdrew it
	Note        string    `json:"note"`     // why
	Tries       int       `json:"tries"`    // that failed
	Retry       time.Time `json:"retry"`
	Trouble     string    `json:"trouble"`     // why the newest try failed
	Certificate string    `json:"certificate"` // its name in the archive
	Removed     []Removal `json:"removed"`
	Held        bool      `json:"held"` // a legal hold stands on it
}

// Removal is what went from one place.
type Removal struct {
	Place string `json:"place"`
	Count int64  `json:"count"`
}

// Open tells whether something may still happen to it.
func (e *Erasure) Open() bool {
	return e.State == Requested || e.State == Approved || e.State == Running
}

// Request asks for an erasure, for the side that the person speaks for, and
// returns its number. Its error wraps a Refusal.
func (s *Service) Request(ctx context.Context, by string, what Scope, why string) (int64, error) {
	e := entry{by: by, what: "request", Scope: what}
	err := s.act(ctx, &e, func(tx *sql.Tx) (err error) {
		if err = what.check(); err != nil {
			return err
		}
		asked, err := s.actor(ctx, by, what.Municipality)
		if err != nil {
			return err
		}
		if e.detail, err = reason(why); err != nil {
			return err
		}
		if !over(what.Month, asked.At) {
			return NotOver
		}
		if err = free(ctx, tx, what); err != nil {
			return err
		}
		e.erasure, err = s.insert(ctx, tx, &Erasure{Scope: what, State: Requested, Reason: e.detail, Requested: asked})
		return err
	})
	return e.erasure, err
}

// free refuses a scope that is held, or about which something is under way.
func free(ctx context.Context, tx *sql.Tx, what Scope) error {
	if held, err := onHold(ctx, tx, what); err != nil || held {
		return errors.Join(err, refuseIf(held, OnHold))
	}
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM erasures WHERE municipality = ? AND month = ? AND state IN ('requested', 'approved', 'running')`, what.Municipality, what.Month).Scan(&n)
	return errors.Join(err, refuseIf(n > 0, UnderWay))
}

func refuseIf(is bool, r Refusal) error {
	if is {
		return r
	}
	return nil
}

func (s *Service) insert(ctx context.Context, tx *sql.Tx, e *Erasure) (int64, error) {
	r, err := tx.ExecContext(ctx, `INSERT INTO erasures (municipality, month, state, reason, requested, requested_by, requested_side, approved, approved_by, approved_side, standing, due)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, e.Municipality, e.Month, e.State, e.Reason, sqlite.Nanos(e.Requested.At), e.Requested.By, e.Requested.Side,
		sqlite.Nanos(e.Approved.At), e.Approved.By, e.Approved.Side, e.Standing, sqlite.Nanos(e.Due))
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// Approve lets an erasure run when the waiting time is over. The person must be
// of the other organisation than who asked.
func (s *Service) Approve(ctx context.Context, by string, id int64) error {
	return s.decide(ctx, entry{by: by, what: "approve", erasure: id}, []State{Requested}, func(tx *sql.Tx, x *Erasure, who Act) error {
		if err := s.second(ctx, x.Requested, who, x.Municipality); err != nil {
			return err
		}
		if x.Held {
			return OnHold
		}
		return change(ctx, tx, `UPDATE erasures SET state = 'approved', approved = ?, approved_by = ?, approved_side = ?, due = ? WHERE id = ?`,
			sqlite.Nanos(who.At), who.By, who.Side, sqlite.Nanos(who.At.Add(s.cfg.Wait)), id)
	})
}

// Refuse ends a request, for the side that was asked.
func (s *Service) Refuse(ctx context.Context, by string, id int64, why string) error {
	return s.decide(ctx, entry{by: by, what: "refuse", erasure: id, detail: oneLine(why)}, []State{Requested}, func(tx *sql.Tx, x *Erasure, who Act) error {
		if x.Requested.Side == who.Side {
			return SameSide
		}
		x.State, x.Note = Refused, why
		return end(ctx, tx, x, who)
	})
}

// Withdraw ends an erasure that does not run yet, for either side.
func (s *Service) Withdraw(ctx context.Context, by string, id int64, why string) error {
	return s.decide(ctx, entry{by: by, what: "withdraw", erasure: id, detail: oneLine(why)}, []State{Requested, Approved}, func(tx *sql.Tx, x *Erasure, who Act) error {
		x.State, x.Note = Withdrawn, why
		return end(ctx, tx, x, who)
	})
}

// end ends an erasure in the state that it has by now, for the reason in its note.
func end(ctx context.Context, tx *sql.Tx, x *Erasure, who Act) error {
	why, err := reason(x.Note)
	if err != nil {
		return err
	}
	return change(ctx, tx, `UPDATE erasures SET state = ?, ended = ?, ended_by = ?, note = ? WHERE id = ?`, x.State, sqlite.Nanos(who.At), who.By, why, x.ID)
}

// decide does to an erasure what a person of either side wants, if it stands in
// one of the states.
func (s *Service) decide(ctx context.Context, e entry, in []State, do func(*sql.Tx, *Erasure, Act) error) error {
	return s.act(ctx, &e, func(tx *sql.Tx) error {
		x, err := find(ctx, tx, e.erasure)
		if err != nil {
			return err
		}
		e.Scope = x.Scope
		who, err := s.actor(ctx, e.by, x.Municipality)
		if err != nil {
			return err
		}
		if !slices.Contains(in, x.State) {
			return TooLate
		}
		return do(tx, &x, who)
	})
}

// change updates rows, of which there must be one at least.
func change(ctx context.Context, tx *sql.Tx, statement string, args ...any) error {
	r, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, fmt.Errorf("nothing to change: %w", soc.ErrNotFound))
	}
	return nil
}
