package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"mimamori/event"
)

// sqlJob is what a box does: it prepares itself, and runs one checked statement.
//
// A box is a DuckDB of its own, in a process of its own. It has one view, events,
// of the rows that the analyst may see, and can open the segments in which there
// are no others; rows of mixed segments are copied before the door is shut. So a
// statement that got past sqlTree would still find nothing else: no other file,
// setting, extension, environment or network. The process bounds the memory,
// which DuckDB does not where functions make long texts or lists.
type sqlJob struct {
	Prepare []string
	Query   string
	Limit   int // rows
	Bytes   uint64
}

// boxBytes is what a box's process may have beside DuckDB's memory limit.
const boxBytes = 512 << 20

// job makes a box over the question's segments with these fields as columns.
func (x *question) job(query string, fields []event.Field, limit int, spill string) sqlJob {
	own, mixed := []*segment{}, []*segment{}
	for _, g := range x.segs {
		if g.only(x.bounds.tenants) {
			own = append(own, g)
		} else {
			mixed = append(mixed, g)
		}
	}
	files := make([]string, len(own))
	for i, g := range own {
		files[i] = quote(g.path)
	}
	memory := cmp.Or(x.s.opts.MemoryMB, 512) / 2
	return sqlJob{Query: query, Limit: limit, Bytes: uint64(memory)<<20 + boxBytes, Prepare: []string{
		fmt.Sprintf("SET memory_limit = '%dMB'", memory),
		"SET temp_directory = " + quote(spill),
		"SET max_temp_directory_size = '4GB'",
		fmt.Sprintf("SET threads = %d", cmp.Or(x.s.opts.Threads, 2)),
		"SET enable_external_file_cache = false",
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"CREATE TABLE copied AS " + x.columns(mixed, fields),
		"CREATE VIEW events AS " + x.columns(own, fields) + " UNION ALL SELECT * FROM copied",
		"SET allowed_paths = [" + strings.Join(files, ", ") + "]",
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	}}
}

// run does the job here.
func (j *sqlJob) run(ctx context.Context) (*event.Table, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("store: DuckDB: %w", err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, failed(ctx, err)
	}
	defer conn.Close()
	for _, s := range j.Prepare {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return nil, failed(ctx, err)
		}
	}
	return j.table(ctx, conn)
}

// only tells whether all rows of the segment are of these municipalities.
func (g *segment) only(tenants []string) bool {
	if tenants == nil {
		return true
	}
	for t := range g.manifest.Tenants {
		if t == "" || !slices.Contains(tenants, t) {
			return false
		}
	}
	return true
}

// columns writes the rows within the bounds as a SELECT with a column a field.
func (x *question) columns(segs []*segment, fields []event.Field) string {
	t := x.translator(segs)
	list := make([]string, len(fields))
	for i, f := range fields {
		expr := ""
		if len(segs) > 0 {
			expr = t.plain(f)
		}
		list[i] = "(" + cmp.Or(expr, "NULL") + ")::" + sqlTypes[f.Type()] + " AS " + ident(f.Name())
	}
	what := "SELECT " + strings.Join(list, ", ")
	if len(segs) == 0 {
		return what + " WHERE false"
	}
	return what + " FROM " + t.from() + " WHERE " + t.where(x.expr.Root, x.bounds)
}

var sqlTypes = map[event.Type]string{
	event.Keyword: "VARCHAR", event.Text: "VARCHAR", event.IP: "VARCHAR", event.Long: "BIGINT", event.Double: "DOUBLE",
	event.Boolean: "BOOLEAN", event.Date: "TIMESTAMP", event.List: "VARCHAR[]",
}

// plain is a field as analysts see it: dates are Japan's time.
func (t *translator) plain(f event.Field) string {
	expr, list := t.grouped(f)
	switch {
	case expr == "":
	case f.Type() == event.Date:
		return "make_timestamp((" + expr + " // 1000) + 32400000000::BIGINT)"
	case list && f.Type() != event.List:
		return "array_to_string(" + expr + ", ', ')"
	}
	return expr
}

// sqlFields are the fields that a statement may name, by their names in lower
// case: the registry's and those of the held segments. DuckDB does not tell
// letter case in names; of two that differ by it the first counts.
func (x *question) sqlFields() (all map[string]string, here []string) {
	all = map[string]string{}
	seen := map[string]bool{}
	for _, g := range x.segs {
		for name := range g.columns {
			seen[name] = true
		}
		for _, name := range g.manifest.Rest {
			seen[name] = name != "*"
		}
	}
	for name := range seen {
		if _, known := event.Lookup(name); known && !reserved(name) {
			here = append(here, name)
		}
	}
	slices.Sort(here)
	here = slices.CompactFunc(here, strings.EqualFold)
	for _, name := range here {
		if low := strings.ToLower(name); all[low] == "" {
			all[low] = name
		}
	}
	for _, f := range event.Fields() {
		if low := strings.ToLower(f.Name()); all[low] == "" {
			all[low] = f.Name()
		}
	}
	here = slices.DeleteFunc(here, func(name string) bool { return all[strings.ToLower(name)] != name })
	return all, here
}

// cleanBoxes removes what boxes of a process that was killed left.
func cleanBoxes(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, "spill-sql-*"))
	if err != nil {
		return err
	}
	for _, l := range left {
		if err := os.RemoveAll(l); err != nil {
			return err
		}
	}
	return nil
}
