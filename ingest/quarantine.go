package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"mimamori/internal/whole"
)

// Rejection is a frame that was not taken, and why.
type Rejection struct {
	Time      time.Time `json:"time"`
	Subject   string    `json:"subject"`
	Sequence  uint64    `json:"stream_sequence"`
	Collector string    `json:"collector"` // as the frame claims
	Bytes     int       `json:"bytes"`
	Reason    string    `json:"reason"`
}

// maxQuarantine bounds the frames kept aside; the count goes on beyond it.
const maxQuarantine = 10_000

// quarantine keeps refused frames as files, with their reason beside them.
type quarantine struct {
	dir  string
	kept int
}

func openQuarantine(dir string) (*quarantine, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("ingest: quarantine: %w", err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.frame"))
	if err != nil {
		return nil, fmt.Errorf("ingest: quarantine: %w", err)
	}
	return &quarantine{dir, len(names)}, nil
}

// add keeps a frame. Its name is its place in the stream, so that a frame seen
// again after a crash is kept once.
func (q *quarantine) add(r Rejection, data []byte) error {
	if q.kept >= maxQuarantine {
		return nil
	}
	base := filepath.Join(q.dir, fmt.Sprintf("%012d", r.Sequence))
	if _, err := os.Stat(base + ".frame"); err == nil {
		return nil
	}
	note, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = errors.Join(os.WriteFile(base+".json", note, 0o600), whole.Bytes(base+".frame", data))
	}
	if err != nil {
		return fmt.Errorf("ingest: quarantine: %w", err)
	}
	q.kept++
	return nil
}
