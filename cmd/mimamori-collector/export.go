package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"mimamori/collector"
	"mimamori/internal/bus"
)

// exportCommand copies frames to a medium, for a zone without a line.
func exportCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "export DIR", Args: cobra.ExactArgs(1), Short: "Copy the files that are to be carried into a folder, such as a mounted stick"}
	config := configFlag(cmd)
	again := cmd.Flags().Bool("again", false, "copy those that were exported before too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := collector.Load(*config)
		if err != nil {
			return err
		}
		if err := drain(cmd.Context(), cfg); err != nil {
			return err
		}
		names, err := cfg.Export(args[0], *again)
		for _, n := range names {
			if _, perr := fmt.Fprintln(cmd.OutOrStdout(), n); perr != nil {
				return perr
			}
		}
		return err
	}
	return cmd
}

// drain closes what a stopped collector has spooled; a running one closes its
// files by itself, when they are old or large enough.
func drain(ctx context.Context, cfg collector.Config) error {
	c, err := collector.New(cfg, collector.Options{})
	if err != nil {
		return err
	}
	if err := c.Drain(ctx); !errors.Is(err, bus.ErrLocked) {
		return err
	}
	return nil
}
