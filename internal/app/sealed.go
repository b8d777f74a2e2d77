package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mimamori/archive"
	"mimamori/ingest"
	"mimamori/internal/calendar"
	"mimamori/internal/lock"
	"mimamori/internal/whole"
	"mimamori/store"
)

// Sealed is what a sealed backup says of itself besides.
type Sealed struct {
	State string           `json:"state"` // folder of all that is no segment
	Copy  store.SealedCopy `json:"copy"`
}

// Erased is what a restored backup lacks for good. Without a municipality it is
// what the rules and the watch over formats had learned.
type Erased struct {
	Municipality, Month string
	Events, Evidence    int64
}

// The parts of a sealed backup's state. Each that holds events is an age file.
const (
	statePrefix    = "state-"
	evidencePrefix = "evidence-" // CODE-YYYY-MM-EVENTS.age follows
	learnedFile    = "learned.age"
	ageSuffix      = ".age"
	monthLayout    = "2006-01"
	checkpointPath = "ingest/" + ingest.CheckpointFile
	alertsFile     = "soc.db"
)

// sealer speaks the store's words for the archive's keys.
type sealer struct{ keys *archive.Keys }

// Seal encrypts for a month.
func (s sealer) Seal(to io.Writer, municipality, month string) (io.WriteCloser, error) {
	w, err := s.keys.Seal(to, municipality, month)
	return w, inStoresWords(err)
}

// Open decrypts.
func (s sealer) Open(from io.Reader) (io.Reader, error) {
	r, err := s.keys.Open(from)
	return r, inStoresWords(err)
}

func inStoresWords(err error) error {
	if errors.Is(err, archive.ErrErased) {
		return fmt.Errorf("%w: %w", store.ErrErased, err)
	}
	return err
}

// scratch is a folder on the data folder's disk for what a backup may not write
// down elsewhere. Who has it keeps backups and erasures apart.
func scratch(data string) (dir string, done func() error, err error) {
	dir = filepath.Join(data, "backup.tmp")
	unlock, err := lock.Dir(dir)
	if err != nil {
		return "", nil, fmt.Errorf("a backup or an erasure is under way: %w", err)
	}
	clean := func() error {
		left, err := filepath.Glob(filepath.Join(dir, "*"))
		for _, path := range left {
			if filepath.Base(path) != "lock" {
				err = errors.Join(err, os.RemoveAll(path))
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		return nil
	}
	if err := clean(); err != nil { // what a crash left
		unlock()
		return "", nil, err
	}
	return dir, func() error { defer unlock(); return clean() }, nil
}

// sealing is one sealed backup.
type sealing struct {
	by      sealer
	month   string // of the backup
	scratch string
}

// sealedBackup adds to a backup in the folder what is new, or begins one.
func sealedBackup(ctx context.Context, data, to string, by sealer, now time.Time) (saved Saved, err error) {
	saved = Saved{Time: now, Sealed: &Sealed{State: statePrefix + now.UTC().Format("20060102T150405.000000000")}}
	if err := mayHold(to); err != nil {
		return saved, err
	}
	if _, err := os.Stat(filepath.Join(data, "events")); err != nil {
		return saved, fmt.Errorf("backup: %s is no data folder: %w", data, err)
	}
	x := sealing{by: by, month: now.In(calendar.JST()).Format(monthLayout)}
	var done func() error
	if x.scratch, done, err = scratch(data); err != nil {
		return saved, fmt.Errorf("backup: %w", err)
	}
	defer func() { err = errors.Join(err, done()) }()
	state := filepath.Join(to, saved.Sealed.State)
	for _, databases := range []bool{false, true} {
		put := x.file
		if databases {
			put = x.database
		}
		n, err := copyTree(ctx, data, state, databases, put)
		if saved.Files += n; err != nil {
			return saved, fmt.Errorf("backup: %w", err)
		}
	}
	links := filepath.Join(x.scratch, "events")
	if _, err := store.Copy(ctx, filepath.Join(data, "events"), links); err != nil {
		return saved, fmt.Errorf("backup: %w", err)
	}
	if saved.Sealed.Copy, err = store.SealCopy(ctx, links, filepath.Join(to, "events"), by); err != nil {
		return saved, fmt.Errorf("backup: %w", err)
	}
	saved.Events = saved.Sealed.Copy.Copied
	if err := saved.write(to); err != nil {
		return saved, err
	}
	return saved, prune(to, &saved)
}

// mayHold refuses a folder that holds something else than a sealed backup, be it
// a whole one or one that was begun.
func mayHold(to string) error {
	entries, err := os.ReadDir(to)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("backup: %w", err)
	}
	for _, e := range entries {
		if name := e.Name(); name != backupMark && name != backupMark+".tmp" && name != "events" && !strings.HasPrefix(name, statePrefix) {
			return fmt.Errorf("backup: %s holds %s, which is of no sealed backup; name a new folder", to, name)
		}
	}
	if saved, err := readSaved(to); err == nil && saved.Sealed == nil {
		return fmt.Errorf("backup: %s holds a backup that is not sealed; name a new folder", to)
	}
	return nil
}

// prune removes what an earlier backup in the folder had and this one does not.
func prune(to string, saved *Saved) error {
	old, err := filepath.Glob(filepath.Join(to, statePrefix+"*"))
	for _, path := range old {
		if filepath.Base(path) != saved.Sealed.State {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return store.PruneCopy(filepath.Join(to, "events"), saved.Sealed.Copy.Groups)
}

// file brings over what is no database. Frames that were refused or wait, and
// checkpoints that could not be read, stay behind: they hold events, and nothing
// needs them.
func (x *sealing) file(_ context.Context, rel, from, to string) error {
	slashed := filepath.ToSlash(rel)
	switch {
	case slashed == checkpointPath:
		return x.checkpoint(from, to)
	case strings.HasPrefix(slashed, "ingest/quarantine/"), strings.HasPrefix(slashed, "ingest/inbox/"), strings.HasSuffix(slashed, ".bad"):
		return nil
	}
	return whole.Copy(from, to)
}

// checkpoint seals what rules and drift know, which mixes municipalities.
func (x *sealing) checkpoint(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	rest, learned, err := ingest.SplitState(text)
	if err != nil {
		return err
	}
	if err := x.seal(filepath.Join(filepath.Dir(to), learnedFile), archive.Mixed, x.month, learned); err != nil {
		return err
	}
	return whole.Bytes(to, rest)
}

// seal writes a sealed file.
func (x *sealing) seal(path, municipality, month string, plain []byte) error {
	err := whole.Write(path, func(out io.Writer) error {
		w, err := x.by.Seal(out, municipality, month)
		if err != nil {
			return err
		}
		if _, err := w.Write(plain); err != nil {
			return err //nolint:wrapcheck // below
		}
		return w.Close() //nolint:wrapcheck // below
	})
	if err != nil {
		return fmt.Errorf("sealing %s: %w", filepath.Base(path), err)
	}
	return nil
}
