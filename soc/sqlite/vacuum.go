package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Vacuum writes the file anew, so that nothing of what was changed or removed is
// left in it, nor in the log beside it. Readers go on; it waits for them, some
// seconds, and then fails.
func (d *DB) Vacuum(ctx context.Context) error {
	if _, err := d.Write.ExecContext(ctx, "VACUUM"); err != nil {
		return fmt.Errorf("sqlite: vacuum: %w", err)
	}
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		var busy, frames, moved int
		if err := d.Write.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved); err != nil {
			return fmt.Errorf("sqlite: vacuum: %w", err)
		}
		if busy == 0 {
			return nil
		}
		if wait > 5*time.Second {
			return errors.New("sqlite: vacuum: somebody has been reading the database for long; try again")
		}
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("sqlite: vacuum: %w", err)
		}
	}
}
