package fleet

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"mimamori/soc/sqlite"
)

const selectConfigs = `SELECT collector, version, text, created, created_by, note, state, reason, changed FROM configs`

// SetConfig keeps a configuration for a collector under the next version, which
// it returns. Whether it makes sense is the caller's to check. ErrUnknown when
// no collector of this name is enrolled.
func (f *Fleet) SetConfig(ctx context.Context, c Config) (uint64, error) {
	if c.CreatedBy == "" {
		return 0, fmt.Errorf("fleet: %w", ErrMissing)
	}
	var version int64
	err := f.update(ctx, func(tx *sql.Tx) error {
		var enrolled int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM collectors WHERE id = ? AND revoked = 0`, c.Collector).Scan(&enrolled); err != nil {
			return err
		}
		if enrolled == 0 {
			return ErrUnknown
		}
		if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) + 1 FROM configs WHERE collector = ?`, c.Collector).Scan(&version); err != nil {
			return err
		}
		now := sqlite.Nanos(f.now())
		if _, err := tx.ExecContext(ctx, `UPDATE configs SET state = 'replaced', changed = ? WHERE collector = ? AND state = 'pending'`, now, c.Collector); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO configs (collector, version, text, created, created_by, note, changed) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			c.Collector, version, c.Text, now, c.CreatedBy, c.Note, now); err != nil {
			return err
		}
		return f.note(ctx, tx, Entry{By: c.CreatedBy, What: "config", Collector: c.Collector, Detail: fmt.Sprintf("version %d: %s", version, c.Note)})
	})
	return uint64(version), err
}

// Configs lists the versions of a collector's configuration, newest first.
func (f *Fleet) Configs(ctx context.Context, collector string) ([]Config, error) {
	return list(ctx, f.db.Read, scanConfig, selectConfigs+` WHERE collector = ? ORDER BY version DESC`, collector)
}

// Newest returns a collector's newest configuration; ErrNoConfig when there is none.
func (f *Fleet) Newest(ctx context.Context, collector string) (Config, error) {
	c, err := scanConfig(f.db.Read.QueryRowContext(ctx, selectConfigs+` WHERE collector = ? ORDER BY version DESC LIMIT 1`, collector))
	if errors.Is(err, sql.ErrNoRows) {
		return c, fmt.Errorf("fleet: %w", ErrNoConfig)
	}
	if err != nil {
		return c, fmt.Errorf("fleet: %w", err)
	}
	return c, nil
}

// Newests returns the newest version of each collector that has one.
func (f *Fleet) Newests(ctx context.Context) (map[string]uint64, error) {
	out := map[string]uint64{}
	_, err := list(ctx, f.db.Read, func(row scanner) (struct{}, error) {
		var id string
		var version int64
		err := row.Scan(&id, &version)
		out[id] = uint64(version)
		return struct{}{}, err
	}, `SELECT collector, max(version) FROM configs GROUP BY collector`)
	return out, err
}

func scanConfig(row scanner) (Config, error) {
	var c Config
	var version, created, changed int64
	err := row.Scan(&c.Collector, &version, &c.Text, &created, &c.CreatedBy, &c.Note, &c.State, &c.Reason, &changed)
	c.Version, c.Created, c.Changed = uint64(version), sqlite.FromNanos(created), sqlite.FromNanos(changed)
	return c, err
}

// Outcome is what a heartbeat says about configurations.
type Outcome struct {
	Running uint64 // confirmed; 0 for a local file
	Tried   uint64 // given up; 0 for none
	Reason  string // why
}

// Beat keeps a collector's heartbeat in place of the one before, and what it
// says about its configurations.
func (f *Fleet) Beat(ctx context.Context, b Beat, o Outcome) error {
	return f.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO heartbeats (collector, at, json) VALUES (?, ?, ?)
			ON CONFLICT (collector) DO UPDATE SET at = excluded.at, json = excluded.json`, b.Collector, sqlite.Nanos(b.At), b.JSON); err != nil {
			return err
		}
		if err := f.settle(ctx, tx, Config{Collector: b.Collector, Version: o.Running, State: Running}); err != nil {
			return err
		}
		return f.settle(ctx, tx, Config{Collector: b.Collector, Version: o.Tried, State: Failed, Reason: o.Reason})
	})
}

// settle moves a version to a state, once: there is an end to what a collector
// that says now this, now that, can write.
func (f *Fleet) settle(ctx context.Context, tx *sql.Tx, c Config) error {
	if c.Version == 0 || c.Version > 1<<62 {
		return nil
	}
	now := sqlite.Nanos(f.now())
	r, err := tx.ExecContext(ctx, `UPDATE configs SET state = ?, reason = ?, changed = ? WHERE collector = ? AND version = ? AND state NOT IN (?, 'failed')
		AND NOT EXISTS (SELECT 1 FROM configs newer WHERE newer.collector = configs.collector AND newer.version > configs.version AND newer.state = 'running')`,
		c.State, c.Reason, now, c.Collector, int64(c.Version), c.State)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if c.State == Running {
		if _, err := tx.ExecContext(ctx, `UPDATE configs SET state = 'replaced', changed = ? WHERE collector = ? AND version < ? AND state IN ('running', 'pending')`,
			now, c.Collector, int64(c.Version)); err != nil {
			return err
		}
	}
	return f.note(ctx, tx, Entry{By: c.Collector, What: string(c.State), Collector: c.Collector, Detail: fmt.Sprintf("version %d: %s", c.Version, c.Reason)})
}

// Beats returns the latest heartbeat of each collector.
func (f *Fleet) Beats(ctx context.Context) (map[string]Beat, error) {
	out := map[string]Beat{}
	_, err := list(ctx, f.db.Read, func(row scanner) (struct{}, error) {
		var b Beat
		var at int64
		err := row.Scan(&b.Collector, &at, &b.JSON)
		b.At = sqlite.FromNanos(at)
		out[b.Collector] = b
		return struct{}{}, err
	}, `SELECT collector, at, json FROM heartbeats`)
	return out, err
}
