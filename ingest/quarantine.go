package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
		err = whole.Bytes(base+".json", note)
	}
	if err == nil {
		err = whole.Bytes(base+".frame", data)
	}
	if err != nil {
		return fmt.Errorf("ingest: quarantine: %w", err)
	}
	q.kept++
	return nil
}

// EraseRefused removes the refused frames that came in a municipality's name from
// one moment until before another, and returns how many went.
func (p *Pipeline) EraseRefused(municipality string, from, to time.Time) (int64, error) {
	return p.quarantine.erase(municipality, from, to)
}

func (q *quarantine) erase(municipality string, from, to time.Time) (n int64, err error) {
	notes, err := filepath.Glob(filepath.Join(q.dir, "*.json"))
	if err != nil {
		return 0, fmt.Errorf("ingest: quarantine: %w", err)
	}
	for _, path := range notes {
		var r Rejection
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		if err == nil && strings.HasPrefix(r.Subject, "frames."+municipality+".") && !r.Time.Before(from) && r.Time.Before(to) {
			if err = os.Remove(strings.TrimSuffix(path, ".json") + ".frame"); err == nil || errors.Is(err, fs.ErrNotExist) {
				err = os.Remove(path)
			}
			if err == nil {
				n++
			}
		}
		if err != nil {
			return n, fmt.Errorf("ingest: quarantine: %s: %w", filepath.Base(path), err)
		}
	}
	return n, nil
}
