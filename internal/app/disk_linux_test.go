package app

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"mimamori/internal/bus"
)

// TestAFullDiskThatHasRoomAgainIsFollowedByARestart fills a small disk under
// the program and frees it: it asks for a restart, and after that the stream
// has what it acknowledged and takes more.
func TestAFullDiskThatHasRoomAgainIsFollowedByARestart(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skip("a small disk cannot be had without the right to mount: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 48<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.Data, cfg.Console.Listen, cfg.Bus.Listen = dir, "127.0.0.1:0", ""
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	a, err := New(t.Context(), cfg, log, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	a.probe = 300 * time.Millisecond
	noise := make([]byte, 400<<10)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	acknowledged := uint64(0)
	for {
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err = a.frames.Publish(short, "frames.x", noise, nil)
		cancel()
		if err != nil {
			break
		}
		if acknowledged++; acknowledged > 200 {
			t.Fatal("the disk does not fill")
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := a.watch(ctx); !errors.Is(err, ErrRestart) {
		t.Fatalf("no restart: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := New(t.Context(), cfg, log, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	state, err := b.frames.State(ctx)
	if err != nil || state.Messages < acknowledged {
		t.Errorf("%d acknowledged, the stream has %d, %v", acknowledged, state.Messages, err)
	}
	if err := b.ask(ctx); err != nil {
		t.Errorf("still refused: %v", err)
	}
	if _, err := b.frames.Publish(ctx, bus.ProbeSubject, noise, nil); err != nil {
		t.Errorf("still refused: %v", err)
	}
}
