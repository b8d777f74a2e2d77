package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"mimamori/collector"
)

func checkCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "check", Short: "Check a configuration and the files that it names", Args: cobra.NoArgs}
	config := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := collector.Load(*config)
		if err == nil {
			err = cfg.Check()
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: in order, %d inputs\n", *config, len(cfg.Inputs))
		return err
	}
	return cmd
}
