package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/kardianos/service"
	"github.com/spf13/cobra"

	"mimamori/collector"
	"mimamori/deploy"
)

const serviceName = "mimamori-collector"

// unitCommand is the line of our unit that names the program and its
// configuration; the service package fills it in with the right quotes.
const unitCommand = "ExecStart=/usr/local/bin/mimamori-collector run --config /etc/mimamori/collector.yaml"

var errNoSystemd = errors.New("this system has no systemd: let its own service manager start `mimamori-collector run --config FILE`")

func installCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "install", Short: "Install this program as a service (systemd, Windows) and start it", Args: cobra.NoArgs,
	}
	config := configFlag(cmd)
	noStart := cmd.Flags().Bool("no-start", false, "leave it for the next start of the machine")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := filepath.Abs(*config)
		if err != nil {
			return fmt.Errorf("install: %w", err)
		}
		cfg, err := collector.Load(path) // a service that cannot start helps nobody
		if err == nil {
			err = cfg.Check()
		}
		if err != nil {
			return err
		}
		s, err := newService(path)
		if err != nil {
			return err
		}
		if runtime.GOOS == "linux" {
			if err := reachable(path, cfg.Data); err != nil {
				return err
			}
		}
		if err := s.Install(); err != nil {
			return fmt.Errorf("install: %w (is it installed already, or are you not the administrator?)", err)
		}
		if !*noStart {
			if err := s.Start(); err != nil {
				return fmt.Errorf("install: it is installed but does not start: %w", err)
			}
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "サービス %[1]s を登録しました (設定: %[2]s)\nservice %[1]s is installed (configuration: %[2]s)\n", serviceName, path)
		return err
	}
	return cmd
}

func uninstallCommand() *cobra.Command {
	return &cobra.Command{
		Use: "uninstall", Short: "Stop the service and remove it; configuration, key and spool stay", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := newService("")
			if err != nil {
				return err
			}
			if status, err := s.Status(); err == nil && status == service.StatusRunning {
				if err := s.Stop(); err != nil {
					return fmt.Errorf("uninstall: it does not stop: %w", err)
				}
			}
			if err := s.Uninstall(); err != nil {
				return fmt.Errorf("uninstall: %w (is it installed, and are you the administrator?)", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "サービス %[1]s を削除しました\nservice %[1]s is removed\n", serviceName)
			return err
		},
	}
}

// stateDir is where the unit lets the collector write.
const stateDir = "/var/lib/mimamori-collector"

// reachable says what our unit keeps the service from: it sees no home folders
// and no /tmp, and writes to its own folder only.
func reachable(config, data string) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	for _, path := range []string{exe, config} {
		for _, hidden := range []string{"/home", "/root", "/run/user", "/tmp", "/var/tmp"} {
			if within(path, hidden) {
				return fmt.Errorf("install: the service may not look into %s: move %s, such as to /usr/local/bin or /etc/mimamori", hidden, path)
			}
		}
	}
	if !within(data, stateDir) {
		return fmt.Errorf("install: the service writes below %[1]s only: set data: %[1]s in %[2]s (it says %[3]s)", stateDir, config, data)
	}
	return nil
}

// within tells whether a path is the folder or below it.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// newService describes the service to the system's manager.
func newService(config string) (service.Service, error) {
	if runtime.GOOS == "linux" && service.Platform() != "linux-systemd" {
		return nil, errNoSystemd
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	s, err := service.New(nil, serviceConfig(exe, config))
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	return s, nil
}

// serviceConfig is for systemd our own hardened unit, for Windows a service
// that is started with the system and again when it ends.
func serviceConfig(exe, config string) *service.Config {
	unit := strings.Replace(deploy.CollectorUnit, unitCommand, "ExecStart={{Path | cmdEscape}}{{range Arguments}} {{. | cmd}}{{end}}", 1)
	return &service.Config{
		Name: serviceName, DisplayName: "Mimamori collector", Description: "Ships this municipality's logs to the prefecture",
		Executable: exe, Arguments: []string{"run", "--config", config},
		Option: service.KeyValue{
			"SystemdScript": unit, "OnFailure": "restart", "OnFailureDelayDuration": "2s", "DelayedAutoStart": false,
		},
	}
}
