package collector

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mimamori/internal/testkit"
)

func TestFullDiskHoldsTheInputAndLosesNothing(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	l := &line{to: p.conn}
	cfg := config(t, in)
	if err := syscall.Mount("tmpfs", cfg.Data, "tmpfs", 0, "size=24m"); err != nil {
		t.Skip("a small disk cannot be had without the right to mount: ", err)
	}
	t.Cleanup(func() { // after the collector has stopped, which is registered later
		if err := syscall.Unmount(cfg.Data, 0); err != nil {
			t.Error(err)
		}
	})
	u := start(t, cfg, key, l)
	var want []string
	for n := range min(testkit.Faults(1), 50) { // all lines stay in memory: 21 MB each time
		l.down.Store(true)
		ballast := filepath.Join(cfg.Data, "ballast")
		var disk syscall.Statfs_t
		if err := syscall.Statfs(cfg.Data, &disk); err != nil {
			t.Fatal(err)
		}
		write(t, ballast, strings.Repeat("x", max(0, int(disk.Bavail)*int(disk.Bsize)-(4+n%8)<<20)))
		for range 700 { // some 21 MB in the spool
			want = append(want, noise(len(want)))
		}
		write(t, path, strings.Join(want[len(want)-700:], "\n")+"\n")
		eventually(t, "the disk is full", func() bool { return u.Stats().SpoolFull })
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		l.down.Store(false)
		u.shipped("files", len(want))
	}
	sameLines(t, want, fromFiles(t, p))
}
