package collector

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"mimamori/internal/bus"
)

// child is a collector in a process of its own, until it is killed. Its folder
// holds everything.
func child(dir string) {
	in := Input{Source: "files", Type: "file", Paths: []string{filepath.Join(dir, "app.log")}}
	c, err := New(Config{
		Collector: "test", Municipality: "312011", Zone: "internet", Data: dir, Inputs: []Input{in},
		Seal: Seal{Bytes: 20 << 10, Interval: 10 * time.Millisecond}, Prefecture: Prefecture{URLs: []string{os.Getenv("MIMAMORI_TEST_URL")}},
	}, Options{})
	if err == nil {
		err = c.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func TestKillMinusNineLosesAndDoublesNothing(t *testing.T) {
	dir := t.TempDir()
	key, err := bus.LoadOrMakeKey(filepath.Join(dir, "collector.nk"))
	if err != nil {
		t.Fatal(err)
	}
	p := newPrefecture(t, key)
	path := filepath.Join(dir, "app.log")
	var want []string
	for i := range 12 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "MIMAMORI_TEST_CHILD="+dir, "MIMAMORI_TEST_URL=nats://"+p.server.Addr())
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		end, tick := time.After(time.Duration(100+rand.IntN(500))*time.Millisecond), time.NewTicker(time.Millisecond)
		for running := true; running; {
			select {
			case <-tick.C:
				more, text := numbered(len(want), 50)
				want = append(want, more...)
				write(t, path, text)
			case <-end:
				running = false
			}
			if len(want) > (i+1)*20_000 { // on a slow machine
				rename(t, path, fmt.Sprintf("%s-%02d", path, i))
				running = false
			}
		}
		tick.Stop()
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // "signal: killed"
		if i%4 == 3 {
			rename(t, path, fmt.Sprintf("%s.%d", path, i))
		}
	}
	cfg := config(t, Input{Source: "files", Type: "file", Paths: []string{path}})
	cfg.Data = dir
	start(t, cfg, key, p.conn)
	again := 0
	eventually(t, "all lines", func() bool {
		recs, n := p.records("files")
		again = n
		return len(recs) >= len(want)
	})
	recs, _ := p.records("files")
	sameLines(t, want, lines(recs))
	t.Logf("%d lines, %d records, %d frames came twice", len(want), len(recs), again)
}
