package soc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"mimamori/soc/sqlite"
)

// Sessions keeps sessions in the SOC's database, so that they survive a
// restart. It is a store for github.com/alexedwards/scs/v2, which hashes the
// tokens before they come here (HashTokenInStore).
type Sessions struct{ s *Service }

// Sessions returns the session store.
func (s *Service) Sessions() *Sessions { return &Sessions{s} }

// FindCtx returns a session's data; false when it is unknown or has expired.
func (x *Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var data []byte
	err := x.s.db.Read.QueryRowContext(ctx, `SELECT data FROM sessions WHERE token = ? AND expiry > ?`, token, sqlite.Nanos(x.s.now())).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("soc: session: %w", err)
	}
	return data, true, nil
}

// CommitCtx adds or replaces a session, and removes those that have expired.
func (x *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	return x.s.db.Update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE expiry <= ?`, sqlite.Nanos(x.s.now())); err != nil {
			return fmt.Errorf("soc: session: %w", err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO sessions (token, data, expiry) VALUES (?, ?, ?)
			ON CONFLICT (token) DO UPDATE SET data = excluded.data, expiry = excluded.expiry`, token, data, sqlite.Nanos(expiry))
		return wrap("soc: session", err)
	})
}

// DeleteCtx removes a session; an unknown one is no error.
func (x *Sessions) DeleteCtx(ctx context.Context, token string) error {
	_, err := x.s.db.Write.ExecContext(ctx, `DELETE FROM sessions WHERE token = ?`, token)
	return wrap("soc: session", err)
}

// Find is FindCtx without a deadline.
func (x *Sessions) Find(token string) ([]byte, bool, error) {
	return x.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a deadline.
func (x *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return x.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx without a deadline.
func (x *Sessions) Delete(token string) error { return x.DeleteCtx(context.Background(), token) }
