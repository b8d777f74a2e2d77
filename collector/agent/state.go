package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
)

// stateFile is the file in the data folder that remembers orders.
const stateFile = "orders.json"

// state is what an agent remembers of orders.
type state struct {
	High      uint64 `json:"high"`                // newest version ever taken: none up to it is taken again
	Confirmed []byte `json:"confirmed,omitempty"` // the sealed order that ran well
	Trying    []byte `json:"trying,omitempty"`    // the sealed order under trial
	Paused    bool   `json:"paused,omitempty"`    // the process ended in order during the trial, which may begin again
	Tried     uint64 `json:"tried,omitempty"`     // newest version given up
	Trouble   string `json:"trouble,omitempty"`   // why
}

// loadState reads the state. A file that cannot be read is set aside: the
// prefecture's newest order comes with the next answer.
func loadState(dir string, log *slog.Logger) (state, error) {
	path := filepath.Join(dir, stateFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, fmt.Errorf("orders: %w", err)
	}
	var s state
	if err := json.Unmarshal(b, &s); err != nil {
		log.Error("what is known of orders cannot be read; it is set aside", "file", path, "err", err)
		if err := os.Rename(path, path+".damaged"); err != nil {
			return state{}, fmt.Errorf("orders: %w", err)
		}
		return state{}, nil
	}
	return s, nil
}

// save writes the state to disk, whole or not at all.
func (s state) save(dir string) error {
	b, err := json.Marshal(s)
	if err != nil { // numbers, strings and bytes always have a JSON form
		panic(err)
	}
	if err := writeFile(filepath.Join(dir, stateFile), b); err != nil {
		return fmt.Errorf("orders: %w", err)
	}
	return nil
}

// writeFile replaces a file, readable by its owner alone, whole or not at all
// and on disk when it returns.
func writeFile(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a renaming durable, where folders can be synced.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
