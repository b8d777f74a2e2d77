package archive

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"mimamori/internal/whole"
)

const journalSuffix = ".journal"

// part is a journal on disk: records of all municipalities, in the order of
// their commits.
type part struct {
	path   string
	number uint64
	size   int64 // bytes that were acknowledged; what is behind was not
	old    bool  // left by an earlier run: what is torn at its end was not acknowledged
}

// journal is the part that is written to.
type journal struct {
	part
	file   *os.File
	broken bool // its end cannot be cut off
}

func newJournal(dir string, number uint64) (*journal, error) {
	j := &journal{part: part{path: filepath.Join(dir, fmt.Sprintf("%012d%s", number, journalSuffix)), number: number}}
	if err := whole.Bytes(j.path, nil); err != nil {
		return nil, fmt.Errorf("archive: journal: %w", err)
	}
	f, err := os.OpenFile(j.path, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("archive: journal: %w", err)
	}
	j.file = f
	return j, nil
}

// write appends and syncs. On an error the journal is as before.
func (j *journal) write(b []byte) error {
	if j.broken {
		return fmt.Errorf("archive: %s can't be written to", j.path)
	}
	_, err := j.file.WriteAt(b, j.size)
	if err == nil {
		err = j.file.Sync()
	}
	if err == nil {
		j.size += int64(len(b))
		return nil
	}
	// After a failed sync nobody knows what is on disk: this file is not used
	// again, and what is behind size does not count.
	j.broken = true
	return fmt.Errorf("archive: journal: %w", errors.Join(err, j.file.Truncate(j.size)))
}

// journals lists what an earlier run left, oldest first.
func journals(dir string) ([]part, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("archive: journal: %w", err)
	}
	var out []part
	for _, d := range list {
		name, ok := strings.CutSuffix(d.Name(), journalSuffix)
		number, errNumber := strconv.ParseUint(name, 10, 64)
		if !ok || errNumber != nil {
			continue
		}
		info, err := d.Info()
		if err != nil {
			return nil, fmt.Errorf("archive: journal: %w", err)
		}
		out = append(out, part{filepath.Join(dir, d.Name()), number, info.Size(), true})
	}
	slices.SortFunc(out, func(a, b part) int { return int(a.number) - int(b.number) })
	return out, nil
}
