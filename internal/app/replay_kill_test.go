package app

import (
	"bufio"
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"mimamori/internal/testkit"
)

const killedReplay = "MIMAMORI_REPLAY_KILLED"

// TestMain lets the test binary be the program that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(killedReplay); dir != "" {
		rebuildUntilKilled(dir)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// rebuildUntilKilled says how far it is.
func rebuildUntilKilled(dir string) {
	cfg := DefaultConfig()
	cfg.Data = dir
	x := Rereader{Config: cfg, Here: true, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Now: time.Now, Tell: func(Reread) { _, _ = os.Stdout.WriteString("told\n") }, batch: 60}
	out, err := x.Replay(context.Background(), Replay{Missing: true, Around: 24 * time.Hour})
	if err != nil || out.State != Done {
		_, _ = os.Stdout.WriteString("failed\n")
		return
	}
	_, _ = os.Stdout.WriteString("done\n")
}

// ends is how often a rebuild is ended before it is let go on. What it has done is
// read again each time, for the clocks.
var ends = testkit.Faults(5)

// TestAKilledRebuildGoesOn kills it after some of what it says.
func TestAKilledRebuildGoesOn(t *testing.T) {
	p := newPast(t, 7, 2)
	p.live(len(p.tape.msgs) / 2)
	want := p.rows(p.cfg.Data)
	removeAll(t, filepath.Join(p.cfg.Data, "events"))
	rnd, kills := rand.New(rand.NewPCG(8, 8)), 0
	for done := false; !done; {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), killedReplay+"="+p.cfg.Data)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		left := 2 + rnd.IntN(7)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if lines.Text() == "failed" {
				t.Error("a round failed")
			}
			if done = done || lines.Text() != "told"; left == 0 && kills < ends {
				_ = cmd.Process.Kill()
			}
			left--
		}
		if cmd.Wait() != nil {
			kills++
		}
	}
	if kills == 0 {
		t.Error("it was never killed")
	}
	p.alike("after kills", p.rows(p.cfg.Data), want)
}

// TestARebuildThatIsStoppedGoesOn stops it at random moments.
func TestARebuildThatIsStoppedGoesOn(t *testing.T) {
	p := newPast(t, 3, 2)
	p.live(len(p.tape.msgs) / 2)
	want := p.rows(p.cfg.Data)
	removeAll(t, filepath.Join(p.cfg.Data, "events"))
	rnd, stops := rand.New(rand.NewPCG(4, 4)), 0
	for {
		ctx, cancel := context.WithCancel(t.Context())
		left := 2 + rnd.IntN(7)
		x := p.rereader(func(Reread) {
			if left--; left == 0 && stops < ends {
				cancel()
			}
		})
		x.batch = 1 + rnd.IntN(200)
		out, err := x.Replay(ctx, Replay{Missing: true, Around: 24 * time.Hour})
		cancel()
		if err == nil && out.State == Done {
			break
		}
		if stops++; out.State != Stopped || stops > ends {
			t.Fatalf("%+v: %v", out, err)
		}
	}
	if stops == 0 {
		t.Error("it was never stopped")
	}
	p.alike("after stops", p.rows(p.cfg.Data), want)
}
