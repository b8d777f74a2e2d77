package cli

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mimamori/rules"
	"mimamori/rules/sigma"
)

func (p *program) rulesImport() *cobra.Command {
	var from, out, tests string
	var js, dry bool
	c := &cobra.Command{
		Use: "import --sigma DIR --out DIR", Args: cobra.NoArgs, Short: "Turn Sigma rules into rule files, and say of each that can't be why",
		Long: "Turn Sigma rules, correlations and filters into rule files, and say of each that can't be why.\n" +
			"Again, it brings the folder up to date and says what changed; what a site wrote into its folder overrides stays and still holds.\n" +
			"A file that somebody edited is left as it is and named.",
		RunE: func(*cobra.Command, []string) error {
			if from == "" || out == "" {
				return errors.New("rules import needs --sigma DIR and --out DIR")
			}
			o := sigma.Options{DryRun: dry}
			if tests != "" {
				o.Regression = os.DirFS(tests)
			}
			report, err := sigma.Import(os.DirFS(from), out, o)
			if err != nil {
				return err
			}
			if js {
				return p.print(report)
			}
			p.printImport(&report)
			return nil
		},
	}
	c.Flags().StringVar(&from, "sigma", "", "folder of Sigma rules")
	c.Flags().StringVar(&out, "out", "", "folder for the rule files")
	c.Flags().StringVar(&tests, "tests", "", "folder of regression data (events.jsonl.gz, tests.jsonl.gz): the rules get tests of it")
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would change, write nothing")
	c.Flags().BoolVar(&js, "json", false, "print one JSON object")
	return c
}

// printImport tells people what an import did.
func (p *program) printImport(r *sigma.Report) {
	fmt.Fprintf(p.Out, "%d rules: %d imported, %d refused\n", r.Total, r.Imported, r.Refused)
	byCount := func(a, b string) int { return cmp.Or(r.Reasons[b]-r.Reasons[a], strings.Compare(a, b)) }
	for _, reason := range slices.SortedFunc(maps.Keys(r.Reasons), byCount) {
		fmt.Fprintf(p.Out, "%6d  %s\n", r.Reasons[reason], reason)
	}
	for _, x := range r.Refusals {
		fmt.Fprintf(p.Out, "refused %s: %s: %s\n", x.File, x.Kind, x.Detail)
	}
	for _, x := range r.Drafts {
		fmt.Fprintf(p.Out, "draft %s: %s: %s\n", x.ID, x.Kind, x.Detail)
	}
	for _, f := range r.Filters {
		fmt.Fprintf(p.Out, "filter %s: added to %d rules\n", f.Title, f.Rules)
	}
	for _, part := range []struct {
		what string
		ids  []string
	}{{"added", r.Added}, {"removed", r.Removed}, {"test fails", r.Tests.Failing}} {
		if len(part.ids) > 0 {
			fmt.Fprintf(p.Out, "%d %s\n", len(part.ids), part.what)
		}
		if part.what == "added" && len(part.ids) == r.Imported-len(r.Filters) {
			continue // a first import: all of them
		}
		for _, id := range part.ids {
			fmt.Fprintf(p.Out, "  %s %s\n", part.what, id)
		}
	}
	if r.Tests.Rules > 0 {
		fmt.Fprintf(p.Out, "%d rules have tests\n", r.Tests.Rules)
	}
	p.printUpdate(&r.Update)
}

// printUpdate tells what an import changed in what was there, in short.
func (p *program) printUpdate(u *sigma.Update) {
	for _, id := range u.Changed {
		fmt.Fprintf(p.Out, "  changed %s: %s\n", id, changedFields(u.Changes[id]))
	}
	edited := false
	for _, k := range u.Kept {
		fmt.Fprintf(p.Out, "  kept %s: %s\n", k.ID, k.Why)
		edited = edited || k.Why != sigma.Overridden
	}
	if edited {
		fmt.Fprintf(p.Out, "An edited file stays as it is and gets no update: move the change to %s/ID.yaml, delete the file and import again.\n", rules.Overrides)
	}
	for _, problem := range u.Problems {
		fmt.Fprintf(p.Out, "the folder cannot be loaded: %s\n", problem)
	}
	fmt.Fprintf(p.Out, "%d added, %d removed, %d changed, %d kept\n", len(u.Added), len(u.Removed), len(u.Changed), len(u.Kept))
}

// changedFields names what changed, each once: severity, when (wider).
func changedFields(changes []rules.Difference) string {
	var out []string
	for _, c := range changes {
		text := c.Field
		switch {
		case c.Effect != "":
			text += " (" + string(c.Effect) + ")"
		case c.Old != "" && c.New != "" && len(c.Old+c.New) <= oneLine:
			text += " " + c.Old + " → " + c.New
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ", ")
}
