package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"mimamori/ingest/format"
)

func (p *program) formatsSchema() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Args: cobra.NoArgs, Short: "Print the JSON Schema of format files, for editors",
		RunE: func(*cobra.Command, []string) error {
			if _, err := io.WriteString(p.Out, format.Schema()); err != nil {
				return fmt.Errorf("output: %w", err)
			}
			return nil
		},
	}
}
