package archive

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Holding is what an archive holds of a municipality.
type Holding struct {
	Municipality string `json:"municipality"`
	From         string `json:"from"`
	To           string `json:"to"`
	Days         int    `json:"days"`
	Signed       int    `json:"signed"` // of these
	Bytes        int64  `json:"bytes"`
}

// List says what files an archive has, without reading them.
func List(dir string) ([]Holding, error) {
	towns, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	out := []Holding{}
	for _, t := range towns {
		if !t.IsDir() || !isCode(t.Name()) {
			continue
		}
		files, err := os.ReadDir(filepath.Join(dir, t.Name()))
		if err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
		h := Holding{Municipality: t.Name()}
		for _, f := range files {
			if info, err := f.Info(); err == nil {
				h.Bytes += info.Size()
			}
			if strings.HasSuffix(f.Name(), manifestSuffix) {
				h.Signed++
			}
			if day, ok := strings.CutSuffix(f.Name(), framesSuffix); ok && isDay(day) {
				h.Days++
				h.To = day
				if h.From == "" {
					h.From = day
				}
			}
		}
		out = append(out, h)
	}
	return out, nil
}

// KeyState is what is known of a data key.
type KeyState struct {
	Municipality string `json:"municipality"`
	Month        string `json:"month"`
	Number       uint64 `json:"number"`
	State        string `json:"state"` // ready, locked, erased, or why it can't be read
}

// List tries every data key.
func (k *Keys) List() ([]KeyState, error) {
	files, err := os.ReadDir(k.dir)
	if err != nil {
		return nil, fmt.Errorf("archive: keys: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	out := []KeyState{}
	for _, f := range files {
		parts := strings.Split(f.Name(), ".")
		town, month, ok := strings.Cut(parts[0], "-")
		if !ok || !isCode(town) || !isDay(month+"-01") {
			continue
		}
		s := KeyState{Municipality: town, Month: month, State: "ready"}
		if len(parts) == 2 && "."+parts[1] == erasedSuffix {
			s.State = "erased"
			if s.Number, err = k.erasedTo(period{town, month}); err != nil {
				s.State = err.Error()
			}
			out = append(out, s)
			continue
		}
		if len(parts) != 3 || "."+parts[2] != keySuffix {
			continue
		}
		s.Number, _ = strconv.ParseUint(parts[1], 10, 64)
		_, err := k.read(keyName{period{town, month}, s.Number})
		switch {
		case errors.Is(err, ErrLocked):
			s.State = "locked"
		case err != nil:
			s.State = err.Error()
		}
		out = append(out, s)
	}
	return out, nil
}
