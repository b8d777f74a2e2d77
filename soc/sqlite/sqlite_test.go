package sqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"mimamori/soc/sqlite"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// TestOpenedByManyAtOnce: a command and the server may meet a new file in the
// same moment.
func TestOpenedByManyAtOnce(t *testing.T) {
	files := fstest.MapFS{
		"migrations/1.sql": file("CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1);"),
		"migrations/2.sql": file("INSERT INTO a VALUES (2); CREATE TABLE b (n INTEGER);"),
	}
	path := filepath.Join(t.TempDir(), "a.db")
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			db, err := sqlite.Open(t.Context(), path, files)
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			var rows int
			if err := db.Read.QueryRowContext(t.Context(), `SELECT count(*) FROM a`).Scan(&rows); err != nil || rows != 2 {
				t.Errorf("%d rows, %v; want 2", rows, err)
			}
		})
	}
	all.Wait()
}

func TestMigrations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	files := fstest.MapFS{"migrations/1.sql": file("CREATE TABLE a (n INTEGER);")}
	open := func() error {
		db, err := sqlite.Open(t.Context(), path, files)
		if err != nil {
			return err
		}
		return db.Close()
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
	files["migrations/2.sql"] = file("CREATE TABLE b (n INTEGER); CREATE TABLE a (n INTEGER);")
	if err := open(); err == nil || !strings.Contains(err.Error(), "migrations/2.sql") || !strings.Contains(err.Error(), path) {
		t.Fatalf("a faulty step: %v; want the step and the file", err)
	}
	files["migrations/2.sql"] = file("CREATE TABLE b (n INTEGER);")
	if err := open(); err != nil {
		t.Fatalf("after a step that failed half-way: %v", err)
	}
	delete(files, "migrations/2.sql")
	if err := open(); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Fatalf("an older program on a newer file: %v", err)
	}
}

func TestUpdateIsWholeOrNothing(t *testing.T) {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), fstest.MapFS{"migrations/1.sql": file("CREATE TABLE a (n INTEGER);")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	no := errors.New("no")
	insert := func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `INSERT INTO a VALUES (1)`)
		return err
	}
	err = db.Update(t.Context(), func(tx *sql.Tx) error { return errors.Join(insert(tx), no) })
	if !errors.Is(err, no) {
		t.Fatalf("%v; want the caller's own error", err)
	}
	if err := db.Update(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	var rows int
	err = db.View(t.Context(), func(tx *sql.Tx) error {
		return tx.QueryRowContext(t.Context(), `SELECT count(*) FROM a`).Scan(&rows)
	})
	if err != nil || rows != 1 {
		t.Fatalf("%d rows, %v; want the one that was committed", rows, err)
	}
}
