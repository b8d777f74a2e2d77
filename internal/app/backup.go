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

	"mimamori/archive"
	"mimamori/internal/whole"
	"mimamori/soc/sqlite"
	"mimamori/store"
)

// Saved is what a backup holds. It stands in the backup as backup.json, which is
// written last: a folder without it is no backup.
type Saved struct {
	Time   time.Time    `json:"time"`
	Events store.Copied `json:"events"`
	Files  int          `json:"files"`            // besides
	Sealed *Sealed      `json:"sealed,omitempty"` // nil: whoever has the backup can read it
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

// Backup copies the data folder to a folder while the service runs. The order is
// that of a batch, backwards: the checkpoint first, then alerts, then events. So
// whatever the checkpoint takes for done is in the backup, and what is beyond it is
// recognised when its frames run again. With keys all events in it are sealed;
// without, it is as readable as the data folder, and the folder must be new.
func Backup(ctx context.Context, data, to string, keys *archive.Keys, now time.Time) (Saved, error) {
	if keys != nil {
		return sealedBackup(ctx, data, to, sealer{keys}, now)
	}
	saved := Saved{Time: now}
	if entries, err := os.ReadDir(to); err == nil && len(entries) > 0 {
		return saved, fmt.Errorf("backup: %s is not empty; name a new folder", to)
	}
	if _, err := os.Stat(filepath.Join(data, "events")); err != nil {
		return saved, fmt.Errorf("backup: %s is no data folder: %w", data, err)
	}
	for _, databases := range []bool{false, true} {
		n, err := copyTree(ctx, data, to, databases, plainly(databases))
		if saved.Files += n; err != nil {
			return saved, fmt.Errorf("backup: %w", err)
		}
	}
	var err error
	if saved.Events, err = store.Copy(ctx, filepath.Join(data, "events"), filepath.Join(to, "events")); err != nil {
		return saved, fmt.Errorf("backup: %w", err)
	}
	return saved, saved.write(to)
}

// write makes the folder a backup.
func (s *Saved) write(to string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return whole.Bytes(filepath.Join(to, backupMark), text)
}

// putFile brings one file of a tree over; rel is its name in there.
type putFile func(ctx context.Context, rel, from, to string) error

// plainly copies a file, or a database at one moment.
func plainly(databases bool) putFile {
	return func(ctx context.Context, _, from, to string) error {
		if databases {
			return sqlite.Backup(ctx, from, to)
		}
		return whole.Copy(from, to)
	}
}

// copyTree copies the databases, or all other files.
func copyTree(ctx context.Context, from, to string, databases bool, put putFile) (n int, err error) {
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
		if err := put(ctx, rel, path, filepath.Join(to, rel)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w", err)
		}
		return nil
	})
	return n, err //nolint:wrapcheck // its callers do
}

// Restore makes a data folder of a backup, which stays as it is. The folder must
// be new: what is there is never written over.
//
// Of a sealed backup keys open what is not erased; the rest is listed.
func Restore(ctx context.Context, from, data string, keys *archive.Keys) (Saved, []Erased, error) {
	saved, err := readSaved(from)
	if err != nil {
		return saved, nil, fmt.Errorf("restore: %s is no whole backup: %w", from, err)
	}
	if entries, err := os.ReadDir(data); err == nil && len(entries) > 0 {
		return saved, nil, fmt.Errorf("restore: %s is not empty; move it away first", data)
	}
	if saved.Sealed != nil {
		if keys == nil {
			return saved, nil, fmt.Errorf("restore: %s is sealed: name the data keys and the operator's key (--keys, --operator)", from)
		}
		erased, err := sealedRestore(ctx, from, data, &saved, sealer{keys})
		return saved, erased, err
	}
	for _, databases := range []bool{false, true} {
		if _, err := copyTree(ctx, from, data, databases, plainly(databases)); err != nil {
			return saved, nil, fmt.Errorf("restore: %w", err)
		}
	}
	if _, err := store.Copy(ctx, filepath.Join(from, "events"), filepath.Join(data, "events")); err != nil {
		return saved, nil, fmt.Errorf("restore: %w", err)
	}
	return saved, nil, nil
}

// readSaved reads what a folder says of itself as a backup.
func readSaved(dir string) (saved Saved, err error) {
	text, err := os.ReadFile(filepath.Join(dir, backupMark))
	if err == nil {
		err = json.Unmarshal(text, &saved)
	}
	return saved, err //nolint:wrapcheck // its callers do
}
