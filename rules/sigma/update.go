package sigma

import (
	"maps"
	"os"
	"path/filepath"
	"slices"

	"mimamori/rules"
)

// Update says what an import changed in the folder, by ids of rules.
type Update struct {
	Added   []string `json:"added"`
	Changed []string `json:"changed"` // they mean something else now
	Removed []string `json:"removed"` // their files are deleted
	Kept    []Kept   `json:"kept"`    // their files are as they were

	Changes  map[string][]rules.Difference `json:"changes"`  // of those that changed: what
	Problems []string                      `json:"problems"` // why the folder can't be loaded as it is now
}

// Kept is a file that the import left although Sigma says something else.
type Kept struct {
	ID  string `json:"id"`
	Why Why    `json:"why"`
}

// Why a file was kept.
type Why string

// The reasons. Somebody edited the file, which Sigma has or has dropped; or Sigma
// dropped the rule, and overrides/ holds a change of it, which needs the rule.
const (
	Edited     Why = "edited"
	EditedGone Why = "edited, and gone from Sigma"
	Overridden Why = "overridden, and gone from Sigma"
)

// update brings the folder to what the import made, and says what that changes.
func (rep *Report) update(out string, files map[string]string, dry bool) error {
	have, err := before(out)
	if err != nil {
		return err
	}
	var write []string
	for _, id := range slices.Sorted(maps.Keys(files)) {
		files[id] = sealed(files[id])
		old, ok := have[id]
		switch from := originOf(old); {
		case !ok:
			rep.Added = append(rep.Added, id)
			write = append(write, id)
		case old == files[id]:
		case from == byOthers:
			rep.Imported--
			rep.refuse(&document{path: filepath.Join(out, id+".yaml"), rule: rule{ID: id}}, refuse("file in the way", "no import wrote it; it is left as it is"))
		case from == byEditor:
			rep.Kept = append(rep.Kept, Kept{id, Edited})
		default:
			rep.compare(id, old, files[id])
			write = append(write, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(have)) {
		if _, again := files[id]; !again && originOf(have[id]) != byOthers {
			rep.gone(out, id, have[id])
		}
	}
	if dry {
		return nil
	}
	if err := rep.apply(out, write, files); err != nil {
		return err
	}
	return rep.check(out)
}

// compare notes what an update changes in a rule; nothing when only its file is
// written otherwise.
func (rep *Report) compare(id, old, now string) {
	was, err := rules.Parse(id+".yaml", []byte(old))
	is, err2 := rules.Parse(id+".yaml", []byte(now))
	changes := []rules.Difference{{Field: "file", Old: "not readable any more", New: "readable"}}
	if err == nil && err2 == nil {
		changes = was.Differences(is)
	}
	if len(changes) > 0 {
		rep.Changed = append(rep.Changed, id)
		rep.Changes[id] = changes
	}
}

// gone decides about the file of a rule that Sigma has not any more.
func (rep *Report) gone(out, id, text string) {
	switch {
	case originOf(text) == byEditor:
		rep.Kept = append(rep.Kept, Kept{id, EditedGone})
	case overridden(out, id):
		rep.Kept = append(rep.Kept, Kept{id, Overridden})
	default:
		rep.Removed = append(rep.Removed, id)
	}
}

func overridden(out, id string) bool {
	return slices.ContainsFunc([]string{".yaml", ".yml"}, func(ext string) bool {
		_, err := os.Stat(filepath.Join(out, rules.Overrides, id+ext))
		return err == nil
	})
}
