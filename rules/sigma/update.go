package sigma

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mimamori/rules"
)

// update brings the folder to what the import made, and says what that changes.
func (rep *Report) update(out string, files map[string]string, dry bool) error {
	have, foreign, err := before(out)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(files)) {
		old, ok := have[id]
		switch {
		case foreign[id]:
			rep.Imported--
			rep.refuse(&document{path: filepath.Join(out, id+".yaml"), rule: rule{ID: id}}, refuse("file in the way", "no import wrote it; it is left as it is"))
			delete(files, id)
		case !ok:
			rep.Added = append(rep.Added, id)
		case old != files[id]:
			rep.Changed = append(rep.Changed, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(have)) {
		if _, again := files[id]; again {
			continue
		}
		if _, err := os.Stat(filepath.Join(out, rules.Overrides, id+".yaml")); err == nil {
			rep.Kept = append(rep.Kept, id)
		} else {
			rep.Removed = append(rep.Removed, id)
		}
	}
	if dry {
		return nil
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("sigma: %w", err)
	}
	for _, id := range slices.Concat(rep.Added, rep.Changed) {
		// Renamed into place: the running program follows its folders.
		path := filepath.Join(out, id+".yaml")
		if err := os.WriteFile(path+".new", []byte(files[id]), 0o644); err != nil {
			return fmt.Errorf("sigma: %w", err)
		}
		if err := os.Rename(path+".new", path); err != nil {
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

// before reads what earlier imports wrote into the folder, and which rules in
// it are somebody else's.
func before(out string) (have map[string]string, foreign map[string]bool, err error) {
	have, foreign = map[string]string{}, map[string]bool{}
	entries, err := os.ReadDir(out)
	if os.IsNotExist(err) {
		return have, foreign, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("sigma: %w", err)
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), ".yaml")
		if !ok || e.IsDir() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(out, e.Name()))
		if err != nil {
			return nil, nil, fmt.Errorf("sigma: %w", err)
		}
		if strings.HasPrefix(string(data), header) {
			have[id] = string(data)
		} else {
			foreign[id] = true
		}
	}
	return have, foreign, nil
}
