package sigma

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"mimamori/internal/whole"
)

// apply writes and deletes files, each whole: the running program follows its
// folders.
func (rep *Report) apply(out string, write []string, files map[string]string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("sigma: %w", err)
	}
	for _, id := range write {
		path := filepath.Join(out, id+".yaml")
		err := whole.Bytes(path, []byte(files[id]))
		if err == nil {
			err = os.Chmod(path, 0o644) // rules are no secret, and others run them
		}
		if err != nil {
			return fmt.Errorf("sigma: %w", err)
		}
	}
	for _, id := range rep.Removed {
		if err := os.Remove(filepath.Join(out, id+".yaml")); err != nil {
			return fmt.Errorf("sigma: %w", err)
		}
	}
	return nil
}

// before reads the rule files that the folder holds.
func before(out string) (map[string]string, error) {
	have := map[string]string{}
	entries, err := os.ReadDir(out)
	if os.IsNotExist(err) {
		return have, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sigma: %w", err)
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), ".yaml")
		if !ok || e.IsDir() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(out, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("sigma: %w", err)
		}
		have[id] = string(data)
	}
	return have, nil
}
