package soc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"mimamori/soc/sqlite"
)

// ErrSignIn says that name and password do not fit, or the account is disabled.
var ErrSignIn = errors.New("soc: name or password is wrong")

// ThrottledError says that there were too many failures, and when to try again.
type ThrottledError struct{ Until time.Time }

// Error says when to try again.
func (e *ThrottledError) Error() string {
	return "soc: too many failed sign-ins; try again after " + e.Until.Format(time.RFC3339)
}

// Attempt is one try to sign in.
type Attempt struct {
	Name, Password string
	Address        string // of the client, without port
	Device         string // what SignIn returned to this browser before; may be ""
}

const (
	throttleWindow = 15 * time.Minute
	deviceLifetime = 180 * 24 * time.Hour
)

// bucket is an allowance of failures within throttleWindow.
type bucket struct {
	key   string
	limit int
}

// buckets says which allowances an attempt uses up. A browser that has signed
// in to the account before uses its own only: nobody else can use it up.
func (a *Attempt) buckets(known bool) []bucket {
	if known {
		return []bucket{{"device " + hashToken(a.Device), 10}}
	}
	name := a.Name[:min(len(a.Name), 64)]
	addr := network(a.Address)
	return []bucket{{"account " + name + " from " + addr, 5}, {"account " + name, 50}, {"address " + addr, 30}}
}

// network is the address as an attacker would have to change it: IPv6 by its /64.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	if a = a.Unmap().WithZone(""); a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64) // 64 bits always fit IPv6
	return p.String()
}

// SignIn checks a name and a password. device is a secret for the browser to
// keep and to give back with later attempts. Errors wrap ErrSignIn or are a
// *ThrottledError; while throttled, attempts are neither checked nor counted.
func (s *Service) SignIn(ctx context.Context, a Attempt) (u User, device string, err error) {
	a.Name = normal(a.Name)
	known, err := s.authenticate(ctx, &a)
	if err != nil {
		return User{}, "", err
	}
	err = s.db.Update(ctx, func(tx *sql.Tx) (err error) {
		now := s.now()
		if _, err := tx.ExecContext(ctx, `UPDATE users SET signed_in = ? WHERE name = ?`, sqlite.Nanos(now), a.Name); err != nil {
			return fmt.Errorf("soc: sign in: %w", err)
		}
		if device = a.Device; !known {
			var hash string
			device, hash = newToken()
			if _, err := tx.ExecContext(ctx, `DELETE FROM devices WHERE expires < ?`, sqlite.Nanos(now)); err != nil {
				return fmt.Errorf("soc: sign in: %w", err)
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO devices (hash, name, expires) VALUES (?, ?, ?)`, hash, a.Name, sqlite.Nanos(now.Add(deviceLifetime))); err != nil {
				return fmt.Errorf("soc: sign in: %w", err)
			}
		}
		u, err = findUser(ctx, tx, a.Name)
		return err
	})
	return u, device, err
}

// authenticate checks the password under the throttle and tells whether the
// browser is a known one. a.Name is normal.
func (s *Service) authenticate(ctx context.Context, a *Attempt) (known bool, err error) {
	if len(a.Password) > 256 {
		return false, ErrSignIn
	}
	var phc, attempt string
	err = s.db.Update(ctx, func(tx *sql.Tx) (err error) {
		if known, err = s.knownDevice(ctx, tx, a); err != nil {
			return err
		}
		attempt, err = s.reserve(ctx, tx, a.buckets(known))
		if err != nil {
			return err
		}
		err = tx.QueryRowContext(ctx, `SELECT password FROM users WHERE name = ? AND disabled = 0`, a.Name).Scan(&phc)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // verify then takes its time and says no
		}
		return wrap("soc: sign in", err)
	})
	if err != nil {
		return false, err
	}
	ok, err := s.verify(ctx, a.Password, phc)
	if err != nil {
		return false, err
	}
	if !ok {
		return false, ErrSignIn
	}
	_, err = s.db.Write.ExecContext(ctx, `DELETE FROM failures WHERE attempt = ?`, attempt)
	return known, wrap("soc: sign in", err)
}

func (s *Service) knownDevice(ctx context.Context, tx *sql.Tx, a *Attempt) (bool, error) {
	if a.Device == "" {
		return false, nil
	}
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM devices WHERE hash = ? AND name = ? AND expires > ?`, hashToken(a.Device), a.Name, sqlite.Nanos(s.now())).Scan(&n)
	return n > 0, wrap("soc: sign in", err)
}

// reserve counts the attempt as failed before it is tried, so that attempts
// side by side can't pass together; success takes it back. It returns a
// *ThrottledError, and counts nothing, when an allowance is used up.
func (s *Service) reserve(ctx context.Context, tx *sql.Tx, buckets []bucket) (string, error) {
	now := s.now()
	if _, err := tx.ExecContext(ctx, `DELETE FROM failures WHERE at <= ?`, sqlite.Nanos(now.Add(-throttleWindow))); err != nil {
		return "", fmt.Errorf("soc: throttle: %w", err)
	}
	var until time.Time
	for _, b := range buckets {
		// The limit-th newest failure decides: when it leaves the window, there is room again.
		var at int64
		err := tx.QueryRowContext(ctx, `SELECT at FROM failures WHERE bucket = ? ORDER BY at DESC LIMIT 1 OFFSET ?`, b.key, b.limit-1).Scan(&at)
		switch free := sqlite.FromNanos(at).Add(throttleWindow); {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return "", fmt.Errorf("soc: throttle: %w", err)
		case free.After(until):
			until = free
		}
	}
	if !until.IsZero() {
		return "", &ThrottledError{until}
	}
	_, attempt := newToken()
	for _, b := range buckets {
		if _, err := tx.ExecContext(ctx, `INSERT INTO failures (attempt, bucket, at) VALUES (?, ?, ?)`, attempt, b.key, sqlite.Nanos(now)); err != nil {
			return "", fmt.Errorf("soc: throttle: %w", err)
		}
	}
	return attempt, nil
}
