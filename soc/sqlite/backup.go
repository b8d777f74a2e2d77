package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// Backup writes what the file at path holds at one moment to a new file, while
// other processes write to it. What was begun stays when it fails.
func Backup(ctx context.Context, path, to string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("back up %s: %w", path, err)
	}
	db, err := connect(abs, "deferred", 1)
	if err != nil {
		return fmt.Errorf("back up %s: %w", path, err)
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("back up %s: %w", path, err)
	}
	return nil
}
