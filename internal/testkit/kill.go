package testkit

import (
	"bufio"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Faults is how often a fault is repeated: MIMAMORI_FAULTS (make soak), or a few
// times.
func Faults(few int) int {
	if n, err := strconv.Atoi(os.Getenv("MIMAMORI_FAULTS")); err == nil {
		return n
	}
	return few
}

// Killed runs this test binary with one more environment variable, by which its
// TestMain knows that it is the victim; kills it at a random moment after it said
// "open"; looks at what it left; and does so again and again. The victim says
// "done N" when N is durable. Killed returns the newest N; anything else that the
// victim says fails the test.
func Killed(t *testing.T, env string, look func(done uint64)) uint64 {
	t.Helper()
	done := uint64(0)
	for round := range Faults(8) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), env)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		for lines := bufio.NewScanner(out); lines.Scan(); {
			what, n, _ := strings.Cut(lines.Text(), " ")
			switch what {
			case "open":
				timer.Reset(time.Duration(5+rand.IntN(275)) * time.Millisecond) //nolint:gosec // a random moment
			case "done":
				if done, err = strconv.ParseUint(n, 10, 64); err != nil {
					t.Fatal(err)
				}
			default:
				t.Errorf("round %d: %s", round, lines.Text())
			}
		}
		_ = cmd.Wait() // its state tells
		timer.Stop()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
			t.Fatalf("round %d: it ended by itself", round)
		}
		look(done)
	}
	return done
}
