package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"mimamori/frame"
	"mimamori/ingest/clocks"
	"mimamori/ingest/drift"
	"mimamori/internal/whole"
)

// checkpoint is what the pipeline must remember besides the stored events:
// how far it is, what it has seen, and what the rules know. In its file stand a
// title with a checksum of the rest, the fields as a line of JSON, and the parts
// as they are: a busy prefecture's rules remember some hundred megabytes.
type checkpoint struct {
	Position uint64 // sequence of the last frame that is done with
	Ledger   []*frame.Entry
	Chains   []*frame.Chain
	Stream   uint64 // goes up when the stream is replaced by another
	Rejected uint64
	Broken   uint64 // breaks of the chain
	Rules    []byte `json:"-"`
	Clocks   []byte `json:"-"`
	Drift    []byte `json:"-"`
	Parts    [3]int // their lengths
}

// CheckpointFile is the checkpoint's name in a pipeline's folder.
const CheckpointFile = "checkpoint"

const checkpointTitle = "mimamori checkpoint 3 %08x\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// save writes the checkpoint whole or not at all.
func (c *checkpoint) save(path string) error {
	parts, err := c.format()
	if err != nil {
		return err
	}
	err = whole.Write(path, func(w io.Writer) error {
		for _, b := range parts {
			if _, err := w.Write(b); err != nil {
				return err //nolint:wrapcheck // whole.Write does
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("ingest: checkpoint: %w", err)
	}
	return nil
}

// format is the file, piece by piece.
func (c *checkpoint) format() ([][]byte, error) {
	c.Parts = [3]int{len(c.Rules), len(c.Clocks), len(c.Drift)}
	head, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("ingest: checkpoint: %w", err)
	}
	out := [][]byte{nil, append(head, '\n'), c.Rules, c.Clocks, c.Drift}
	sum := uint32(0)
	for _, b := range out {
		sum = crc32.Update(sum, castagnoli, b)
	}
	out[0] = fmt.Appendf(nil, checkpointTitle, sum)
	return out, nil
}

// errCheckpoint says that a file is no checkpoint, or a damaged one.
var errCheckpoint = errors.New("not a checkpoint of this program, or a damaged one")

// parse reads what save wrote. The parts are views of b.
func (c *checkpoint) parse(b []byte) error {
	title, rest, _ := bytes.Cut(b, []byte("\n"))
	if string(title)+"\n" != fmt.Sprintf(checkpointTitle, crc32.Checksum(rest, castagnoli)) {
		return errCheckpoint
	}
	head, rest, _ := bytes.Cut(rest, []byte("\n"))
	if err := json.Unmarshal(head, c); err != nil {
		return fmt.Errorf("%w: %w", errCheckpoint, err)
	}
	for i, part := range []*[]byte{&c.Rules, &c.Clocks, &c.Drift} {
		n := c.Parts[i]
		if n < 0 || n > len(rest) {
			return errCheckpoint
		}
		*part, rest = rest[:n:n], rest[n:]
	}
	if len(rest) > 0 {
		return errCheckpoint
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
	if err = c.parse(b); err != nil {
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
	b, err := os.ReadFile(filepath.Join(dir, CheckpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Account{}, nil
	}
	if err != nil {
		return Account{}, fmt.Errorf("ingest: ledger: %w", err)
	}
	var c checkpoint
	if err := c.parse(b); err != nil {
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
