package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/duckdb/duckdb-go/v2"

	"mimamori/internal/lang"
)

// maxSQL bounds a statement, in bytes.
const maxSQL = 16 << 10

// sqlError is a mistake or a refusal at a byte of the text. args are what is
// named, for the format's %s; the console has a sentence for each code.
func sqlError(text string, at int, code, format string, args ...string) *lang.Error {
	named := make([]any, len(args))
	for i, a := range args {
		named[i] = a
	}
	before := text[:max(0, min(at, len(text)))]
	return &lang.Error{
		Line: 1 + strings.Count(before, "\n"), Col: 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]),
		Msg: fmt.Sprintf(format, named...), Hint: "one SELECT over the table events", Text: text, Code: code, Args: args,
	}
}

// parseSQL lets DuckDB's parser read a statement, and returns its tree.
func (d *duck) parseSQL(ctx context.Context, text string) (map[string]any, error) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, sqlError("", 0, "sql-empty", "there is no statement")
	case len(text) > maxSQL:
		return nil, sqlError("", 0, "sql-long", "the statement is longer than %s bytes", strconv.Itoa(maxSQL))
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return nil, sqlError("", 0, "sql-utf8", "the statement is not plain UTF-8 text")
	}
	var tree string
	query := "SELECT CAST(json_serialize_sql(" + quote(text) + ") AS VARCHAR)"
	if err := d.db.QueryRowContext(ctx, query).Scan(&tree); err != nil {
		var de *duckdb.Error
		if ctx.Err() == nil && errors.As(err, &de) {
			return nil, sqlError(text, 0, "sql-engine", "%s", de.Msg)
		}
		return nil, failed(ctx, err)
	}
	var answer struct {
		Error      bool             `json:"error"`
		Message    string           `json:"error_message"`
		Position   string           `json:"position"`
		Statements []map[string]any `json:"statements"`
	}
	dec := json.NewDecoder(strings.NewReader(tree))
	dec.UseNumber()
	if err := dec.Decode(&answer); err != nil {
		return nil, sqlError(text, 0, "sql-deep", "the statement is nested too deep")
	}
	at, err := strconv.Atoi(answer.Position)
	switch {
	case answer.Error && err == nil:
		return nil, sqlError(text, at, "sql-engine", "%s", answer.Message)
	case answer.Error:
		return nil, sqlError(text, 0, "sql-engine", "%s", answer.Message)
	case len(answer.Statements) != 1:
		return nil, sqlError(text, 0, "sql-several", "there are %s statements; one is allowed", strconv.Itoa(len(answer.Statements)))
	}
	return answer.Statements[0], nil
}

// limited sees to it that the outermost SELECT returns at most n rows.
func limited(statement map[string]any, n int) bool {
	node, _ := statement["node"].(map[string]any)
	modifiers, _ := node["modifiers"].([]any)
	most := map[string]any{
		"class": "CONSTANT", "type": "VALUE_CONSTANT",
		"value": map[string]any{"type": map[string]any{"id": "INTEGER"}, "is_null": false, "value": n},
	}
	for _, m := range modifiers {
		m, _ := m.(map[string]any)
		switch str(m["type"]) {
		case "LIMIT_PERCENT_MODIFIER":
			return false
		case "LIMIT_MODIFIER":
			limit, _ := m["limit"].(map[string]any)
			value, _ := limit["value"].(map[string]any)
			number, _ := value["value"].(json.Number)
			if limit == nil {
				m["limit"] = most
				return true
			}
			own, err := number.Int64()
			if err == nil && own > int64(n) {
				m["limit"] = most
			}
			return err == nil
		}
	}
	node["modifiers"] = append(modifiers, map[string]any{"type": "LIMIT_MODIFIER", "limit": most})
	return true
}

// writeSQL makes text of a tree again: what was checked is what runs.
func (d *duck) writeSQL(ctx context.Context, statement map[string]any) (string, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]any{"error": false, "statements": []any{statement}}); err != nil {
		return "", fmt.Errorf("store: SQL: %w", err)
	}
	var text string
	err := d.db.QueryRowContext(ctx, "SELECT json_deserialize_sql("+quote(buf.String())+"::JSON)").Scan(&text)
	if err != nil {
		return "", failed(ctx, err)
	}
	return text, nil
}
