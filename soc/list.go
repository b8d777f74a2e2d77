package soc

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"mimamori/event"
)

// AlertFilter chooses alerts. Empty fields do not restrict, except Tenants.
type AlertFilter struct {
	// Tenants are the municipality codes whose alerts may be seen: nil is
	// all, an empty list is nothing. Alerts that span several municipalities
	// are for those who may see all.
	Tenants      []string
	States       []State
	Severities   []event.Severity
	Municipality string
	Rule         string
	Assignee     string
	Unassigned   bool   // only those that nobody has
	Text         string // part of title, key, rule id; or a label such as A-2041
	Trial        bool   // also alerts of rules on trial (event.Alert.Test)
	Newest       bool   // newest first; otherwise most severe first, newest within
	After        int64  // only those numbered higher: what has come since
	Limit        int    // alerts in a page; 0 means 50, at most 1,000
	Cursor       string // AlertPage.Next of the page before
}

// AlertPage is one page of a list.
type AlertPage struct {
	Alerts []Alert
	Total  int    // alerts that match in all
	Next   string // cursor of the next page; "" on the last
}

// where builds the conditions that do not depend on the page.
func (f *AlertFilter) where() *conditions {
	c := &conditions{}
	c.tenants(f.Tenants)
	if !f.Trial {
		c.add("trial = 0")
	}
	if len(f.States) > 0 {
		c.in("state", f.States)
	}
	if len(f.Severities) > 0 {
		list := make([]int, len(f.Severities)) // []Severity would become base64
		for i, s := range f.Severities {
			list[i] = int(s)
		}
		c.in("severity", list)
	}
	for _, eq := range []struct{ column, value string }{
		{"municipality", f.Municipality}, {"rule", f.Rule}, {"assignee", f.Assignee},
	} {
		if eq.value != "" {
			c.add(eq.column+" = ?", eq.value)
		}
	}
	if f.Unassigned {
		c.add("assignee = ''")
	}
	if f.After > 0 {
		c.add("number > ?", f.After)
	}
	if text := strings.TrimSpace(f.Text); text != "" {
		if n, ok := ParseLabel(text); ok {
			c.add("number = ?", n)
		} else {
			like := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text) + "%"
			c.add(`(title_ja LIKE ? ESCAPE '\' OR title_en LIKE ? ESCAPE '\' OR key LIKE ? ESCAPE '\' OR rule LIKE ? ESCAPE '\')`, like, like, like, like)
		}
	}
	return c
}

// conditions collects the parts of a WHERE clause and their arguments.
type conditions struct {
	parts []string
	args  []any
}

func (c *conditions) add(part string, args ...any) {
	c.parts = append(c.parts, part)
	c.args = append(c.args, args...)
}

func (c *conditions) in(column string, list any) {
	b, err := json.Marshal(list)
	if err != nil {
		panic("soc: lists of words and numbers always marshal: " + err.Error())
	}
	c.add(column+" IN (SELECT value FROM json_each(?))", string(b))
}

// tenants restricts to the municipalities that may be seen; see AlertFilter.
func (c *conditions) tenants(codes []string) {
	if codes != nil {
		c.in("municipality", codes)
		c.add("municipality <> ''")
	}
}

func (c *conditions) String() string {
	if len(c.parts) == 0 {
		return "1"
	}
	return strings.Join(c.parts, " AND ")
}

// Alerts lists alerts without their History and Events.
func (s *Service) Alerts(ctx context.Context, f AlertFilter) (AlertPage, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 1000)
	where := f.where()
	paged := &conditions{where.parts[:len(where.parts):len(where.parts)], where.args[:len(where.args):len(where.args)]}
	if err := f.page(paged); err != nil {
		return AlertPage{}, err
	}
	order := "severity DESC, number DESC"
	if f.Newest {
		order = "number DESC"
	}
	var page AlertPage
	err := s.db.View(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM alerts WHERE `+where.String(), where.args...).Scan(&page.Total); err != nil {
			return fmt.Errorf("soc: count alerts: %w", err)
		}
		//nolint:gosec // the conditions are made of our own text; values are bound
		rows, err := tx.QueryContext(ctx, `SELECT `+alertColumns+` FROM alerts WHERE `+paged.String()+` ORDER BY `+order+` LIMIT ?`, append(paged.args, limit+1)...)
		if err != nil {
			return fmt.Errorf("soc: list alerts: %w", err)
		}
		page.Alerts, err = collect(rows, scanAlert)
		return wrap("soc: list alerts", err)
	})
	if err != nil {
		return AlertPage{}, err
	}
	if len(page.Alerts) > limit {
		page.Alerts = page.Alerts[:limit]
		last := page.Alerts[limit-1]
		page.Next = strconv.Itoa(int(last.Severity)) + "." + strconv.FormatInt(last.Number, 10)
	}
	return page, nil
}

// page adds where the page begins.
func (f *AlertFilter) page(c *conditions) error {
	if f.Cursor == "" {
		return nil
	}
	a, b, ok := strings.Cut(f.Cursor, ".")
	sev, err1 := strconv.Atoi(a)
	number, err2 := strconv.ParseInt(b, 10, 64)
	if !ok || err1 != nil || err2 != nil {
		return fmt.Errorf("%w: %q is no place in the list; go back to its first page", ErrInvalid, f.Cursor)
	}
	if f.Newest {
		c.add("number < ?", number)
	} else {
		c.add("(severity, number) < (?, ?)", sev, number)
	}
	return nil
}

// Alert reads one alert whole. id is an event.Alert.ID or a label such as
// A-2041. The error wraps ErrNotFound when there is none for these tenants.
func (s *Service) Alert(ctx context.Context, id string, tenants []string) (Alert, error) {
	var a Alert
	err := s.db.View(ctx, func(tx *sql.Tx) (err error) {
		if a, err = findAlert(ctx, tx, id, tenants); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `SELECT collector, source, epoch, seq, json FROM evidence WHERE alert = ? ORDER BY n`, a.Number)
		if err != nil {
			return fmt.Errorf("soc: evidence of %s: %w", a.Label(), err)
		}
		if a.Events, err = collect(rows, scanEvidence); err != nil {
			return fmt.Errorf("soc: evidence of %s: %w", a.Label(), err)
		}
		rows, err = tx.QueryContext(ctx, `SELECT at, by_user, from_state, to_state, assignee, resolution, note FROM history WHERE alert = ? ORDER BY id`, a.Number)
		if err != nil {
			return fmt.Errorf("soc: history of %s: %w", a.Label(), err)
		}
		a.History, err = collect(rows, scanEntry)
		return wrap("soc: history of "+a.Label(), err)
	})
	return a, err
}

func findAlert(ctx context.Context, tx *sql.Tx, id string, tenants []string) (Alert, error) {
	c := &conditions{}
	if n, ok := ParseLabel(id); ok && len(id) < 20 { // identities are longer
		c.add("number = ?", n)
	} else {
		c.add("id = ?", id)
	}
	c.tenants(tenants)
	a, err := scanAlert(tx.QueryRowContext(ctx, `SELECT `+alertColumns+` FROM alerts WHERE `+c.String(), c.args...).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return a, fmt.Errorf("alert %q: %w", id, ErrNotFound)
	}
	return a, wrap("soc: alert", err)
}
