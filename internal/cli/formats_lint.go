package cli

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"mimamori/ingest/format"
	"mimamori/internal/app"
	"mimamori/internal/measure"
)

func (p *program) formatsLint() *cobra.Command {
	var slow float64
	var js bool
	c := &cobra.Command{
		Use: "lint [DIR...]", Short: "Say what an author should know of the formats in these folders (default: the built-in ones); errors end with status 1, warnings do not",
		RunE: func(_ *cobra.Command, dirs []string) error {
			set, err := app.LoadFormats(dirs)
			if err != nil {
				return err
			}
			opts := format.LintOptions{Layer: min(len(dirs), 1), Slow: slow}
			if slow > 0 {
				opts.CPU = measure.CPU
			}
			findings := format.Lint(set, opts)
			return p.showFindings(findings, js)
		},
	}
	c.Flags().Float64Var(&slow, "slow", 30, "µs of CPU per KB from which a format is called slow, 0 to measure none")
	c.Flags().BoolVar(&js, "json", false, "print one JSON object a finding")
	return c
}

func (p *program) showFindings(findings []format.Finding, js bool) error {
	out := bufio.NewWriter(p.Out)
	wrong := 0
	for _, f := range findings {
		severity := "warning"
		if !f.Warning {
			severity = "error"
			wrong++
		}
		if !js {
			fmt.Fprintln(out, f)
			continue
		}
		if err := writeJSON(out, map[string]any{
			"format": f.Format, "severity": severity, "file": f.Err.File, "line": f.Err.Line, "column": f.Err.Col, "message": f.Err.Msg,
		}); err != nil {
			return err
		}
	}
	if !js {
		fmt.Fprintf(out, "%d errors, %d warnings\n", wrong, len(findings)-wrong)
	}
	err := out.Flush()
	if wrong > 0 {
		err = errors.Join(err, fmt.Errorf("%d errors in formats", wrong))
	}
	return err
}
