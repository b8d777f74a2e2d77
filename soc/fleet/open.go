package fleet

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"time"

	"mimamori/soc/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Fleet is the register. Any number of goroutines may use it.
type Fleet struct {
	db  *sqlite.DB
	now func() time.Time
}

// Open opens the SQLite file at path, makes it when it is not there, and brings
// its tables up to date.
func Open(ctx context.Context, path string, now func() time.Time) (*Fleet, error) {
	db, err := sqlite.Open(ctx, path, migrations)
	if err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	return &Fleet{db: db, now: now}, nil
}

// Close closes the file. It waits for transactions under way.
func (f *Fleet) Close() error {
	if err := f.db.Close(); err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	return nil
}

// update runs do in one writing transaction.
func (f *Fleet) update(ctx context.Context, do func(*sql.Tx) error) error {
	if err := f.db.Update(ctx, do); err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	return nil
}

// note adds a line to the journal.
func (f *Fleet) note(ctx context.Context, tx *sql.Tx, e Entry) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO journal (at, by_user, what, collector, detail) VALUES (?, ?, ?, ?, ?)`,
		sqlite.Nanos(f.now()), e.By, e.What, e.Collector, e.Detail)
	return err
}

// one fails with the given error unless the statement changed a row.
func one(r sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	if err == nil && n == 0 {
		return none
	}
	return err
}

// Revision is the number of the journal's newest line: it rises with every
// change, whichever process makes it.
func (f *Fleet) Revision(ctx context.Context) (int64, error) {
	var n int64
	if err := f.db.Read.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM journal`).Scan(&n); err != nil {
		return 0, fmt.Errorf("fleet: revision: %w", err)
	}
	return n, nil
}

// scanner is a row.
type scanner interface{ Scan(into ...any) error }

// list reads all rows of a query.
func list[T any](ctx context.Context, db *sql.DB, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("fleet: %w", err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	return out, nil
}
