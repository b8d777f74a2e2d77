package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mimamori/event"
	"mimamori/internal/app"
	"mimamori/internal/calendar"
	"mimamori/internal/lock"
	"mimamori/rules"
)

func (p *program) rulesRollout() *cobra.Command {
	var folders []string
	var status string
	var change rules.Change
	c := &cobra.Command{
		Use: "rollout ID --status STATUS --rules FOLDER --why TEXT", Args: cobra.ExactArgs(1), Short: "Give a rule a status, everywhere or in some municipalities, and put on record who did it and why",
		Long: `Writes FOLDER/overrides/ID.yaml, whichever folder the rule itself is in: the status, and the change
with its time, author and reason. All else in the file stays, comments too. A service that reads the
folder takes it on within two seconds; what the rule has counted and learned stays.

draft: does not run · test: runs, alerts are counted and marked, nobody is told · stable · deprecated
Without --municipality it is for all, but for municipalities where the rule is deprecated.`,
		RunE: func(_ *cobra.Command, args []string) error {
			change.Status = rules.Status(status)
			return p.rollout(args[0], folders, change)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&folders, "rules", nil, "folder of rules whose overrides are written, and then others that are only read; the built-in rules are there already")
	f.StringVar(&status, "status", "", "draft, test, stable or deprecated")
	f.StringSliceVar(&change.Municipalities, "municipality", nil, "6-digit codes (default: all)")
	f.StringVar(&change.By, "by", "", "who changes it (default: the user of this system)")
	f.StringVar(&change.Why, "why", "", "reason, for those who read it later")
	return c
}

func (p *program) rollout(id string, folders []string, c rules.Change) error {
	if err := complete(&c, folders); err != nil {
		return err
	}
	unlock, err := lock.Dir(filepath.Join(folders[0], rules.Overrides)) // two at once would lose one's change
	if err != nil {
		return fmt.Errorf("rules rollout: %w", err)
	}
	defer unlock()
	set, err := app.LoadRules(folders)
	if err != nil {
		return err
	}
	was := set.Get(id)
	if was == nil {
		return noRule(set, id)
	}
	c.At = p.now().In(calendar.JST()).Truncate(1e9)
	path := filepath.Join(folders[0], rules.Overrides, id+".yaml")
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("rules rollout: %w", err)
	}
	if text, err = rules.Rollout(path, text, c); err != nil {
		return err
	}
	if err := try(id, folders, text); err != nil {
		return err
	}
	if err := replace(path, text); err != nil {
		return err
	}
	if set, err = app.LoadRules(folders); err != nil {
		return err
	}
	fmt.Fprintf(p.Out, "%s: %s → %s\n%s\n", id, ways(was), ways(set.Get(id)), path)
	if c.Status == rules.InTest || c.Status == rules.Stable {
		p.lacking(set, id)
	}
	return nil
}

// lacking says what a rule that is at work now still lacks.
func (p *program) lacking(set *rules.Set, id string) {
	var found []string
	for _, f := range rules.Lint(set) {
		if f.Rule == id {
			found = append(found, f.Message)
		}
	}
	if len(found) > 0 {
		fmt.Fprintf(p.Err, "it runs, but `rules lint` says: %s\n", strings.Join(found, "; "))
	}
}

// complete checks what the flags say, and adds who calls.
func complete(c *rules.Change, folders []string) error {
	switch c.Status {
	case rules.Draft, rules.InTest, rules.Stable, rules.Deprecated:
	default:
		return fmt.Errorf("rules rollout needs --status draft, test, stable or deprecated, not %q", c.Status)
	}
	if len(folders) == 0 {
		return errors.New("rules rollout needs --rules FOLDER, below which it writes overrides/ID.yaml")
	}
	if strings.TrimSpace(c.Why) == "" {
		return errors.New("rules rollout needs --why TEXT: others will ask")
	}
	for _, code := range c.Municipalities {
		if err := event.CheckCode(code); err != nil {
			return fmt.Errorf("--municipality: %w", err)
		}
	}
	slices.Sort(c.Municipalities)
	c.Municipalities = slices.Compact(c.Municipalities)
	if c.By == "" {
		u, err := user.Current()
		if err != nil {
			return fmt.Errorf("--by NAME is needed: %w", err)
		}
		c.By = u.Username
	}
	return nil
}
