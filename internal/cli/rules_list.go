package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mimamori/internal/app"
	"mimamori/internal/calendar"
	"mimamori/rules"
)

// listedRule is one rule as it is, everywhere and where it differs.
type listedRule struct {
	ID       string                `json:"id"`
	Severity string                `json:"severity"`
	Status   rules.Status          `json:"status"`
	Towns    map[string]listedTown `json:"municipalities"`
	Changes  []rules.Change        `json:"changes"`
	File     string                `json:"file"`
}

// listedTown is the rule in a municipality that has something of its own.
type listedTown struct {
	Severity string       `json:"severity"`
	Status   rules.Status `json:"status"`
	Tuned    bool         `json:"tuned"` // it counts in another way
}

func (p *program) rulesList() *cobra.Command {
	var folders []string
	var js bool
	c := &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "Every rule with severity, status, municipalities that differ, and who last gave it its status",
		RunE: func(*cobra.Command, []string) error {
			set, err := app.LoadRules(folders)
			if err != nil {
				return err
			}
			list := make([]listedRule, 0, len(set.Rules()))
			for _, r := range set.Rules() {
				list = append(list, listed(r))
			}
			if js {
				return p.print(list)
			}
			return p.showRules(list)
		},
	}
	c.Flags().StringSliceVar(&folders, "rules", nil, "folders of rules, beside the built-in ones")
	c.Flags().BoolVar(&js, "json", false, "print one JSON array")
	return c
}

func listed(r *rules.Rule) listedRule {
	out := listedRule{r.ID, r.Severity.String(), r.Status, map[string]listedTown{}, r.Changes, r.File}
	for code, t := range r.Towns {
		if t.Version != r.Version {
			out.Towns[code] = listedTown{t.Severity.String(), t.Status, !t.CountsLike(r)}
		}
	}
	return out
}

// towns writes what differs: "131016:test,low 131024:tuned".
func (l *listedRule) towns() string {
	var out []string
	for _, code := range slices.Sorted(maps.Keys(l.Towns)) {
		t, what := l.Towns[code], []string{}
		if t.Status != l.Status {
			what = append(what, string(t.Status))
		}
		if t.Severity != l.Severity {
			what = append(what, t.Severity)
		}
		if t.Tuned {
			what = append(what, "tuned")
		}
		out = append(out, code+":"+strings.Join(what, ","))
	}
	return cmp.Or(strings.Join(out, " "), "-")
}

func (p *program) showRules(list []listedRule) error {
	w := tabwriter.NewWriter(p.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ルール rule\t深刻度 severity\t状態 status\t異なる団体 municipalities\t最終変更 changed\t変更者 by\tファイル file")
	for i := range list {
		l := &list[i]
		at, by := "-", "-"
		if n := len(l.Changes); n > 0 {
			at, by = l.Changes[n-1].At.In(calendar.JST()).Format("2006-01-02T15:04"), l.Changes[n-1].By
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.ID, l.Severity, l.Status, l.towns(), at, strings.ReplaceAll(by, "\t", " "), l.File)
	}
	return w.Flush()
}
