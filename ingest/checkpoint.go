package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"mimamori/frame"
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
	return writeWhole(path, b)
}

// writeWhole writes a file so that a crash leaves the old or the new one.
func writeWhole(path string, b []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("ingest: write %s: %w", path, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
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

// Account is the ledger as the last checkpoint left it.
type Account struct {
	Entries  []*frame.Entry
	Rejected uint64 // frames refused
	Broken   uint64 // breaks of a chain
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
	return Account{c.Ledger, c.Rejected, c.Broken}, nil
}
