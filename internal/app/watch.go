package app

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"mimamori/internal/bus"
	"mimamori/internal/measure"
)

// ErrRestart ends Run when only a restart helps: after a full disk the stream
// of frames refuses whatever comes, though there is room again. Whoever runs
// an App makes a new one.
var ErrRestart = errors.New("the stream of frames takes nothing although the disk has room; it must be opened anew")

const (
	probeEvery = 15 * time.Second
	probeLimit = 5 * time.Second
	spare      = 16 << 20 // bytes on the disk that count as room
)

// watch asks from time to time whether the stream of frames takes messages. A
// full disk or stream is shown in the console; collectors keep their frames.
func (a *App) watch(ctx context.Context) error {
	tick := time.NewTicker(a.probe)
	defer tick.Stop()
	for refused := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := a.ask(ctx)
		if ctx.Err() != nil {
			return nil
		}
		a.refusal.Store(&refusal{err})
		if err == nil || a.full(ctx) {
			refused = 0
			continue
		}
		a.log.Error("the stream of frames refuses", "err", err)
		if refused++; refused > 1 {
			return ErrRestart
		}
	}
}

// refusal is the newest answer of the stream of frames.
type refusal struct{ err error }

func (a *App) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, min(probeLimit, a.probe))
	defer cancel()
	_, err := a.frames.Publish(ctx, bus.ProbeSubject, nil, nil)
	return err
}

// full tells whether there is a good reason to refuse.
func (a *App) full(ctx context.Context) bool {
	if free, known := measure.FreeBytes(filepath.Join(a.cfg.Data, "bus")); known && free < spare {
		return true
	}
	state, err := a.frames.State(ctx)
	return err == nil && a.cfg.Bus.MaxBytes > 0 && state.Bytes+bus.MaxMessage > uint64(a.cfg.Bus.MaxBytes)
}
