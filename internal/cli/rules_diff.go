package cli

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"mimamori/rules"
)

func (p *program) rulesDiff() *cobra.Command {
	var js bool
	c := &cobra.Command{
		Use: "diff OLD NEW", Args: cobra.ExactArgs(2), Short: "Say what changes in meaning from one version of rules to another",
		Long: `Says what changes in meaning from one version of rules to another: rules added,
removed and changed, and what of each. How files are written, comments and the
order of what && and || join are no change. OLD and NEW are a file, a folder
with its overrides, builtin, or several of them with commas between:

  mimamori rules diff builtin builtin,/etc/mimamori/rules`,
		RunE: func(_ *cobra.Command, args []string) error {
			before, err := rulesAt(args[0])
			if err != nil {
				return err
			}
			after, err := rulesAt(args[1])
			if err != nil {
				return err
			}
			d := rules.Compare(before, after)
			if js {
				return p.print(d)
			}
			showDiff(p.Out, &d)
			return nil
		},
	}
	c.Flags().BoolVar(&js, "json", false, "print one JSON object")
	return c
}

// rulesAt loads what OLD or NEW names.
func rulesAt(arg string) (*rules.Set, error) {
	var folders []fs.FS
	for name := range strings.SplitSeq(arg, ",") {
		if name == "builtin" {
			folders = append(folders, rules.Library())
			continue
		}
		info, err := os.Stat(name)
		switch {
		case err != nil:
			return nil, fmt.Errorf("rules diff: %s is no file or folder of rules, and not builtin: %w", name, err)
		case !info.IsDir() && name != arg:
			return nil, fmt.Errorf("rules diff: %s is no folder; only folders go together", name)
		case !info.IsDir():
			return ruleSet(name)
		}
		folders = append(folders, rules.Dir(name))
	}
	set, err := rules.Load(folders...)
	if err != nil {
		return nil, fmt.Errorf("rules diff: %s: %w", arg, err)
	}
	return set, nil
}

// showDiff writes a block for each rule.
func showDiff(w io.Writer, d *rules.Diff) {
	for _, part := range []struct {
		mark string
		list []rules.RuleDiff
	}{{"+", d.Added}, {"-", d.Removed}, {"~", d.Changed}} {
		for _, r := range part.list {
			fmt.Fprintf(w, "%s %s (%s, %s): %s\n", part.mark, r.ID, r.Severity, r.Status, cmp.Or(r.Title.JA, r.Title.EN))
			for _, c := range r.Changes {
				showChange(w, c)
			}
		}
	}
	fmt.Fprintf(w, "%d added, %d removed, %d changed, %d the same\n", len(d.Added), len(d.Removed), len(d.Changed), d.Same)
}

// oneLine is how long old and new may be together, in characters, to stand on
// one line.
const oneLine = 80

func showChange(w io.Writer, c rules.Difference) {
	what := c.Field
	if c.Part != "" {
		what += ", in " + c.Part
	}
	if c.Effect != "" {
		what += " (" + string(c.Effect) + ")"
	}
	if len(c.Added)+len(c.Removed) == 0 && c.Old != "" && c.New != "" && utf8.RuneCountInString(c.Old+c.New) <= oneLine && !strings.Contains(c.Old+c.New, "\n") {
		fmt.Fprintf(w, "    %s: %s → %s\n", what, c.Old, c.New)
		return
	}
	fmt.Fprintf(w, "    %s:\n", what)
	for _, part := range []struct {
		mark string
		list []string
	}{{"-", append([]string{c.Old}, c.Removed...)}, {"+", append([]string{c.New}, c.Added...)}} {
		for _, text := range part.list {
			if text != "" {
				fmt.Fprintf(w, "      %s %s\n", part.mark, strings.ReplaceAll(text, "\n", "\n        "))
			}
		}
	}
}
