package main

import (
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mimamori/collector"
	"mimamori/collector/status"
)

func statusCommand() *cobra.Command {
	var config, address, lang string
	cmd := &cobra.Command{
		Use: "status", Short: "収集器の様子を表示します / Show how the running collector does", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if address == "" {
				cfg, err := collector.Load(config)
				if err != nil {
					return err
				}
				address = cfg.Status.Listen
			}
			if address == "off" {
				return errors.New("the status page is switched off in the configuration (status.listen)")
			}
			r, err := status.Ask(cmd.Context(), address)
			if err != nil {
				return err
			}
			english := lang == "en" || lang == "" && strings.HasPrefix(os.Getenv("LANG"), "en")
			return status.Write(cmd.OutOrStdout(), r, english, time.Now())
		},
	}
	cmd.Flags().StringVar(&config, "config", "collector.yaml", "configuration file")
	cmd.Flags().StringVar(&address, "address", "", "host:port of the status page; default: that of the configuration")
	cmd.Flags().StringVar(&lang, "lang", "", "ja or en; default: by LANG, else ja")
	return cmd
}
