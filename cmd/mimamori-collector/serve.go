//go:build !windows

package main

import (
	"context"
	"io"
	"log/slog"
)

// serve runs the program. Service managers of this system stop it by a signal,
// as a person does, and read what it writes.
func serve(ctx context.Context, out io.Writer, run func(context.Context, *slog.Logger) error) error {
	return run(ctx, slog.New(slog.NewTextHandler(out, nil)))
}
