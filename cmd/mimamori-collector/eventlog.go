package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"

	"github.com/kardianos/service"
)

// eventHandler writes the program's log to the system's own, one entry each,
// with its level.
type eventHandler struct {
	to    service.Logger
	attrs []slog.Attr
}

// Enabled leaves debugging out.
func (h *eventHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

// Handle writes one entry.
func (h *eventHandler) Handle(ctx context.Context, r slog.Record) error {
	var b bytes.Buffer
	text := slog.NewTextHandler(&b, nil).WithAttrs(h.attrs)
	if err := text.Handle(ctx, r); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	line := string(bytes.TrimSpace(b.Bytes()))
	switch {
	case r.Level >= slog.LevelError:
		return h.to.Error(line)
	case r.Level >= slog.LevelWarn:
		return h.to.Warning(line)
	}
	return h.to.Info(line)
}

// WithAttrs adds attributes to all entries.
func (h *eventHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &eventHandler{h.to, append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

// WithGroup is not used by the collector: names stay as they are.
func (h *eventHandler) WithGroup(string) slog.Handler { return h }
