package collector

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFullDiskHoldsTheInputAndLosesNothing(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	l := &line{to: p.conn}
	l.down.Store(true)
	cfg := config(t, in)
	if err := syscall.Mount("tmpfs", cfg.Data, "tmpfs", 0, "size=24m"); err != nil {
		t.Skip("a small disk cannot be had without the right to mount: ", err)
	}
	t.Cleanup(func() { // after the collector has stopped, which is registered later
		if err := syscall.Unmount(cfg.Data, 0); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(cfg.Data, "ballast")
	write(t, ballast, strings.Repeat("x", 12<<20))
	u := start(t, cfg, key, l)
	var want []string
	for i := range 700 { // some 21 MB in the spool
		want = append(want, noise(i))
	}
	write(t, path, strings.Join(want, "\n")+"\n")
	eventually(t, "the disk is full", func() bool { return u.Stats().SpoolFull })
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	l.down.Store(false)
	u.shipped("files", len(want))
	sameLines(t, want, fromFiles(t, p))
}
