package cli

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mimamori/event"
	"mimamori/ingest/format"
	"mimamori/internal/app"
	"mimamori/rules"
)

func (p *program) rules() *cobra.Command {
	return group("rules", "Detection rules: check, test, explain, compare, import, run, measure",
		p.rulesList(), p.rulesNew(), p.rulesSchema(), p.rulesLint(), p.rulesTest(), p.rulesExplain(), p.rulesBacktest(), p.rulesDiff(), p.rulesRollout(), p.rulesImport(), p.rulesRun(), p.rulesBench())
}

// ruleSet loads a folder's rules, with the built-in ones that it overrides, those
// of one file, or all built-in ones when it is "".
func ruleSet(path string) (*rules.Set, error) {
	if path == "" {
		return app.LoadRules(nil)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("--rules: it is no folder of rules and no file: %w", err)
	}
	if !info.IsDir() {
		return rules.LoadFile(path)
	}
	all, err := app.LoadRules([]string{path})
	if err != nil { // or it holds the built-in ones itself
		alone, failed := rules.Load(rules.Dir(path))
		if failed != nil {
			return nil, err
		}
		return alone, nil
	}
	builtin, err := rules.Builtin()
	if err != nil {
		return nil, err
	}
	return all.Only(func(r *rules.Rule) bool {
		b := builtin.Get(r.ID)
		return b == nil || b.Version != r.Version || len(r.Towns)+len(r.Changes) > 0
	}), nil
}

func rulesFlag(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "rules", "", "folder of rules, or one file (default: the built-in ones)")
}

func (p *program) rulesLint() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: "lint", Args: cobra.NoArgs, Short: "Check rule files: mistakes with their place, costs, missing texts and tests",
		RunE: func(*cobra.Command, []string) error {
			set, err := ruleSet(dir)
			if err != nil {
				return err
			}
			findings := rules.Lint(set)
			for _, f := range findings {
				fmt.Fprintln(p.Out, f)
			}
			fmt.Fprintf(p.Out, "%d rules, %d findings\n", len(set.Rules()), len(findings))
			return nil
		},
	}
	rulesFlag(c, &dir)
	return c
}

func (p *program) rulesTest() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: "test", Args: cobra.NoArgs, Short: "Run the tests inside the rule files",
		RunE: func(*cobra.Command, []string) error {
			set, err := ruleSet(dir)
			if err != nil {
				return err
			}
			failures := rules.Test(set)
			for _, f := range failures {
				fmt.Fprintln(p.Out, f)
			}
			if len(failures) > 0 {
				return fmt.Errorf("%d tests failed", len(failures))
			}
			fmt.Fprintf(p.Out, "%d rules: all tests passed\n", len(set.Rules()))
			return nil
		},
	}
	rulesFlag(c, &dir)
	return c
}

func (p *program) rulesExplain() *cobra.Command {
	var dir, id string
	var s source
	c := &cobra.Command{
		Use: "explain --rule ID [< lines]", Args: cobra.NoArgs, Short: "Say for each line why a rule fires or does not: every sub-expression's value",
		RunE: func(*cobra.Command, []string) error {
			set, err := ruleSet(dir)
			if err != nil {
				return err
			}
			rule := set.Get(id)
			if rule == nil {
				return fmt.Errorf("--rule: no rule %q in %s; --rules FOLDER says where it is", id, cmp.Or(dir, "the built-in ones"))
			}
			return p.eachEvent(&s, func(n int, ev *event.Event) error {
				_, err := fmt.Fprintf(p.Out, "line %d\n%s\n", n, rules.Explain(rule, ev))
				return err
			})
		},
	}
	rulesFlag(c, &dir)
	c.Flags().StringVar(&id, "rule", "", "id of the rule")
	c.Flags().StringVar(&s.input, "input", "", "file of log lines (default: standard input)")
	s.flags(c)
	return c
}

func (p *program) rulesRun() *cobra.Command {
	var dir string
	var s source
	c := &cobra.Command{
		Use: "run --input FILE", Args: cobra.NoArgs, Short: `Run rules over a file of log lines, print {"rule":ID,"line":N} for each match`,
		RunE: func(*cobra.Command, []string) error {
			set, err := ruleSet(dir)
			if err != nil {
				return err
			}
			engine := rules.NewEngine(set, rules.Options{Log: p.log, Now: p.now})
			out := bufio.NewWriterSize(p.Out, 1<<16)
			err = p.eachEvent(&s, func(n int, ev *event.Event) error {
				var failed error
				engine.Match(ev, func(r *rules.Rule) {
					if _, err := fmt.Fprintf(out, "{\"rule\":%s,\"line\":%d}\n", event.AppendString(nil, r.ID), n); err != nil {
						failed = err
					}
				})
				return failed
			})
			return errors.Join(err, out.Flush())
		},
	}
	rulesFlag(c, &dir)
	c.Flags().StringVar(&s.input, "input", "", "file of log lines, gzip if it ends in .gz (default: standard input)")
	s.flags(c)
	return c
}

func (p *program) rulesBench() *cobra.Command {
	c := p.benchRules()
	c.Use = strings.Replace(c.Use, "rules", "bench", 1)
	return c
}

// eachEvent parses every line of the input and calls fn with its event.
func (p *program) eachEvent(s *source, fn func(n int, ev *event.Event) error) error {
	parser, err := s.parser(nil, p.now)
	if err != nil {
		return err
	}
	in, err := p.open(s.input)
	if err != nil {
		return err
	}
	defer in.Close()
	x, batch := new(event.Builder), new(event.Batch)
	return s.each(in, func(n int, line string) error {
		parser.Parse(format.Input{Line: line, Received: p.now()}, x)
		defer batch.Reset()
		return fn(n, batch.Append(x, event.Ref{Seq: uint64(n)}))
	})
}
