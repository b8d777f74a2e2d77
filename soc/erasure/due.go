package erasure

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"mimamori/soc"
)

// proposeDue makes an erasure of each month that has become due by a standing
// approval. A month that somebody withdrew from it is not proposed again.
func (s *Service) proposeDue(ctx context.Context) error {
	list, err := s.Standings(ctx, &soc.User{Role: soc.Admin})
	if err != nil {
		return err
	}
	var errs []error
	for i := range list {
		p := &list[i]
		for _, c := range p.Consents {
			if c.Ended.IsZero() && p.Ended.IsZero() {
				errs = append(errs, s.dueOf(ctx, p, c))
			}
		}
	}
	return errors.Join(errs...)
}

// dueOf makes the erasures of one municipality.
func (s *Service) dueOf(ctx context.Context, p *Standing, c Consent) error {
	months, err := s.cfg.Archive.Months(c.Municipality)
	if err != nil {
		return fmt.Errorf("standing approval %d: %w", p.ID, err)
	}
	now := s.cfg.Now()
	for _, month := range months {
		if month >= before(p.Months, now) {
			continue
		}
		x := Erasure{
			Scope: Scope{c.Municipality, month}, State: Approved, Reason: p.Reason, Requested: p.Requested, Approved: c.Act,
			Standing: p.ID, Due: now.Add(s.cfg.Wait),
		}
		err := s.db.Update(ctx, func(tx *sql.Tx) error { return s.propose(ctx, tx, &x) })
		if err != nil {
			return fmt.Errorf("standing approval %d: %s %s: %w", p.ID, x.Municipality, month, err)
		}
	}
	return nil
}

// propose makes an erasure that both sides have approved beforehand, unless there was
// one, or there can be none now.
func (s *Service) propose(ctx context.Context, tx *sql.Tx, x *Erasure) error {
	p, err := findStanding(ctx, tx, x.Standing)
	if err != nil || !p.Stands(x.Municipality) {
		return err // it was ended a moment ago
	}
	var n int
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM erasures WHERE municipality = ? AND month = ? AND (state = 'done' OR standing = ?)`, x.Municipality, x.Month, x.Standing).Scan(&n)
	if err != nil || n > 0 {
		return err
	}
	err = free(ctx, tx, x.Scope)
	if _, refused := errors.AsType[Refusal](err); refused {
		return nil // looked at again next time
	}
	if err != nil {
		return err
	}
	if x.ID, err = s.insert(ctx, tx, x); err != nil {
		return err
	}
	return s.note(ctx, tx, entry{what: "due", erasure: x.ID, Scope: x.Scope, detail: fmt.Sprintf("standing approval %d", x.Standing)})
}
