package silence

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"mimamori/internal/whole"
)

// kept is what goes to the file.
type kept struct {
	Looked  time.Time          `json:"looked"`
	Sources []*source          `json:"sources"`
	Open    map[string]finding `json:"open"`
}

func compareKeys(a, b Key) int {
	if c := strings.Compare(a.Collector, b.Collector); c != 0 {
		return c
	}
	return strings.Compare(a.Source, b.Source)
}

// Save writes what was learned and told, all or nothing.
func (w *Watcher) Save(path string) error {
	k := kept{Looked: w.looked, Open: w.open}
	for _, s := range w.sources {
		k.Sources = append(k.Sources, s)
	}
	slices.SortFunc(k.Sources, func(a, b *source) int { return compareKeys(a.Key, b.Key) })
	text, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("silence: %w", err)
	}
	if err := whole.Bytes(path, text); err != nil {
		return fmt.Errorf("silence: %w", err)
	}
	return nil
}

// Load reads what Save wrote. Without a file it knows nothing. A file that
// can't be read is an error beside a watcher that begins anew.
func Load(path string) (*Watcher, error) {
	w := NewWatcher()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	if err != nil {
		return w, fmt.Errorf("silence: %w", err)
	}
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return w, fmt.Errorf("silence: what was learned is lost, %s can't be read: %w", path, err)
	}
	w.looked = k.Looked
	for _, s := range k.Sources {
		if s != nil && len(w.sources) < maxSources {
			w.sources[s.Key] = s
		}
	}
	if k.Open != nil {
		w.open = k.Open
	}
	return w, nil
}

// MarshalJSON writes a cell as a short list.
func (c cell) MarshalJSON() ([]byte, error) {
	if c == (cell{}) {
		return []byte("0"), nil
	}
	return json.Marshal([4]float32{c.Seen, c.Active, c.Max, c.Least})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *cell) UnmarshalJSON(b []byte) error {
	*c = cell{}
	if string(b) == "0" {
		return nil
	}
	var v [4]float32
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("silence: %w", err)
	}
	*c = cell{v[0], v[1], v[2], v[3]}
	return nil
}
