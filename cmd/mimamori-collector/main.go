// Command mimamori-collector takes a municipality's log lines and ships them to
// the prefecture. It translates flags and signals; package collector does the
// work and says what happens under pressure.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"mimamori/collector"
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
	var config string
	run := &cobra.Command{
		Use: "run", Short: "Collect until interrupted", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := collector.Load(config)
			if err != nil {
				return err
			}
			c, err := collector.New(cfg, collector.Options{Log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))})
			if err != nil {
				return err
			}
			return c.Run(cmd.Context())
		},
	}
	check := &cobra.Command{
		Use: "check", Short: "Check a configuration and the files that it names", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := collector.Load(config)
			if err == nil {
				err = cfg.Check()
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: in order, %d inputs\n", config, len(cfg.Inputs))
			return err
		},
	}
	key := &cobra.Command{
		Use: "key", Short: "Print the public key that the prefecture must know, making the key when missing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := collector.Load(config)
			if err != nil {
				return err
			}
			c, err := collector.New(cfg, collector.Options{})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), c.PublicKey())
			return err
		},
	}
	for _, c := range []*cobra.Command{run, check, key} {
		c.Flags().StringVar(&config, "config", "collector.yaml", "configuration file")
	}
	root.AddCommand(run, check, key, &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "mimamori-collector", version(), runtime.GOOS+"/"+runtime.GOARCH)
			return err
		},
	})
	return root
}

// version is the module's version, or the commit that was built.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}
