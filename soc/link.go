package soc

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mimamori/soc/sqlite"
)

// LinkLifetime is how long a one-time link can be used.
const LinkLifetime = 24 * time.Hour

// Sentinel errors about one-time links.
var (
	// ErrLink says that a link is unknown, was used or has expired.
	ErrLink = errors.New("soc: this link was used, has expired or never was")
	// ErrSetUp says that there is an administrator already.
	ErrSetUp = errors.New("soc: there is an administrator already")
)

// Link is a one-time link by which a person makes an account.
type Link struct {
	First          bool // makes the first administrator
	Role           Role
	Municipalities []string
	Expires        time.Time
}

// FirstAdminLink makes the link by which the first administrator makes an
// account; an earlier one becomes void. It returns ErrSetUp when there is an
// administrator. Only a hash of the token is kept.
func (s *Service) FirstAdminLink(ctx context.Context) (token string, expires time.Time, err error) {
	err = s.db.Update(ctx, func(tx *sql.Tx) error {
		n, err := admins(ctx, tx)
		if err != nil {
			return err
		}
		if n > 0 {
			return ErrSetUp
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM links WHERE first_admin = 1`); err != nil {
			return fmt.Errorf("soc: link: %w", err)
		}
		token, expires, err = s.makeLink(ctx, tx, Link{First: true, Role: Admin}, "")
		return err
	})
	return token, expires, err
}

// Invite makes a link by which another person makes an account of the given
// role. by is the administrator's sign-in name.
func (s *Service) Invite(ctx context.Context, by string, role Role, municipalities []string) (token string, expires time.Time, err error) {
	if err := checkRole(role, municipalities); err != nil {
		return "", time.Time{}, err
	}
	err = s.db.Update(ctx, func(tx *sql.Tx) error {
		token, expires, err = s.makeLink(ctx, tx, Link{Role: role, Municipalities: municipalities}, by)
		return err
	})
	return token, expires, err
}

func (s *Service) makeLink(ctx context.Context, tx *sql.Tx, l Link, by string) (string, time.Time, error) {
	codes, err := json.Marshal(append([]string{}, l.Municipalities...))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("soc: link: %w", err)
	}
	token, hash := newToken()
	expires := s.now().Add(LinkLifetime)
	_, err = tx.ExecContext(ctx, `INSERT INTO links (hash, first_admin, role, municipalities, made_by, expires) VALUES (?, ?, ?, ?, ?, ?)`,
		hash, l.First, l.Role, string(codes), by, sqlite.Nanos(expires))
	return token, expires, wrap("soc: link", err)
}

// Link reads what a link is for; ErrLink when it can't be used.
func (s *Service) Link(ctx context.Context, token string) (Link, error) {
	var l Link
	err := s.db.View(ctx, func(tx *sql.Tx) (err error) {
		l, err = s.findLink(ctx, tx, token)
		return err
	})
	return l, err
}

func (s *Service) findLink(ctx context.Context, tx *sql.Tx, token string) (Link, error) {
	var l Link
	var codes string
	var expires int64
	err := tx.QueryRowContext(ctx, `SELECT first_admin, role, municipalities, expires FROM links WHERE hash = ?`, hashToken(token)).
		Scan(&l.First, &l.Role, &codes, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return l, ErrLink
	}
	if err != nil {
		return l, fmt.Errorf("soc: link: %w", err)
	}
	if l.Expires = sqlite.FromNanos(expires); !s.now().Before(l.Expires) {
		return l, ErrLink
	}
	return l, wrap("soc: link", json.Unmarshal([]byte(codes), &l.Municipalities))
}

// Accept makes the account that a link is for, and uses the link up. Errors
// are ErrLink, ErrSetUp, or wrap ErrInvalid with what can't be taken.
func (s *Service) Accept(ctx context.Context, token string, a Account) (User, error) {
	if _, err := s.Link(ctx, token); err != nil {
		return User{}, err // before any hashing
	}
	if err := checkAccount(&a); err != nil {
		return User{}, err
	}
	hash, err := s.hash(ctx, a.Password)
	if err != nil {
		return User{}, err
	}
	var u User
	err = s.db.Update(ctx, func(tx *sql.Tx) error {
		l, err := s.findLink(ctx, tx, token)
		if err != nil {
			return err
		}
		if l.First {
			if n, err := admins(ctx, tx); err != nil || n > 0 {
				return errors.Join(err, ErrSetUp)
			}
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM links WHERE hash = ?`, hashToken(token)); err != nil {
			return fmt.Errorf("soc: link: %w", err)
		}
		u, err = s.createUser(ctx, tx, a, User{Role: l.Role, Municipalities: l.Municipalities}, hash)
		return err
	})
	return u, err
}
