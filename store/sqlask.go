package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"mimamori/event"
)

// Bounds of a statement's answer, besides those of memory.
const (
	sqlTime  = 60 * time.Second
	sqlRows  = 10_000
	sqlBytes = 16 << 20 // of all cells as text
)

// SQL answers q.Text, one SELECT over the table events, whose columns are the
// fields and whose rows are those of q's times and tenants. A statement that is
// mistaken or not allowed is a *lang.Error. At most q.Limit rows come back (0 is
// 1,000, at most 10,000). One statement runs at a time, in a process of its own
// (Options.SQLBox); others wait for their turn, their context's end at the longest.
// ErrNoSQL says that there is no such process.
func (s *Store) SQL(ctx context.Context, q event.Query) (*event.Table, error) {
	text := q.Text
	q.Text = ""
	select {
	case s.sqlTurn <- struct{}{}:
		defer func() { <-s.sqlTurn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("store: SQL: %w", ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, sqlTime)
	defer cancel()
	x, err := s.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	defer x.done()
	limit := q.Limit
	if limit <= 0 {
		limit = 1000
	}
	limit = min(limit, sqlRows)
	query, fields, err := x.prepare(text, limit+1)
	if err != nil {
		return nil, err
	}
	spill, err := os.MkdirTemp(s.dir, "spill-sql-")
	if err != nil {
		return nil, fmt.Errorf("store: SQL: %w", err)
	}
	defer os.RemoveAll(spill)
	job := x.job(query, fields, limit, spill)
	table, err := s.inBox(ctx, &job)
	if m := (*mistake)(nil); errors.As(err, &m) {
		return nil, sqlError(text, 0, "sql-engine", "%s", m.text)
	}
	return table, err
}

// prepare checks a statement and writes what runs, with the fields that it needs.
func (x *question) prepare(text string, limit int) (string, []event.Field, error) {
	known, here := x.sqlFields()
	tree, err := x.s.duck.parseSQL(x.ctx, text)
	if err != nil {
		return "", nil, err
	}
	t := newSQLTree(text, known)
	t.gather(tree)
	t.check(tree)
	if t.refused == nil && !limited(tree, limit) {
		t.refuse("sql-limit", "LIMIT takes a plain number here")
	}
	if t.refused != nil {
		return "", nil, t.refused
	}
	query, err := x.s.duck.writeSQL(x.ctx, tree)
	if err != nil {
		return "", nil, err
	}
	if err := x.recheck(text, query, known); err != nil {
		return "", nil, err
	}
	if t.all {
		for _, name := range here {
			t.asked[name] = true
		}
	}
	var fields []event.Field
	for name := range t.asked {
		fields = append(fields, event.MustLookup(name)) // sqlFields knows it
	}
	if slices.Sort(fields); len(fields) == 0 {
		fields = []event.Field{x.s.enc.ids.time} // a view has a column
	}
	return query, fields, nil
}

// recheck examines what was written as if a person had: no mistake in DuckDB's
// writing makes more of a statement than was allowed.
func (x *question) recheck(text, query string, known map[string]string) error {
	tree, err := x.s.duck.parseSQL(x.ctx, query)
	if x.ctx.Err() != nil {
		return failed(x.ctx, err)
	}
	if err != nil {
		return sqlError(text, 0, "sql-plain", "the statement can't be written in plain form")
	}
	t := newSQLTree(text, known)
	t.gather(tree)
	if t.check(tree); t.refused != nil {
		return t.refused
	}
	return nil
}

// table runs the checked statement.
func (j *sqlJob) table(ctx context.Context, conn *sql.Conn) (*event.Table, error) {
	rows, err := conn.QueryContext(ctx, j.Query)
	if err != nil {
		return nil, complaint(ctx, err)
	}
	defer rows.Close()
	out := &event.Table{}
	if out.Columns, err = rows.Columns(); err != nil {
		return nil, failed(ctx, err)
	}
	for size := 0; rows.Next(); {
		if out.Cut = len(out.Rows) == j.Limit || size > sqlBytes; out.Cut {
			break
		}
		row, n, err := scanCells(rows, len(out.Columns))
		if err != nil {
			return nil, failed(ctx, err)
		}
		out.Rows = append(out.Rows, row)
		size += n
	}
	if err := rows.Err(); err != nil {
		return nil, complaint(ctx, err)
	}
	return out, nil
}

// mistake is DuckDB's complaint about a statement.
type mistake struct{ text string }

func (m *mistake) Error() string { return "store: SQL: " + m.text }

// complaint tells the mistakes of a statement's author from other failures.
func complaint(ctx context.Context, err error) error {
	var de *duckdb.Error
	if ctx.Err() != nil || !errors.As(err, &de) || de.Type == duckdb.ErrorTypeOutOfMemory || de.Type == duckdb.ErrorTypeIO {
		return failed(ctx, err)
	}
	msg, _, _ := strings.Cut(de.Msg, "\n")
	return &mistake{strings.ReplaceAll(msg, withPrefix, "")}
}

// scanCells reads a row of whatever types, and how many bytes it is.
func scanCells(r *sql.Rows, n int) (row []*event.Value, size int, err error) {
	cells, to := make([]any, n), make([]any, n)
	for i := range cells {
		to[i] = &cells[i]
	}
	if err := r.Scan(to...); err != nil {
		return nil, 0, err
	}
	for _, c := range cells {
		v := cell(sqlCell(c), event.Keyword)
		if row = append(row, v); v != nil {
			size += len(v.Text())
		}
	}
	return row, size, nil
}

// sqlCell makes a value that cell knows: times as DuckDB writes them, lists and
// structures as JSON.
func sqlCell(c any) any {
	switch c := c.(type) {
	case nil, string, int64, float64, bool:
		return c
	case int32:
		return int64(c)
	case uint32:
		return int64(c)
	case time.Time:
		return c.Format("2006-01-02 15:04:05.999999")
	case []byte:
		return fmt.Sprintf("%x", c)
	case duckdb.Decimal:
		return c.Float64()
	case []any, map[string]any:
		if text, err := json.Marshal(c); err == nil {
			return string(text)
		}
	case fmt.Stringer:
		return c.String()
	}
	return fmt.Sprint(c)
}
