package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/duckdb/duckdb-go/v2"

	"mimamori/internal/lang"
)

// duck is the in-process DuckDB that reads segments. It sees the store's
// directory and nothing else, loads no extension, and can't be reconfigured.
type duck struct {
	db    *sql.DB
	lists lang.Lists
	nets  sync.Map // text of networks → []netip.Prefix
	res   sync.Map // pattern → *regexp.Regexp
}

func openDuck(dir string, opts Options) (*duck, error) {
	spill := filepath.Join(dir, "spill")
	if opts.ReadOnly {
		spill = filepath.Join(dir, fmt.Sprintf("spill-%d", os.Getpid()))
	}
	if err := os.RemoveAll(spill); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("store: DuckDB: %w", err)
	}
	d := &duck{db: sql.OpenDB(connector), lists: opts.Lists}
	if err := d.setUp(dir, spill, opts); err != nil {
		d.db.Close()
		return nil, fmt.Errorf("store: DuckDB: %w", err)
	}
	return d, nil
}

func (d *duck) setUp(dir, spill string, opts Options) error {
	ctx := context.Background()
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	settings := []string{
		fmt.Sprintf("SET memory_limit = '%dMB'", cmp.Or(opts.MemoryMB, 512)),
		"SET temp_directory = " + quote(spill),
		"SET parquet_metadata_cache = true",
		"SET preserve_insertion_order = false",
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET allowed_directories = [" + quote(dir) + "]",
		"SET enable_external_access = false",
	}
	if opts.Threads > 0 {
		settings = append(settings, fmt.Sprintf("SET threads = %d", opts.Threads))
	}
	for _, s := range append(settings, "SET lock_configuration = true") {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	text, err := duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR)
	if err != nil {
		return err
	}
	boolean, err := duckdb.NewTypeInfo(duckdb.TYPE_BOOLEAN)
	if err != nil {
		return err
	}
	config := duckdb.ScalarFuncConfig{InputTypeInfos: []duckdb.TypeInfo{text, text}, ResultTypeInfo: boolean}
	for name, f := range map[string]func(value, arg string) bool{"mm_in_cidr": d.inCIDR, "mm_in_list": d.inList, "mm_matches": d.matches} {
		if err := duckdb.RegisterScalarUDF(conn, name, udf{config, f}); err != nil {
			return fmt.Errorf("function %s: %w", name, err)
		}
	}
	return nil
}

func (d *duck) close() error {
	if err := d.db.Close(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// udf is a function of two texts that DuckDB calls. Null in is null out.
type udf struct {
	config duckdb.ScalarFuncConfig
	f      func(value, arg string) bool
}

func (u udf) Config() duckdb.ScalarFuncConfig { return u.config }

func (u udf) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{RowExecutor: func(v []driver.Value) (any, error) {
		value, _ := v[0].(string)
		arg, _ := v[1].(string)
		return u.f(value, arg), nil
	}}
}

// inCIDR tells whether an address is in one of the networks, joined by commas.
func (d *duck) inCIDR(value, arg string) bool {
	a, err := netip.ParseAddr(value)
	if err != nil {
		return false
	}
	cached, ok := d.nets.Load(arg)
	if !ok {
		var nets []netip.Prefix
		for s := range strings.SplitSeq(arg, ",") {
			if p, err := netip.ParsePrefix(s); err == nil {
				nets = append(nets, p)
			}
		}
		cached, _ = d.nets.LoadOrStore(arg, nets)
	}
	for _, p := range cached.([]netip.Prefix) {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func (d *duck) inList(value, arg string) bool {
	return d.lists != nil && d.lists.Contains(arg, value)
}

// matches is for the patterns that DuckDB's RE2 refuses and Go takes.
func (d *duck) matches(value, arg string) bool {
	cached, ok := d.res.Load(arg)
	if !ok {
		re, err := regexp.Compile(arg)
		if err != nil {
			return false
		}
		cached, _ = d.res.LoadOrStore(arg, re)
	}
	return cached.(*regexp.Regexp).MatchString(value)
}

// forget drops what the functions remember of one query's constants, so that
// no number of different searches fills the memory.
func (d *duck) forget() {
	d.nets.Clear()
	d.res.Clear()
}

// takes tells whether DuckDB understands a pattern.
func (d *duck) takes(ctx context.Context, pattern string) bool {
	var ok bool
	return d.db.QueryRowContext(ctx, "SELECT regexp_matches('', "+quote(pattern)+")").Scan(&ok) == nil
}

// quote writes a text as an SQL literal. DuckDB's literals know one escape,
// the doubled quote; a NUL would end the statement and is put together apart.
func quote(s string) string {
	s = cleanText(s)
	q := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.IndexByte(s, 0) >= 0 {
		q = "(" + strings.ReplaceAll(q, "\x00", "' || chr(0) || '") + ")"
	}
	return q
}

// ident quotes the name of a column.
func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
