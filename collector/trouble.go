package collector

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// trouble remembers the newest warning or error about one source, whichever
// part of it told the log.
type trouble struct {
	mu   sync.Mutex
	text string
	at   time.Time
}

// watch is a log handler before next that also remembers.
func (t *trouble) watch(next slog.Handler, now func() time.Time) slog.Handler {
	return &troubleHandler{next, t, now}
}

func (t *trouble) newest() (string, time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text, t.at
}

type troubleHandler struct {
	next slog.Handler
	to   *trouble
	now  func() time.Time
}

// Enabled takes warnings whatever the next handler wants.
func (h *troubleHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn || h.next.Enabled(ctx, l)
}

// Handle remembers a warning or error, with its cause, and passes it on.
func (h *troubleHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		text := r.Message
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "err" || a.Key == "path" || a.Key == "file" || a.Key == "peer" {
				text += ": " + a.Value.String()
			}
			return true
		})
		if len(text) > 500 {
			text = strings.ToValidUTF8(text[:500], "")
		}
		h.to.mu.Lock()
		h.to.text, h.to.at = text, h.now()
		h.to.mu.Unlock()
	}
	if !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

// WithAttrs keeps remembering.
func (h *troubleHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return &troubleHandler{h.next.WithAttrs(a), h.to, h.now}
}

// WithGroup keeps remembering.
func (h *troubleHandler) WithGroup(name string) slog.Handler {
	return &troubleHandler{h.next.WithGroup(name), h.to, h.now}
}
