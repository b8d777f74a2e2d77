package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mimamori/internal/whole"
	"mimamori/soc/sqlite"
	"mimamori/store"
)

// Saved is what a backup holds. It stands in the backup as backup.json, which is
// written last: a folder without it is no backup.
type Saved struct {
	Time   time.Time    `json:"time"`
	Events store.Copied `json:"events"`
	Files  int          `json:"files"` // besides
}

// backupMark is the file that makes a folder a backup.
const backupMark = "backup.json"

// notSaved are parts of the data folder that a backup leaves out: the stream of
// frames, which is the broker's; orders to the running service; the archive, which
// has a second place of its own; and its keys, which can be destroyed only where
// they are known to be.
func notSaved(name string) bool {
	switch name {
	case "archive", "archive-keys", "archive.key", "archive.sign":
		return true
	}
	return name == "bus" || name == "events" || name == "reparse" || strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, "-wal") || strings.HasSuffix(name, "-shm")
}

// Backup copies the data folder to a new folder while the service runs. The
// order is that of a batch, backwards: the checkpoint first, then alerts, then
// events. So whatever the checkpoint takes for done is in the backup, and what is
// beyond it is recognised when its frames run again.
func Backup(ctx context.Context, data, to string, now time.Time) (Saved, error) {
	saved := Saved{Time: now}
	if entries, err := os.ReadDir(to); err == nil && len(entries) > 0 {
		return saved, fmt.Errorf("backup: %s is not empty; name a new folder", to)
	}
	if _, err := os.Stat(filepath.Join(data, "events")); err != nil {
		return saved, fmt.Errorf("backup: %s is no data folder: %w", data, err)
	}
	for _, databases := range []bool{false, true} {
		n, err := copyTree(ctx, data, to, databases)
		if saved.Files += n; err != nil {
			return saved, fmt.Errorf("backup: %w", err)
		}
	}
	var err error
	if saved.Events, err = store.Copy(ctx, filepath.Join(data, "events"), filepath.Join(to, "events")); err != nil {
		return saved, fmt.Errorf("backup: %w", err)
	}
	text, err := json.Marshal(saved)
	if err != nil {
		return saved, fmt.Errorf("backup: %w", err)
	}
	return saved, whole.Bytes(filepath.Join(to, backupMark), text)
}

// copyTree copies the databases, or all other files.
func copyTree(ctx context.Context, from, to string, databases bool) (n int, err error) {
	err = filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(from, path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // the service took it away
			return nil
		case err != nil || relErr != nil:
			return errors.Join(err, relErr)
		case ctx.Err() != nil:
			return ctx.Err()
		case notSaved(rel) && e.IsDir():
			return filepath.SkipDir
		case notSaved(filepath.Base(rel)):
			return nil
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		case !e.Type().IsRegular() || strings.HasSuffix(rel, ".db") != databases || rel == backupMark || filepath.Base(rel) == "lock":
			return nil
		}
		n++
		target := filepath.Join(to, rel)
		if databases {
			return sqlite.Backup(ctx, path, target)
		}
		if err := whole.Copy(path, target); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w", err)
		}
		return nil
	})
	return n, err //nolint:wrapcheck // its callers do
}

// Restore makes a data folder of a backup, which stays as it is. The folder must
// be new: what is there is never written over.
func Restore(ctx context.Context, from, data string) (Saved, error) {
	var saved Saved
	text, err := os.ReadFile(filepath.Join(from, backupMark))
	if err == nil {
		err = json.Unmarshal(text, &saved)
	}
	if err != nil {
		return saved, fmt.Errorf("restore: %s is no whole backup: %w", from, err)
	}
	if entries, err := os.ReadDir(data); err == nil && len(entries) > 0 {
		return saved, fmt.Errorf("restore: %s is not empty; move it away first", data)
	}
	for _, databases := range []bool{false, true} {
		if _, err := copyTree(ctx, from, data, databases); err != nil {
			return saved, fmt.Errorf("restore: %w", err)
		}
	}
	if _, err := store.Copy(ctx, filepath.Join(from, "events"), filepath.Join(data, "events")); err != nil {
		return saved, fmt.Errorf("restore: %w", err)
	}
	return saved, nil
}
