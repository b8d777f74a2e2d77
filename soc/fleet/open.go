package fleet

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the database/sql driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Fleet is the register. Any number of goroutines may use it.
type Fleet struct {
	write *sql.DB // one connection, transactions begin immediate
	read  *sql.DB
	now   func() time.Time
}

// Open opens the SQLite file at path, makes it when it is not there, and brings
// its tables up to date.
func Open(ctx context.Context, path string, now func() time.Time) (*Fleet, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("fleet: open %s: %w", path, err)
	}
	f := &Fleet{now: now}
	if f.write, err = connect(abs, "immediate", 1); err != nil {
		return nil, err
	}
	if f.read, err = connect(abs, "deferred", 4); err != nil {
		return nil, errors.Join(err, f.write.Close())
	}
	if err := f.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("fleet: open %s: %w", path, err), f.Close())
	}
	return f, nil
}

func connect(path, txlock string, conns int) (*sql.DB, error) {
	q := url.Values{"_txlock": {txlock}, "_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"}}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("fleet: open %s: %w", path, err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func (f *Fleet) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, f.write, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}

// Close closes the file. It waits for transactions under way.
func (f *Fleet) Close() error {
	if err := errors.Join(f.read.Close(), f.write.Close()); err != nil {
		return fmt.Errorf("fleet: close: %w", err)
	}
	return nil
}

// update runs do in one writing transaction.
func (f *Fleet) update(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := f.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("fleet: begin: %w", err)
	}
	if err := do(tx); err != nil {
		if undo := tx.Rollback(); !errors.Is(undo, sql.ErrTxDone) {
			err = errors.Join(err, undo)
		}
		return fmt.Errorf("fleet: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("fleet: commit: %w", err)
	}
	return nil
}

// note adds a line to the journal.
func (f *Fleet) note(ctx context.Context, tx *sql.Tx, e Entry) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO journal (at, by_user, what, collector, detail) VALUES (?, ?, ?, ?, ?)`,
		nanos(f.now()), e.By, e.What, e.Collector, e.Detail)
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
	if err := f.read.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM journal`).Scan(&n); err != nil {
		return 0, fmt.Errorf("fleet: revision: %w", err)
	}
	return n, nil
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
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
