// Command mimamori-collector takes a municipality's log lines and ships them to
// the prefecture. It translates flags and signals, one file for each command;
// package collector does the work and says what happens under pressure.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command().ExecuteContext(ctx)
	stop()
	if err != nil {
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use: "mimamori-collector", Short: "Collects a municipality's logs and ships them to the prefecture",
		SilenceUsage: true, Args: cobra.NoArgs,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(enrol(), runCommand(), checkCommand(), statusCommand(), maskCommand(), exportCommand(), keyCommand(),
		installCommand(), uninstallCommand(), verify(), versionCommand())
	return root
}

// configFlag adds the flag that most commands have.
func configFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("config", "collector.yaml", "configuration file")
}
