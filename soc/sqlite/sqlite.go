// Package sqlite opens the SQLite files of soc and its neighbours, all in the
// same way: what a transaction has committed is on disk (synchronous=FULL) and
// survives a power cut; there is one writer at a time, others block until it is
// done or their context ends, and readers never wait for it. Several processes
// may open one file.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"time"

	"modernc.org/sqlite" // also the database/sql driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// DB is an open file. Any number of goroutines may use it.
type DB struct {
	Write *sql.DB // one connection, transactions begin immediate
	Read  *sql.DB
}

// Open opens the file at path, makes it when it is not there, and brings its
// tables up to date by migrations/*.sql of files, which are only ever added to.
func Open(ctx context.Context, path string, files fs.FS) (*DB, error) {
	d, err := open(ctx, path, files)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return d, nil
}

func open(ctx context.Context, path string, files fs.FS) (*DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	d := &DB{}
	if d.Write, err = connect(abs, "immediate", 1); err != nil {
		return nil, err
	}
	if d.Read, err = connect(abs, "deferred", 4); err != nil {
		return nil, errors.Join(err, d.Write.Close())
	}
	for wait := 5 * time.Millisecond; ; wait *= 2 {
		err := d.migrate(ctx, files)
		if err == nil {
			return d, nil
		}
		if !busy(err) || wait > time.Second || pause(ctx, wait) != nil {
			return nil, errors.Join(fmt.Errorf("migrations: %w", err), d.Close())
		}
	}
}

// busy tells that others hold the file. SQLite does not wait for them by itself
// while they turn a new file to WAL, or the last of them closes it.
func busy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func connect(path, txlock string, conns int) (*sql.DB, error) {
	q := url.Values{"_txlock": {txlock}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
	}}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// migrate runs the files that the database has not seen, in the order of their
// names, all in one transaction: a process that opens the same file meanwhile
// waits, and finds either none of the tables or all. PRAGMA user_version is the
// number of files that were run.
func (d *DB) migrate(ctx context.Context, files fs.FS) error {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return err
	}
	return d.Update(ctx, func(tx *sql.Tx) error {
		var done int
		if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&done); err != nil {
			return err
		}
		if done > len(names) {
			return fmt.Errorf("the file is of a newer program: it has %d migrations, this program knows %d", done, len(names))
		}
		for _, name := range names[done:] {
			statements, err := fs.ReadFile(files, name)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, string(statements)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, len(names)))
		return err
	})
}

// Close closes the file. It waits for transactions under way.
func (d *DB) Close() error {
	if err := errors.Join(d.Read.Close(), d.Write.Close()); err != nil {
		return fmt.Errorf("sqlite: close: %w", err)
	}
	return nil
}

// Update runs do in one writing transaction: committed when do returns nil,
// rolled back otherwise.
func (d *DB) Update(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := d.Write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("sqlite: begin: %w", err)
	}
	if err := do(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("sqlite: commit: %w", err)
	}
	return nil
}

// View runs do in one reading transaction, so that all its queries see the same
// state.
func (d *DB) View(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := d.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("sqlite: begin: %w", err)
	}
	return errors.Join(do(tx), ignoreDone(tx.Rollback()))
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// Nanos is a time as the tables hold it; the zero time is 0.
func Nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// FromNanos is the time that Nanos wrote.
func FromNanos(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}
