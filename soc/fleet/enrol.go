package fleet

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"mimamori/event"
	"mimamori/soc/sqlite"
)

// Invite keeps an invitation. ErrTaken when the name is in use: by an enrolled
// collector, or by another invitation that is still good.
func (f *Fleet) Invite(ctx context.Context, i Invitation) error {
	if i.CreatedBy == "" {
		return fmt.Errorf("fleet: %w", ErrMissing)
	}
	if err := event.CheckCode(i.Municipality); err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	now := f.now()
	return f.update(ctx, func(tx *sql.Tx) error {
		var n int
		err := tx.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM collectors WHERE id = ? AND revoked = 0) +
			(SELECT count(*) FROM invitations WHERE collector = ? AND used = 0 AND expires > ?)`, i.Collector, i.Collector, sqlite.Nanos(now)).Scan(&n)
		if err != nil {
			return err
		}
		if n > 0 {
			return ErrTaken
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO invitations (id, public, collector, municipality, zone, created, created_by, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			i.ID, i.Public, i.Collector, i.Municipality, i.Zone, sqlite.Nanos(now), i.CreatedBy, sqlite.Nanos(i.Expires))
		if err != nil {
			return err
		}
		return f.note(ctx, tx, Entry{By: i.CreatedBy, What: "invite", Collector: i.Collector, Detail: i.ID})
	})
}

// Withdraw makes the unused invitations for a name void.
func (f *Fleet) Withdraw(ctx context.Context, collector, by string) error {
	if by == "" {
		return fmt.Errorf("fleet: %w", ErrMissing)
	}
	return f.update(ctx, func(tx *sql.Tx) error {
		now := sqlite.Nanos(f.now())
		r, err := tx.ExecContext(ctx, `UPDATE invitations SET expires = ? WHERE collector = ? AND used = 0 AND expires > ?`, now, collector, now)
		if err := one(r, err, ErrToken); err != nil {
			return err
		}
		return f.note(ctx, tx, Entry{By: by, What: "withdraw", Collector: collector})
	})
}

// Use turns an invitation into a collector with the given NKey. Of two at the
// same time one wins; the other, and whoever comes late, gets ErrToken. Asking
// again with the same key is answered the same, since an answer may be lost.
func (f *Fleet) Use(ctx context.Context, invitation, public string) (Collector, error) {
	var c Collector
	err := f.update(ctx, func(tx *sql.Tx) error {
		i, err := scanInvitation(tx.QueryRowContext(ctx, selectInvitations+` WHERE id = ?`, invitation))
		if errors.Is(err, sql.ErrNoRows) {
			return ErrToken
		}
		if err != nil {
			return err
		}
		if !i.Used.IsZero() {
			if c, err = scanCollector(tx.QueryRowContext(ctx, selectCollectors+` WHERE public = ? AND invitation = ? AND revoked = 0`, public, invitation)); err != nil {
				return errors.Join(ErrToken, known(err))
			}
			return nil
		}
		now := f.now()
		r, err := tx.ExecContext(ctx, `UPDATE invitations SET used = ?, used_by = ? WHERE id = ? AND used = 0 AND expires > ?`, sqlite.Nanos(now), public, invitation, sqlite.Nanos(now))
		if err := one(r, err, ErrToken); err != nil {
			return err
		}
		c = Collector{ID: i.Collector, Municipality: i.Municipality, Zone: i.Zone, Public: public, Invitation: i.ID, Enrolled: now, EnrolledBy: i.CreatedBy}
		var seen int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM collectors WHERE public = ? OR id = ? AND revoked = 0`, public, c.ID).Scan(&seen); err != nil {
			return err
		}
		if seen > 0 { // a key that was revoked never comes back
			return ErrTaken
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO collectors (public, id, municipality, zone, invitation, enrolled, enrolled_by) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			public, c.ID, c.Municipality, c.Zone, c.Invitation, sqlite.Nanos(now), c.EnrolledBy); err != nil {
			return err
		}
		return f.note(ctx, tx, Entry{By: c.EnrolledBy, What: "enrol", Collector: c.ID, Detail: public})
	})
	return c, err
}

// known hides that there was no row, which is no failure of its own.
func known(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// Revoke cuts a collector off for good. ErrUnknown when none of this name is enrolled.
func (f *Fleet) Revoke(ctx context.Context, id, by, why string) error {
	if by == "" || why == "" {
		return fmt.Errorf("fleet: %w", ErrMissing)
	}
	return f.update(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE collectors SET revoked = ?, revoked_by = ?, why = ? WHERE id = ? AND revoked = 0`, sqlite.Nanos(f.now()), by, why, id)
		if err := one(r, err, ErrUnknown); err != nil {
			return err
		}
		return f.note(ctx, tx, Entry{By: by, What: "revoke", Collector: id, Detail: why})
	})
}

// CutOff notes the newest message of the stream of frames when a revoked
// collector was cut off. Only the first note counts.
func (f *Fleet) CutOff(ctx context.Context, public string, last uint64) error {
	return f.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE collectors SET last_frame = ? WHERE public = ? AND revoked <> 0 AND last_frame = 0`, int64(last), public)
		return err
	})
}

const selectCollectors = `SELECT id, municipality, zone, public, invitation, enrolled, enrolled_by, revoked, revoked_by, why, last_frame FROM collectors`

// Collectors lists all enrolments, by name, the newest of a name last.
func (f *Fleet) Collectors(ctx context.Context) ([]Collector, error) {
	return list(ctx, f.db.Read, scanCollector, selectCollectors+` ORDER BY id, enrolled`)
}

func scanCollector(row scanner) (Collector, error) {
	var c Collector
	var enrolled, revoked, last int64
	err := row.Scan(&c.ID, &c.Municipality, &c.Zone, &c.Public, &c.Invitation, &enrolled, &c.EnrolledBy, &revoked, &c.RevokedBy, &c.Why, &last)
	c.Enrolled, c.Revoked, c.LastFrame = sqlite.FromNanos(enrolled), sqlite.FromNanos(revoked), uint64(last)
	return c, err
}

const selectInvitations = `SELECT id, public, collector, municipality, zone, created, created_by, expires, used, used_by FROM invitations`

// Invitations lists all invitations in the order they were made,
// used and expired ones among them.
func (f *Fleet) Invitations(ctx context.Context) ([]Invitation, error) {
	return list(ctx, f.db.Read, scanInvitation, selectInvitations+` ORDER BY created, id`)
}

func scanInvitation(row scanner) (Invitation, error) {
	var i Invitation
	var created, expires, used int64
	err := row.Scan(&i.ID, &i.Public, &i.Collector, &i.Municipality, &i.Zone, &created, &i.CreatedBy, &expires, &used, &i.UsedBy)
	i.Created, i.Expires, i.Used = sqlite.FromNanos(created), sqlite.FromNanos(expires), sqlite.FromNanos(used)
	return i, err
}

// Journal lists the newest lines about a collector, "" for all, newest first.
func (f *Fleet) Journal(ctx context.Context, collector string, limit int) ([]Entry, error) {
	return list(ctx, f.db.Read, func(row scanner) (Entry, error) {
		var e Entry
		var at int64
		err := row.Scan(&e.ID, &at, &e.By, &e.What, &e.Collector, &e.Detail)
		e.At = sqlite.FromNanos(at)
		return e, err
	}, `SELECT id, at, by_user, what, collector, detail FROM journal WHERE ? IN ('', collector) ORDER BY id DESC LIMIT ?`, collector, limit)
}

// Invitation finds one invitation; ErrToken when there is none.
func (f *Fleet) Invitation(ctx context.Context, id string) (Invitation, error) {
	i, err := scanInvitation(f.db.Read.QueryRowContext(ctx, selectInvitations+` WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrToken
	}
	if err != nil {
		return i, fmt.Errorf("fleet: %w", err)
	}
	return i, nil
}
