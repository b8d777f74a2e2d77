package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"mimamori/event"
	"mimamori/internal/lang"
	"mimamori/rules"
)

func (p *program) rulesNew() *cobra.Command {
	var data, when, out string
	c := &cobra.Command{
		Use: "new ID --when EXPR [--out FILE]", Args: cobra.ExactArgs(1), Short: "Draft a rule from a search: its file, with tests from the events that the search finds",
		RunE: func(c *cobra.Command, args []string) error {
			if when == "" {
				return errors.New("rules new needs --when 'EXPR', the search that shows what is odd")
			}
			if err := rules.ValidID(args[0]); err != nil {
				return err
			}
			hits, misses, err := p.samplesOf(c.Context(), data, when)
			if err != nil {
				return err
			}
			if len(hits) == 0 {
				fmt.Fprintln(p.Err, "note: no stored event matches; the draft has no tests")
			}
			text, err := rules.WriteDraft(args[0], when, hits, misses)
			if err != nil {
				return err
			}
			if err := p.writeDraft(out, []byte(schemaLine(out)+text)); err != nil || out == "" {
				return err
			}
			fmt.Fprintf(p.Err, "%s: a draft, which does not run; what stands as … is for you to fill in\n", out)
			return nil
		},
	}
	c.Flags().StringVar(&data, "data", "data", "data folder")
	c.Flags().StringVar(&when, "when", "", "condition, as in the search box")
	c.Flags().StringVar(&out, "out", "", "file to write, which must not be there (default: standard output)")
	return c
}

// schemaFile is the schema for editors, where a folder of rules has it.
const schemaFile = "rules.schema.json"

// schemaLine tells an editor where the schema is that stands beside a new rule.
func schemaLine(out string) string {
	if out == "" {
		return ""
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(out), schemaFile)); err != nil {
		return ""
	}
	return "# yaml-language-server: $schema=" + schemaFile + "\n"
}

// samplesOf finds the newest events that match, and others of their dataset.
func (p *program) samplesOf(ctx context.Context, data, when string) (hits, misses []event.Event, err error) {
	if _, err := lang.Parse(when); err != nil {
		return nil, nil, err
	}
	s, err := p.openEvents(data)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	found, err := s.Search(ctx, event.Query{Text: when, Limit: 10})
	if err != nil || len(found.Batch.Events) == 0 {
		return nil, nil, err
	}
	hits = found.Batch.Events
	dataset := event.AppendString(nil, hits[0].Str(event.MustLookup("event.dataset")))
	others, err := s.Search(ctx, event.Query{Text: "event.dataset == " + string(dataset) + " && not (" + when + ")", Limit: 10})
	if err != nil {
		return nil, nil, err
	}
	return hits, others.Batch.Events, nil
}
