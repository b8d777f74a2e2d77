package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"mimamori/event"
	"mimamori/internal/app"
	"mimamori/internal/lists"
	"mimamori/internal/measure"
	"mimamori/rules"
)

// backtest is one call of the command.
type backtest struct {
	data, rule, running, lists, from, to string
	towns                                []string
	js                                   bool
}

func (p *program) rulesBacktest() *cobra.Command {
	var b backtest
	c := &cobra.Command{
		Use: "backtest --rules FILE", Args: cobra.NoArgs, Short: "Run rules over stored events: alerts by day and municipality, groups, and what a change adds and removes",
		Long: `Runs the rules of a file or folder, whatever their status, over the events of a
data folder, also while the service works on it. Exceptions (allow) and named
lists apply. Where a rule of the same id is at work, both run, and the
differences are shown. Nobody is told of anything.`,
		RunE: func(c *cobra.Command, _ []string) error { return p.backtest(c.Context(), b) },
	}
	f := c.Flags()
	f.StringVar(&b.data, "data", "data", "data folder")
	f.StringVar(&b.rule, "rules", "", "file or folder of the rules to test")
	f.StringVar(&b.running, "running", "", "folder of the rules at work, beside the built-in ones")
	f.StringVar(&b.lists, "lists", "", "folder of named lists (default: DATA/lists)")
	f.StringVar(&b.from, "from", "", "earliest time: 2026-11-22, 2026-11-22T09:00:00+09:00, or an age such as 24h, 30d")
	f.StringVar(&b.to, "to", "", "first time no longer wanted, same forms")
	f.StringSliceVar(&b.towns, "municipality", nil, "codes (default: all)")
	f.BoolVar(&b.js, "json", false, "print one JSON object")
	return c
}

func (p *program) backtest(ctx context.Context, b backtest) error {
	if b.rule == "" {
		return errors.New("rules backtest needs --rules FILE or FOLDER")
	}
	set, err := ruleSet(b.rule)
	if err != nil {
		return err
	}
	var folders []string
	if b.running != "" {
		folders = []string{b.running}
	}
	running, err := app.LoadRules(folders)
	if err != nil {
		return err
	}
	if b.lists == "" {
		b.lists = filepath.Join(b.data, "lists")
	}
	named, err := lists.Open(b.lists)
	if err != nil {
		return err
	}
	q := event.Query{Tenants: b.towns}
	if q.From, err = p.moment(b.from); err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	if q.To, err = p.moment(b.to); err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	s, err := p.openStore(b.data, named)
	if err != nil {
		return err
	}
	test, use := rules.NewBacktest(set, running, named, p.log), measure.Start()
	total, err := s.Count(ctx, q)
	if err == nil {
		err = s.Scan(ctx, q, test.Condition(), test.Fields(), test)
	}
	reports, took := test.Report(), use()
	if err == nil && !b.js {
		err = wholeExamples(ctx, s, b.towns, reports)
	}
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	if b.js {
		return p.print(struct {
			Events  int64               `json:"events"`
			Matches uint64              `json:"matches"`
			Allowed uint64              `json:"allowed"`
			CPU     float64             `json:"cpu_seconds"`
			Rules   []*rules.RuleReport `json:"rules"`
		}{total, test.Matches(), test.Allowed(), took.CPU.Seconds(), reports})
	}
	fmt.Fprintf(p.Out, "%d events searched in %.1f s (%.1f s of CPU); %d matches of conditions, %d taken out by exceptions\n", total, took.Wall.Seconds(), took.CPU.Seconds(), test.Matches(), test.Allowed())
	for _, r := range reports {
		showBacktest(p.Out, r)
	}
	return nil
}
