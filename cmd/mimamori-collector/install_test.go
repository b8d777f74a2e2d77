package main

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kardianos/service"

	"mimamori/deploy"
)

func TestServiceCommandOfOurUnitIsReplaced(t *testing.T) {
	if n := strings.Count(deploy.CollectorUnit, "\n"+unitCommand+"\n"); n != 1 {
		t.Fatalf("the unit starts the collector %d times as install knows it; is deploy/systemd/mimamori-collector.service changed?", n)
	}
	cfg := serviceConfig("/usr/local/bin/x", "/etc/x.yaml")
	if unit := cfg.Option["SystemdScript"].(string); strings.Contains(unit, unitCommand) || !strings.Contains(unit, "\nDynamicUser=yes\n") || !strings.Contains(unit, "ExecStart={{Path") {
		t.Error(unit)
	}
	if got := strings.Join(cfg.Arguments, " "); got != "run --config /etc/x.yaml" {
		t.Error(got)
	}
}

func TestInstallRefusesWhatTheServiceCouldNotReach(t *testing.T) {
	for config, want := range map[string]string{"/root/c.yaml": "may not look into /root", "/home/a/c.yaml": "may not look into /home"} {
		if err := reachable(config, stateDir); err == nil || !strings.Contains(err.Error(), "may not look into") {
			t.Errorf("%s: %v, want %s", config, err, want)
		}
	}
	if within("/rooted/x", "/root") || !within("/root/x", "/root") || !within(stateDir, stateDir) {
		t.Error("a folder is taken for another")
	}
}

func TestInstallChecksTheConfigurationFirst(t *testing.T) {
	path := config(t, "spol: {}\n")
	if out, err := execute(t.Context(), t, "install", "--config", path); err == nil || !strings.Contains(out, "unknown key") {
		t.Errorf("%v %s", err, out)
	}
}

// TestInstalledUnitIsOneThatSystemdTakes installs for real, but for systemctl.
func TestInstalledUnitIsOneThatSystemdTakes(t *testing.T) {
	const unit = "/etc/systemd/system/" + serviceName + ".service"
	if _, err := os.Stat(unit); os.Getenv("MIMAMORI_E2E") == "" || os.Getuid() != 0 || !errors.Is(err, os.ErrNotExist) {
		t.Skip("it needs MIMAMORI_E2E=1, root, and a machine where no collector is installed")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is missing: apt-get install systemd")
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "systemctl"), []byte("#!/bin/sh\necho \"$@\" >>"+bin+"/calls\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for _, system := range service.AvailableSystems() {
		if system.String() != "linux-systemd" {
			continue
		}
		s, err := system.New(nil, serviceConfig("/usr/bin/true", "/etc/mimamori/my collector.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Remove(unit) })
		if err := s.Install(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(unit)
		if err != nil || !strings.Contains(string(text), "ExecStart=/usr/bin/true \"run\" \"--config\" \"/etc/mimamori/my collector.yaml\"\n") {
			t.Fatalf("%v\n%s", err, text)
		}
		if out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput(); err != nil || strings.Contains(string(out), serviceName) {
			t.Errorf("%v\n%s", err, out)
		}
		if err := s.Uninstall(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(unit); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the unit is still there: %v", err)
		}
	}
	calls, _ := os.ReadFile(filepath.Join(bin, "calls"))
	if want := "enable mimamori-collector.service\ndaemon-reload\ndisable mimamori-collector.service\ndaemon-reload\n"; string(calls) != want {
		t.Errorf("%s, want %s", calls, want)
	}
}

// events is a system's log that remembers.
type events struct {
	service.Logger

	entries []string
}

func (e *events) Error(v ...any) error   { return e.add("error ", v[0]) }
func (e *events) Warning(v ...any) error { return e.add("warn ", v[0]) }
func (e *events) Info(v ...any) error    { return e.add("info ", v[0]) }

func (e *events) add(level string, line any) error {
	e.entries = append(e.entries, level+line.(string))
	return nil
}

func TestLogOfAServiceKeepsLevelAndAttributes(t *testing.T) {
	to := &events{}
	log := slog.New(&eventHandler{to: to}).With("source", "fw")
	log.Info("one", "n", 1)
	log.Warn("two")
	log.With("a", "b").Error("three")
	log.Debug("never")
	got := strings.Join(to.entries, "|")
	for _, want := range []string{"info time=", "msg=one source=fw n=1|warn ", "msg=two source=fw|error ", "msg=three source=fw a=b"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %q", got, want)
		}
	}
	if len(to.entries) != 3 {
		t.Errorf("%q", to.entries)
	}
}
