package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"mimamori/rules"
)

func (p *program) rulesSchema() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Args: cobra.NoArgs, Short: "Print the JSON Schema of rule files and overrides, for editors",
		RunE: func(*cobra.Command, []string) error {
			if _, err := io.WriteString(p.Out, rules.Schema()); err != nil {
				return fmt.Errorf("output: %w", err)
			}
			return nil
		},
	}
}
