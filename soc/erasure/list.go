package erasure

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"mimamori/soc"
	"mimamori/soc/sqlite"
)

// mostListed bounds every list.
const mostListed = 500

const selectErasures = `SELECT id, municipality, month, state, reason, requested, requested_by, requested_side, approved, approved_by, approved_side, standing, due, begun,
	ended, ended_by, note, tries, retry, trouble, certificate,
	EXISTS (SELECT 1 FROM holds WHERE lifted = 0 AND holds.municipality = erasures.municipality AND holds.month IN ('', erasures.month)) FROM erasures`

func scanErasure(scan func(...any) error) (Erasure, error) {
	var e Erasure
	var requested, approved, due, begun, ended, retry int64
	err := scan(&e.ID, &e.Municipality, &e.Month, &e.State, &e.Reason, &requested, &e.Requested.By, &e.Requested.Side, &approved, &e.Approved.By, &e.Approved.Side, &e.Standing, &due, &begun,
		&ended, &e.EndedBy, &e.Note, &e.Tries, &retry, &e.Trouble, &e.Certificate, &e.Held)
	e.Requested.At, e.Approved.At = sqlite.FromNanos(requested), sqlite.FromNanos(approved)
	e.Due, e.Begun, e.Ended, e.Retry = sqlite.FromNanos(due), sqlite.FromNanos(begun), sqlite.FromNanos(ended), sqlite.FromNanos(retry)
	return e, err
}

func find(ctx context.Context, tx *sql.Tx, id int64) (Erasure, error) {
	e, err := scanErasure(tx.QueryRowContext(ctx, selectErasures+` WHERE id = ?`, id).Scan)
	if err != nil {
		return e, fmt.Errorf("erasure %d: %w", id, notFound(err))
	}
	return e, removals(ctx, tx, &e)
}

// removals adds what went from each place.
func removals(ctx context.Context, q querier, e *Erasure) (err error) {
	e.Removed, err = collect(ctx, q, func(scan func(...any) error) (Removal, error) {
		var r Removal
		return r, scan(&r.Place, &r.Count)
	}, `SELECT place, things FROM removed WHERE erasure = ? ORDER BY n, place`, e.ID)
	return err
}

// List lists the erasures that a user may see, the newest first.
func (s *Service) List(ctx context.Context, u *soc.User) ([]Erasure, error) {
	where, args := seen(u, "municipality")
	list, err := collect(ctx, s.db.Read, scanErasure, selectErasures+where+fmt.Sprintf(` ORDER BY state IN ('requested', 'approved', 'running') DESC, id DESC LIMIT %d`, mostListed), args...)
	for i := range list {
		err = errors.Join(err, removals(ctx, s.db.Read, &list[i]))
	}
	return list, err
}

// Certificate is the certificate of an erasure that a user may see. Its error
// wraps soc.ErrNotFound where there is none.
func (s *Service) Certificate(ctx context.Context, u *soc.User, id int64) (name string, text []byte, err error) {
	e, err := scanErasure(s.db.Read.QueryRowContext(ctx, selectErasures+` WHERE id = ?`, id).Scan)
	if err != nil {
		return "", nil, fmt.Errorf("erasure %d: %w", id, notFound(err))
	}
	if !u.Sees(e.Municipality) || e.Certificate == "" {
		return "", nil, fmt.Errorf("erasure %d: certificate: %w", id, soc.ErrNotFound)
	}
	text, err = s.cfg.Archive.CertificateText(e.Certificate)
	return e.Certificate, text, err
}

// Entry is one line of the journal.
type Entry struct {
	At      time.Time
	By      string // sign-in name; "" is Mimamori itself
	What    string // request, approve, refuse, withdraw, begin, fail, done, hold, lift, standing, consent, end; "refused:" before it: it was not done
	Erasure int64  // 0: of none
	Scope
	Detail string
}

// Journal lists the newest acts that a user may see.
func (s *Service) Journal(ctx context.Context, u *soc.User, limit int) ([]Entry, error) {
	where, args := seen(u, "municipality")
	return collect(ctx, s.db.Read, func(scan func(...any) error) (Entry, error) {
		var e Entry
		var at int64
		err := scan(&at, &e.By, &e.What, &e.Erasure, &e.Municipality, &e.Month, &e.Detail)
		e.At = sqlite.FromNanos(at)
		return e, err
	}, `SELECT at, by_user, what, erasure, municipality, month, detail FROM journal`+where+` ORDER BY id DESC LIMIT ?`, append(args, limit)...)
}

// seen restricts a query to what a user may see.
func seen(u *soc.User, column string) (where string, args []any) {
	tenants := u.Tenants()
	if tenants == nil {
		return "", nil
	}
	for _, t := range tenants {
		args = append(args, t)
	}
	return ` WHERE ` + column + ` IN (` + strings.TrimSuffix(strings.Repeat("?,", len(tenants)), ",") + `)`, args
}

// notFound turns "no row" into soc's word for it.
func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return soc.ErrNotFound
	}
	return err
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, q querier, scan func(func(...any) error) (T, error), query string, args ...any) (out []T, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("erasure: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		v, err := scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("erasure: %w", err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("erasure: %w", err)
	}
	return out, nil
}
