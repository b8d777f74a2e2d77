package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mimamori/collector"
	"mimamori/collector/agent"
	"mimamori/internal/bus"
	"mimamori/internal/care"
)

func enrol() *cobra.Command {
	e := agent.Enrolment{Now: time.Now}
	c := &cobra.Command{
		Use: "enrol TOKEN", Args: cobra.ExactArgs(1),
		Short: "Join the prefecture by the one-time token that it gave (- reads it from standard input)",
		RunE: func(cmd *cobra.Command, args []string) error {
			e.Token = args[0]
			if e.Token == "-" {
				b, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), 1<<17))
				if err != nil {
					return fmt.Errorf("token: %w", err)
				}
				e.Token = string(b)
			}
			cfg, err := agent.Enrol(cmd.Context(), e)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "登録しました: %s（%s, %s）。次を実行してください: mimamori-collector run --config %s\nEnrolled. Now run: mimamori-collector run --config %s\n",
				cfg.Collector, cfg.Municipality, cfg.Zone, e.Config, e.Config)
			return err
		},
	}
	c.Flags().StringVar(&e.Data, "data", "data", "folder of spool, key and orders")
	c.Flags().StringVar(&e.Config, "config", "collector.yaml", "configuration file to write")
	return c
}

func verify() *cobra.Command {
	var config, key string
	c := &cobra.Command{
		Use: "verify PACKAGE SIGNATURE", Args: cobra.ExactArgs(2), Short: "Check a program's package against the prefecture's signature before installing it",
		RunE: func(cmd *cobra.Command, args []string) error {
			if key == "" {
				cfg, err := collector.Load(config)
				if err != nil {
					return err
				}
				if key = cfg.OrderKey; key == "" {
					return errors.New("this collector takes no orders, so it knows no key: name it with --key")
				}
			}
			public, err := bus.ParsePublic(key)
			if err != nil {
				return err
			}
			signature, err := os.ReadFile(args[1])
			if err != nil {
				return fmt.Errorf("signature: %w", err)
			}
			f, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("package: %w", err)
			}
			defer f.Close()
			if err := care.VerifyPackage(f, strings.TrimSpace(string(signature)), public); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: 署名は正しいです / in order, signed by %s\n", args[0], key)
			return err
		},
	}
	c.Flags().StringVar(&config, "config", "collector.yaml", "configuration file, for the key")
	c.Flags().StringVar(&key, "key", "", "public key instead of the prefecture's order key")
	return c
}
