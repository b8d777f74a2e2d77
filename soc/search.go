package soc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mimamori/soc/sqlite"
)

// Everybody is the Shared of a search for all users.
const Everybody = "*"

// maxSearches bounds how many searches a user keeps.
const maxSearches = 200

// Search is a search that somebody keeps under a name.
type Search struct {
	ID       int64
	Owner    string // sign-in name
	Name     string // one a user; keeping another under it replaces the first
	Shared   string // "" for the owner only, Everybody, or a municipality's code
	Text     string // condition or words
	Span     string // a preset such as 24h; "" where From and To count
	From, To string // as the console writes moments
	Columns  string // field names joined by commas
	Created  time.Time
}

// sees tells whether a user may open the search.
func (q *Search) sees(u *User) bool {
	return q.Owner == u.Name || q.Shared == Everybody || q.Shared != "" && u.Sees(q.Shared)
}

// check says what is wrong with a search that u wants to keep.
func (q *Search) check(u *User) error {
	q.Name = strings.TrimSpace(q.Name)
	switch n := utf8.RuneCountInString(q.Name); {
	case n == 0 || n > 80:
		return fmt.Errorf("%w: a search's name has 1 to 80 characters", ErrInvalid)
	case len(q.Text) > 8<<10 || len(q.Columns) > 2000 || len(q.Span)+len(q.From)+len(q.To) > 200:
		return fmt.Errorf("%w: the search is too long to be kept", ErrInvalid)
	case q.Shared == Everybody && u.Tenants() != nil, q.Shared != "" && q.Shared != Everybody && !u.Sees(q.Shared):
		return fmt.Errorf("%w: a search can be shared with one's own municipality, and by the prefecture with everybody", ErrInvalid)
	}
	return nil
}

// SaveSearch keeps a search for u, in place of u's other of that name. Its error
// wraps ErrInvalid for what can't be kept.
func (s *Service) SaveSearch(ctx context.Context, u *User, q Search) error {
	if err := q.check(u); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM searches WHERE owner = ? AND name <> ?`, u.Name, q.Name).Scan(&n); err != nil {
			return fmt.Errorf("soc: searches: %w", err)
		}
		if n >= maxSearches {
			return fmt.Errorf("%w: %d searches are kept; delete one first", ErrInvalid, n)
		}
		_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO searches (owner, name, shared, text, span, from_time, to_time, columns, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			u.Name, q.Name, q.Shared, q.Text, q.Span, q.From, q.To, q.Columns, sqlite.Nanos(s.now()))
		return wrap("soc: keep search", err)
	})
}

func scanSearch(scan scanner) (Search, error) {
	var q Search
	var created int64
	err := scan(&q.ID, &q.Owner, &q.Name, &q.Shared, &q.Text, &q.Span, &q.From, &q.To, &q.Columns, &created)
	q.Created = sqlite.FromNanos(created)
	return q, err
}

// Searches lists the searches that u may open: u's own first, by name.
func (s *Service) Searches(ctx context.Context, u *User) ([]Search, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT id, owner, name, shared, text, span, from_time, to_time, columns, created FROM searches
		WHERE owner = ? OR shared <> '' ORDER BY owner <> ?, name, id`, u.Name, u.Name)
	if err != nil {
		return nil, fmt.Errorf("soc: searches: %w", err)
	}
	list, err := collect(rows, scanSearch)
	return slices.DeleteFunc(list, func(q Search) bool { return !q.sees(u) }), wrap("soc: searches", err)
}

// DeleteSearch deletes a search of u's own; an administrator deletes any that is
// shared. Its error wraps ErrNotFound where there is none for u to delete.
func (s *Service) DeleteSearch(ctx context.Context, u *User, id int64) error {
	return s.db.Update(ctx, func(tx *sql.Tx) error {
		q, err := scanSearch(tx.QueryRowContext(ctx, `SELECT id, owner, name, shared, text, span, from_time, to_time, columns, created FROM searches WHERE id = ?`, id).Scan)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("soc: search: %w", err)
		}
		if err != nil || q.Owner != u.Name && (u.Role != Admin || q.Shared == "") {
			return fmt.Errorf("search %d: %w", id, ErrNotFound)
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM searches WHERE id = ?`, id)
		return wrap("soc: delete search", err)
	})
}
