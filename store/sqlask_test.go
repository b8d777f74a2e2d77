package store

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"mimamori/event"
	"mimamori/internal/lang"
)

func TestStatementsAreAnsweredFromTheTownsOwnRows(t *testing.T) {
	s, mine := hunting(t)
	for _, c := range []struct{ text, want string }{
		{`SELECT count(*) FROM events`, "30"},
		{`SELECT "user.name", count(*) n FROM events GROUP BY ALL ORDER BY n DESC`, "sato 30"},
		{`SELECT e.source.port p FROM Events AS e WHERE source.port > 17 ORDER BY p`, "18 18 19"},
		{`SELECT DISTINCT unnest(tags) FROM events ORDER BY 1`, "a sato"},
		{`WITH Many AS (SELECT municipality m, count(*) c FROM events GROUP BY 1), other AS (SELECT * FROM many) SELECT many.m, c FROM other AS many JOIN many b USING (m, c)`, "312011 30"},
		{`SELECT min("@timestamp"), date_trunc('minute', max("@timestamp")) FROM events`, "2026-09-21 23:13:20 2026-09-21 23:13:00"},
		{`SELECT sum(source.port)::INT, avg(source.port), [1, 2], {'a': 1}, 1.5, NULL, 1::HUGEINT, interval 2 day FROM events`, ""},
		{`SELECT max(source.port) OVER (PARTITION BY "user.name" ORDER BY source.port ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) x FROM events QUALIFY row_number() OVER (ORDER BY source.port) <= 2 ORDER BY x`, "0 0"},
		{`SELECT CASE WHEN source.port BETWEEN 3 AND 4 THEN 'x' ELSE 'y' END k, count(*) FILTER (WHERE source.port > 0) FROM events GROUP BY k HAVING count(*) > 1 ORDER BY k`, "x 3 y 25"},
		{`SELECT count(*) FROM (SELECT * FROM events LIMIT 5) x, generate_series(1, 2) AS g(i) WHERE i IN (SELECT 1)`, "5"},
		{`SELECT e."user.name" FROM events e ANTI JOIN events b ON false UNION SELECT list_transform(['b'], lambda x: x || 'c')[1] ORDER BY 1`, "bc sato"},
		{`SELECT json_extract_string('{"a":{"b":7}}', '$.a.b'), '{"a":1}'::VARCHAR ->> 'a'`, "7 1"},
		{`SELECT extract(hour FROM "@timestamp") h, EXISTS(SELECT 1), x.y FROM events, (SELECT {'y': 2}::STRUCT(y INT) x) LIMIT 1`, "23 true 2"},
		{`SELECT "quarantine", "process.name" FROM events LIMIT 1`, "- -"},
		{`SELECT count(COLUMNS('user.*')) FROM events`, "30"},
		{`SELECT e FROM events e LIMIT 0`, ""},
		{`TABLE events LIMIT 0`, ""},
		{`SELECT "it's ""quoted""" FROM (SELECT 'o''clock -- /*' AS "it's ""quoted""")`, "o'clock -- /*"},
	} {
		mine.Text = c.text
		got, err := s.SQL(context.Background(), mine)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		var cells []string
		for _, row := range got.Rows {
			for _, v := range row {
				if v == nil {
					cells = append(cells, "-")
				} else {
					cells = append(cells, v.Text())
				}
			}
		}
		if c.want != "" && strings.Join(cells, " ") != c.want {
			t.Errorf("%s: got %q, want %q", c.text, cells, c.want)
		}
	}
}

func TestThePrefecturesStatementSeesAll(t *testing.T) {
	s, _ := hunting(t)
	got, err := s.SQL(context.Background(), event.Query{Text: `SELECT municipality, count(*) FROM events GROUP BY 1 ORDER BY 1`})
	if err != nil || len(got.Rows) != 2 || got.Rows[0][1].Int() != 30 || got.Rows[1][1].Int() != 30 {
		t.Fatal(got, err)
	}
	got, err = s.SQL(context.Background(), event.Query{Text: `SELECT * FROM events`, Limit: 7})
	if err != nil || len(got.Rows) != 7 || !got.Cut || strings.Join(got.Columns, " ") != "@timestamp tags source.port event.original user.name municipality" {
		t.Fatal(got.Columns, err)
	}
}

func TestMistakesOfStatementsNameTheirPlace(t *testing.T) {
	s, mine := hunting(t)
	for _, c := range []struct {
		text, want string
		line, col  int
	}{
		{"SELECT count(*)\nFORM events", "syntax error", 2, 6},
		{`SELECT nothing FROM events`, `"nothing" not found`, 1, 1},
		{`SELECT * FROM event`, "the table is events", 1, 15},
		{"SELECT '日本',\n  getenv('X')", "getenv", 2, 3},
		{`SELECT 1/'x'`, "Could not convert", 1, 1},
		{`DROP TABLE x`, "Only SELECT", 1, 1},
	} {
		mine.Text = c.text
		_, err := s.SQL(context.Background(), mine)
		var le *lang.Error
		if !errors.As(err, &le) || !strings.Contains(le.Msg, c.want) || le.Line != c.line || le.Col != c.col {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

func TestStatementsKeepToTheirBounds(t *testing.T) {
	s, mine := hunting(t)
	mine.Text = `SELECT a.range FROM range(1000000) a, range(1000) b LIMIT 900000000`
	got, err := s.SQL(context.Background(), mine)
	if err != nil || len(got.Rows) != 1000 || !got.Cut {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.SQL(ctx, mine); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	mine.Text = `SELECT list(a.range) FROM range(1000000000) a`
	if _, err := s.SQL(context.Background(), mine); !errors.Is(err, event.ErrTooLarge) {
		t.Error(err)
	}
	mine.Text = "SELECT max(length(replace('" + strings.Repeat("a", 7000) + "', 'a', '" + strings.Repeat("b", 7000) + "') || range)) FROM range(3000)"
	if _, err := s.SQL(context.Background(), mine); !errors.Is(err, event.ErrTooLarge) {
		t.Error("texts that DuckDB does not count:", err)
	}
	mine.Text = `SELECT count(*) FROM range(100000000000) a, events`
	ctx, cancel = context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { _, err := s.SQL(ctx, mine); ended <- err }()
	for len(s.sqlTurn) == 0 { // until it has begun
		runtime.Gosched()
	}
	if n, err := s.Count(context.Background(), event.Query{}); n != 60 || err != nil {
		t.Error(n, err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
