package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"mimamori/internal/whole"
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
	err = os.MkdirAll(dir, 0o700)
	if err == nil {
		err = whole.Bytes(filepath.Join(dir, stateFile), b)
	}
	if err != nil {
		return fmt.Errorf("orders: %w", err)
	}
	return nil
}
