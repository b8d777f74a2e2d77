package soc

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"mimamori/event"
	"mimamori/soc/sqlite"
)

// Role says what a user may see and do.
type Role string

// The roles.
const (
	Admin        Role = "prefecture-admin"   // sees all, makes accounts
	Analyst      Role = "prefecture-analyst" // sees all
	Municipality Role = "municipality"       // sees its own municipalities only
)

// User is a local account.
type User struct {
	Name           string // sign-in name, lower case
	Display        string // as others see it
	Role           Role
	Municipalities []string // codes, for Role Municipality
	Generation     int64    // rises when older sessions become void
	Disabled       bool
	Created        time.Time
	SignedIn       time.Time // last sign-in; zero when never
}

// Tenants is what every query on behalf of the user is restricted to: nil for
// the prefecture's roles, the user's own municipalities (never nil) for all others.
func (u *User) Tenants() []string {
	if u.Role == Admin || u.Role == Analyst {
		return nil
	}
	return append([]string{}, u.Municipalities...)
}

// Sees tells whether the user may see a municipality's alerts; "" spans several.
func (u *User) Sees(municipality string) bool {
	tenants := u.Tenants()
	return tenants == nil || municipality != "" && slices.Contains(tenants, municipality)
}

// Account is what a person chooses for a new account.
type Account struct {
	Name, Display, Password string
}

// MinPassword is the shortest password, in characters.
const MinPassword = 12

// normal makes one spelling out of a sign-in name.
func normal(name string) string {
	return strings.ToLower(norm.NFKC.String(strings.TrimSpace(name)))
}

// checkAccount normalizes an account and refuses bad names and passwords.
func checkAccount(a *Account) error {
	a.Name, a.Display = normal(a.Name), strings.TrimSpace(a.Display)
	if a.Display == "" {
		a.Display = a.Name
	}
	if a.Name == "" || len(a.Name) > 64 || strings.Trim(a.Name, "abcdefghijklmnopqrstuvwxyz0123456789._-@+") != "" {
		return fmt.Errorf("%w: %w", ErrInvalid, ErrName)
	}
	if utf8.RuneCountInString(a.Display) > 64 {
		return fmt.Errorf("%w: a displayed name has at most 64 characters", ErrInvalid)
	}
	return checkPassword(a.Name, a.Password)
}

func checkPassword(name, password string) error {
	if utf8.RuneCountInString(password) < MinPassword || len(password) > 256 || strings.Contains(strings.ToLower(password), name) ||
		strings.Count(password, password[:1]) == len(password) {
		return fmt.Errorf("%w: %w", ErrInvalid, ErrWeak)
	}
	return nil
}

// Sentinel errors about accounts; each comes wrapped with ErrInvalid.
var (
	// ErrName says that a sign-in name has other than letters a-z, digits and ._-@+, or is taken.
	ErrName = errors.New("a sign-in name has 1 to 64 of a-z 0-9 . _ - @ + and is not taken yet")
	// ErrWeak says that a password is too short or too plain.
	ErrWeak = errors.New("a password has 12 to 256 characters, not all the same, without the sign-in name")
	// ErrRole says that role and municipalities do not fit each other.
	ErrRole = errors.New("a municipality's user needs municipality codes, nobody else has any")
)

func checkRole(role Role, codes []string) error {
	switch role {
	case Admin, Analyst:
		if len(codes) > 0 {
			return fmt.Errorf("%w: %w", ErrInvalid, ErrRole)
		}
	case Municipality:
		if len(codes) == 0 {
			return fmt.Errorf("%w: %w", ErrInvalid, ErrRole)
		}
		for _, c := range codes {
			if err := event.CheckCode(c); err != nil {
				return fmt.Errorf("%w: %w", ErrInvalid, err)
			}
		}
	default:
		return fmt.Errorf("%w: no role %q: prefecture-admin, prefecture-analyst or municipality", ErrInvalid, role)
	}
	return nil
}

// CreateUser makes an account. Its error wraps ErrInvalid and says which part
// can't be taken (ErrName, ErrWeak, ErrRole).
func (s *Service) CreateUser(ctx context.Context, a Account, role Role, municipalities []string) (User, error) {
	if err := errors.Join(checkAccount(&a), checkRole(role, municipalities)); err != nil {
		return User{}, err
	}
	hash, err := s.hash(ctx, a.Password)
	if err != nil {
		return User{}, err
	}
	var u User
	err = s.db.Update(ctx, func(tx *sql.Tx) (err error) {
		u, err = s.createUser(ctx, tx, a, User{Role: role, Municipalities: municipalities}, hash)
		return err
	})
	return u, err
}

// createUser writes an account that was checked; what carries role and municipalities.
func (s *Service) createUser(ctx context.Context, tx *sql.Tx, a Account, what User, hash string) (User, error) {
	codes, err := json.Marshal(append([]string{}, what.Municipalities...))
	if err != nil {
		return User{}, fmt.Errorf("soc: user %s: %w", a.Name, err)
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO users (name, display, role, municipalities, password, created) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		a.Name, a.Display, what.Role, string(codes), hash, sqlite.Nanos(s.now()))
	if err != nil {
		return User{}, fmt.Errorf("soc: user %s: %w", a.Name, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return User{}, errors.Join(err, fmt.Errorf("%w: %w", ErrInvalid, ErrName))
	}
	return findUser(ctx, tx, a.Name)
}

const userColumns = `name, display, role, municipalities, generation, disabled, created, signed_in`

func scanUser(scan scanner) (User, error) {
	var u User
	var codes string
	var created, signedIn int64
	if err := scan(&u.Name, &u.Display, &u.Role, &codes, &u.Generation, &u.Disabled, &created, &signedIn); err != nil {
		return u, err
	}
	u.Created, u.SignedIn = sqlite.FromNanos(created), sqlite.FromNanos(signedIn)
	return u, wrap("municipalities", json.Unmarshal([]byte(codes), &u.Municipalities))
}

func findUser(ctx context.Context, tx *sql.Tx, name string) (User, error) {
	u, err := scanUser(tx.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users WHERE name = ?`, normal(name)).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return u, fmt.Errorf("user %q: %w", name, ErrNotFound)
	}
	return u, wrap("soc: user", err)
}

// User finds an account by its sign-in name.
func (s *Service) User(ctx context.Context, name string) (User, error) {
	var u User
	err := s.db.View(ctx, func(tx *sql.Tx) (err error) {
		u, err = findUser(ctx, tx, name)
		return err
	})
	return u, err
}

// Users lists all accounts by name.
func (s *Service) Users(ctx context.Context) ([]User, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT `+userColumns+` FROM users ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("soc: users: %w", err)
	}
	users, err := collect(rows, scanUser)
	return users, wrap("soc: users", err)
}

// ErrLastAdmin says that the last administrator can't be disabled.
var ErrLastAdmin = errors.New("soc: the last administrator stays enabled")

// SetDisabled disables or enables an account. Disabling ends its sessions.
func (s *Service) SetDisabled(ctx context.Context, name string, disabled bool) error {
	return s.db.Update(ctx, func(tx *sql.Tx) error {
		u, err := findUser(ctx, tx, name)
		if err != nil {
			return err
		}
		if disabled && u.Role == Admin {
			n, err := admins(ctx, tx)
			if err != nil {
				return err
			}
			if n <= 1 && !u.Disabled {
				return ErrLastAdmin
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE users SET disabled = ?, generation = generation + 1 WHERE name = ?`, disabled, u.Name)
		return wrap("soc: disable "+u.Name, err)
	})
}

// admins counts the enabled administrators.
func admins(ctx context.Context, tx *sql.Tx) (n int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM users WHERE role = 'prefecture-admin' AND disabled = 0`).Scan(&n)
	return n, wrap("soc: count administrators", err)
}
