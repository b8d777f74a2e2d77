package erasure

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"mimamori/soc"
	"mimamori/soc/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Users finds accounts.
type Users interface {
	// User's error wraps soc.ErrNotFound where there is none of that name.
	User(ctx context.Context, name string) (soc.User, error)
}

// Archive is what vouches for erasures.
type Archive interface {
	// Months lists the months that the archive holds of a municipality and no
	// certificate says are erased.
	Months(municipality string) ([]string, error)
	// Certify signs and keeps the certificate of a scope whose places are empty,
	// and returns its name: that of before, when it is called again.
	Certify(Account) (string, error)
	// CertificateText is a certificate as it is kept.
	CertificateText(name string) ([]byte, error)
}

// Account is what a certificate tells.
type Account struct {
	Erasure
	Ended time.Time
}

// DefaultWait is how long both sides have to think better of it.
const DefaultWait = 7 * 24 * time.Hour

// Config is what a Service needs. Only Wait may be missing.
type Config struct {
	Path    string // of the SQLite file, made when it is not there
	Users   Users
	Archive Archive
	Places  []Place       // in the order in which they are emptied: what others can be made again from goes first
	Wait    time.Duration // 0: DefaultWait
	Now     func() time.Time
	Log     *slog.Logger
}

// Service is the register of erasures. Any number of goroutines may use it.
type Service struct {
	cfg     Config
	db      *sqlite.DB
	running sync.Mutex // held by Run
}

// Open opens the register.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Wait == 0 {
		cfg.Wait = DefaultWait
	}
	db, err := sqlite.Open(ctx, cfg.Path, migrations)
	if err != nil {
		return nil, fmt.Errorf("erasure: %w", err)
	}
	return &Service{cfg: cfg, db: db}, nil
}

// Close closes the file. It waits for transactions under way.
func (s *Service) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("erasure: %w", err)
	}
	return nil
}

// Wait is the waiting time.
func (s *Service) Wait() time.Duration { return s.cfg.Wait }

// entry is a line of the journal that is about to be written.
type entry struct {
	by, what string
	erasure  int64
	Scope
	detail string
}

func (s *Service) note(ctx context.Context, tx *sql.Tx, e entry) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO journal (at, by_user, what, erasure, municipality, month, detail) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		sqlite.Nanos(s.cfg.Now()), e.by, e.what, e.erasure, e.Municipality, e.Month, e.detail)
	return err
}

// act does what a person wants in one transaction, with its line in the journal.
// What is refused is noted too.
func (s *Service) act(ctx context.Context, e *entry, do func(*sql.Tx) error) error {
	err := s.db.Update(ctx, func(tx *sql.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		return s.note(ctx, tx, *e)
	})
	if refusal, ok := errors.AsType[Refusal](err); ok {
		e.what, e.detail = "refused:"+e.what, string(refusal)
		err = errors.Join(err, s.db.Update(ctx, func(tx *sql.Tx) error { return s.note(ctx, tx, *e) }))
	}
	if err != nil {
		return fmt.Errorf("erasure: %w", err)
	}
	return nil
}
