package soc

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

// Service is the SOC's database. Any number of goroutines may use it.
type Service struct {
	write   *sql.DB // one connection, transactions begin immediate
	read    *sql.DB
	now     func() time.Time
	hashing chan struct{} // one token for each password hash under way
	cost    argonCost
}

// Open opens the SQLite file at path, makes it when it is not there, and brings
// its tables up to date. now is the clock, normally time.Now.
func Open(ctx context.Context, path string, now func() time.Time) (*Service, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("soc: open %s: %w", path, err)
	}
	s := &Service{now: now, hashing: make(chan struct{}, 2), cost: standardCost()}
	if s.write, err = connect(abs, "immediate", 1); err != nil {
		return nil, err
	}
	if s.read, err = connect(abs, "deferred", 4); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("soc: open %s: %w", path, err), s.Close())
	}
	return s, nil
}

// connect opens the file with synchronous=FULL: what a transaction has
// committed survives a power cut.
func connect(path, txlock string, conns int) (*sql.DB, error) {
	q := url.Values{"_txlock": {txlock}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
	}}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("soc: open %s: %w", path, err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func (s *Service) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.write, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}

// Close closes the file. It waits for transactions under way.
func (s *Service) Close() error {
	if err := errors.Join(s.read.Close(), s.write.Close()); err != nil {
		return fmt.Errorf("soc: close: %w", err)
	}
	return nil
}

// update runs f in one writing transaction: committed when f returns nil,
// rolled back otherwise.
func (s *Service) update(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("soc: begin: %w", err)
	}
	if err := f(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("soc: commit: %w", err)
	}
	return nil
}

// view runs f in one reading transaction, so that all its queries see the same state.
func (s *Service) view(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("soc: begin: %w", err)
	}
	return errors.Join(f(tx), ignoreDone(tx.Rollback()))
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// nanos is a time as the tables hold it; the zero time is 0.
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
