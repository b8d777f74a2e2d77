package cli

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mimamori/internal/app"
	"mimamori/internal/place"
	"mimamori/internal/whole"
	"mimamori/rules"
)

// try loads the rules with the override as it would be, before a service sees it.
func try(id string, folders []string, text []byte) (err error) {
	tmp, err := os.MkdirTemp("", "mimamori-rollout-")
	if err != nil {
		return fmt.Errorf("rules rollout: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	if err := replace(filepath.Join(tmp, rules.Overrides, id+".yaml"), text); err != nil {
		return err
	}
	_, err = app.LoadRules(append(slices.Clone(folders), tmp)) // what comes last holds
	return err
}

// replace writes an override, which whoever may read the folder of rules may read.
func replace(path string, text []byte) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(filepath.Dir(dir))
	if err == nil {
		err = os.MkdirAll(dir, info.Mode().Perm())
	}
	if err == nil {
		err = whole.Bytes(path, text)
	}
	if err == nil {
		err = os.Chmod(path, info.Mode().Perm()&0o666)
	}
	if err != nil {
		return fmt.Errorf("rules rollout: %w", err)
	}
	return nil
}

// ways says what status a rule has where: "draft, test in 131016 131024".
func ways(r *rules.Rule) string {
	in := map[rules.Status][]string{}
	for _, code := range slices.Sorted(maps.Keys(r.Towns)) {
		if s := r.Towns[code].Status; s != r.Status {
			in[s] = append(in[s], code)
		}
	}
	out := string(r.Status)
	for _, s := range slices.Sorted(maps.Keys(in)) {
		out += ", " + string(s) + " in " + strings.Join(in[s], " ")
	}
	return out
}

// noRule says that there is none of a name, and which one is near.
func noRule(set *rules.Set, id string) error {
	var ids []string
	for _, r := range set.Rules() {
		ids = append(ids, r.ID)
	}
	if near := place.Nearest(id, ids); near != "" {
		return fmt.Errorf("no rule %q; did you mean %s?", id, near)
	}
	return fmt.Errorf("no rule %q", id)
}
