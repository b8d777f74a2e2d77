package app

import (
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"mimamori/internal/bus"
)

// TestTheBusMayRunElsewhere lets the program use a NATS server that is not its own.
func TestTheBusMayRunElsewhere(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Data, cfg.Console.Listen = t.TempDir(), "127.0.0.1:0"
	key, err := bus.LoadOrMakeKey(filepath.Join(cfg.Data, "bus.nk"))
	if err != nil {
		t.Fatal(err)
	}
	server, err := bus.StartServer(bus.ServerConfig{
		Dir: t.TempDir(), Listen: "127.0.0.1:0", Users: []bus.User{{Public: key.Public(), Publish: []string{"frames.>", "$JS.>"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	cfg.Bus.URLs = []string{"nats://" + server.Addr()}
	a, err := New(t.Context(), cfg, slog.New(slog.NewTextHandler(io.Discard, nil)), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.ask(t.Context()); err != nil || a.BusAddr() != "" {
		t.Errorf("%v, listening at %q", err, a.BusAddr())
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
