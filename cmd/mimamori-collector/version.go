package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"mimamori/internal/care"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "mimamori-collector", care.Version(), runtime.GOOS+"/"+runtime.GOARCH)
			return err
		},
	}
}
