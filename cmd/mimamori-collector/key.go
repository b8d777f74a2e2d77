package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"mimamori/collector"
)

func keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "key", Short: "Print the public key that the prefecture must know, making the key when missing", Args: cobra.NoArgs,
	}
	config := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := collector.Load(*config)
		if err != nil {
			return err
		}
		c, err := collector.New(cfg, collector.Options{})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), c.PublicKey())
		return err
	}
	return cmd
}
