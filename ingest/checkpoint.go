package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"mimamori/frame"
	"mimamori/ingest/clocks"
	"mimamori/ingest/drift"
	"mimamori/internal/whole"
)

// checkpoint is what the pipeline must remember besides the stored events:
// how far it is, what it has seen, and what the rules know.
type checkpoint struct {
	Version  int
	Position uint64 // sequence of the last frame that is done with
	Ledger   []*frame.Entry
	Chains   []*frame.Chain
	Stream   uint64 // goes up when the stream is replaced by another
	Rejected uint64
	Broken   uint64 // breaks of the chain
	Rules    []byte
	Clocks   []byte
	Drift    []byte
}

const (
	checkpointVersion = 2
	checkpointFile    = "checkpoint.json"
)

// save writes the checkpoint whole or not at all.
func (c *checkpoint) save(path string) error {
	c.Version = checkpointVersion
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("ingest: checkpoint: %w", err)
	}
	if err := whole.Bytes(path, b); err != nil {
		return fmt.Errorf("ingest: checkpoint: %w", err)
	}
	return nil
}

// loadCheckpoint reads the checkpoint; a missing file is a fresh start. A file
// that can't be read is set aside, since the ledger can be rebuilt from the
// store: only the state of the rules is lost, and the error says so.
func loadCheckpoint(path string) (*checkpoint, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // none yet
	}
	if err != nil {
		return nil, fmt.Errorf("ingest: checkpoint: %w", err)
	}
	c := &checkpoint{}
	if err = json.Unmarshal(b, c); err == nil && c.Version != checkpointVersion {
		err = fmt.Errorf("version %d, this program reads %d", c.Version, checkpointVersion)
	}
	if err != nil {
		aside := path + ".bad"
		return nil, errors.Join(fmt.Errorf("ingest: %s can't be read and was set aside as %s; the state of the rules begins anew: %w", path, aside, err), os.Rename(path, aside))
	}
	return c, nil
}

// Account is the ledger as the last checkpoint left it, and what is worth a
// look among the devices' clocks and formats.
type Account struct {
	Entries  []*frame.Entry
	Rejected uint64 // frames refused
	Broken   uint64 // breaks of a chain
	Clocks   []clocks.Report
	Drifts   []drift.Report
}

// ReadAccount reads the ledger of a pipeline's folder, whether or not the
// pipeline runs. A folder without a checkpoint has an empty account.
func ReadAccount(dir string) (Account, error) {
	b, err := os.ReadFile(filepath.Join(dir, checkpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Account{}, nil
	}
	if err != nil {
		return Account{}, fmt.Errorf("ingest: ledger: %w", err)
	}
	var c checkpoint
	if err := json.Unmarshal(b, &c); err != nil {
		return Account{}, fmt.Errorf("ingest: ledger: %w", err)
	}
	a := Account{Entries: c.Ledger, Rejected: c.Rejected, Broken: c.Broken}
	k, d := clocks.New(), drift.New("")
	if k.Restore(c.Clocks) {
		a.Clocks = k.Reports()
	}
	if d.Restore(c.Drift) {
		a.Drifts = d.Reports()
	}
	return a, nil
}
