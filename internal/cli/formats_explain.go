package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mimamori/ingest/format"
	"mimamori/internal/app"
)

func (p *program) formatsExplain() *cobra.Command {
	var s source
	var dirs []string
	var line, header string
	var js bool
	c := &cobra.Command{
		Use: "explain [--line LINE | < lines]", Args: cobra.NoArgs, Short: "Show every step from a line to its event: header, candidates, keys, mappings, conditions, time",
		RunE: func(c *cobra.Command, _ []string) error {
			set, err := app.LoadFormats(dirs)
			if err != nil {
				return err
			}
			opts, err := s.options(set, p.now)
			if err != nil {
				return err
			}
			in := p.In
			if c.Flags().Changed("line") {
				in = strings.NewReader(line)
			}
			out := bufio.NewWriter(p.Out)
			err = s.each(in, func(n int, text string) error {
				e := set.Explain(format.Input{Line: text, Header: header, Received: p.now()}, opts)
				if js {
					return writeJSON(out, e)
				}
				return showExplanation(out, n, &e)
			})
			return errors.Join(err, out.Flush())
		},
	}
	s.flags(c)
	c.Flags().StringSliceVar(&dirs, "formats", nil, "folders of formats beside the built-in ones")
	c.Flags().StringVar(&line, "line", "", "the line (default: lines from standard input)")
	c.Flags().StringVar(&header, "header", "", "header line of the file that the lines are rows of")
	c.Flags().BoolVar(&js, "json", false, "print one JSON object a line")
	return c
}

// showExplanation writes an explanation for people.
func showExplanation(w io.Writer, n int, e *format.Explanation) error {
	fmt.Fprintf(w, "line %d: %s\n", n, e.Line)
	switch {
	case e.Format == "":
		fmt.Fprintf(w, "no format took it\n")
	default:
		fmt.Fprintf(w, "format %s\n", e.Format)
	}
	if e.Reason != "" {
		fmt.Fprintf(w, "quarantined: %s\n", e.Reason)
	}
	for i := range e.Steps {
		showStep(w, &e.Steps[i])
	}
	var event bytes.Buffer
	if err := json.Indent(&event, e.Event, "", "  "); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	_, err := fmt.Fprintf(w, "event\n%s\n\n", event.Bytes())
	return err
}

func showStep(w io.Writer, st *format.Step) {
	fmt.Fprint(w, st.Stage)
	switch {
	case st.Key != "":
		fmt.Fprintf(w, "  %s = %q", st.Key, st.Value)
	case st.Value != "":
		fmt.Fprintf(w, "  %q", st.Value)
	}
	if st.At != "" {
		fmt.Fprintf(w, "   [%s  %s]", st.At, st.Says)
	}
	fmt.Fprintln(w)
	for _, d := range st.Did {
		fmt.Fprintf(w, "    %s\n", d)
	}
	if st.Result != "" {
		fmt.Fprintf(w, "    %s\n", st.Result)
	}
	for _, c := range st.Candidates {
		mark := "no   "
		if c.Taken {
			mark = "taken"
		}
		fmt.Fprintf(w, "    %s %s (%s): %s\n", mark, c.Format, c.At, c.Why)
	}
	for _, c := range st.Changes {
		switch {
		case c.Before == "":
			fmt.Fprintf(w, "    + %s = %s\n", c.Field, c.After)
		case c.After == "":
			fmt.Fprintf(w, "    - %s (was %s)\n", c.Field, c.Before)
		default:
			fmt.Fprintf(w, "    ~ %s: %s → %s\n", c.Field, c.Before, c.After)
		}
	}
}

// options are the parser's, as the flags say.
func (s *source) options(set *format.Set, now func() time.Time) (format.Options, error) {
	location, err := time.LoadLocation(s.zone)
	if err != nil {
		return format.Options{}, fmt.Errorf("--tz: %w", err)
	}
	if s.format != "auto" && !set.Has(s.format) {
		return format.Options{}, fmt.Errorf("--format: no format %q; there are: auto %v", s.format, set.Names())
	}
	return format.Options{Location: location, Now: now, Format: s.format}, nil
}
