package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"mimamori/archive"
	"mimamori/event"
	"mimamori/internal/bus"
	"mimamori/internal/calendar"
	"mimamori/soc/erasure"
)

// holder is one of the app's places.
type holder struct {
	name  string
	now   func() time.Time
	erase func(context.Context, span) (int64, error)
}

// span is a scope with its month's bounds.
type span struct {
	erasure.Scope
	from, to time.Time
}

// Name implements erasure.Place.
func (h *holder) Name() string { return h.name }

// Erase implements erasure.Place. A month that is not over is refused: what comes
// next would be of it.
func (h *holder) Erase(ctx context.Context, s erasure.Scope) (int64, error) {
	from, err := time.ParseInLocation(monthLayout, s.Month, calendar.JST())
	if err == nil {
		err = event.CheckCode(s.Municipality)
	}
	if err != nil {
		return 0, fmt.Errorf("erasure: %s %s: %w", s.Municipality, s.Month, err)
	}
	x := span{Scope: s, from: from, to: from.AddDate(0, 1, 0)}
	if now := h.now(); now.Before(x.to) {
		return 0, fmt.Errorf("erasure: %s is not over before %s", s.Month, x.to.Format(time.DateTime))
	}
	n, err := h.erase(ctx, x)
	if err != nil {
		return n, fmt.Errorf("erasure: %s: %w", h.name, err)
	}
	return n, nil
}

// gone tells whether an event, as JSON, is of the scope.
func (s *span) gone(text []byte) bool {
	town, at, err := event.Arrived(text)
	return err == nil && town == s.Municipality && !at.Before(s.from) && at.Before(s.to)
}

// places are all places that hold events, in the order in which they are emptied:
// the stream, from which the others are filled, has nothing left to give; the keys
// go, without which the archive and all backups are unreadable; the rules forget,
// and what was on its way is stored; then what is readable by itself.
func (a *App) places() []erasure.Place {
	out := []erasure.Place{a.place("受信待ちのデータ / frames that wait", a.eraseWaiting)}
	if a.keys != nil {
		out = append(out, a.place("原本と控えの鍵 / keys of archive and backups", a.eraseKeys))
	}
	out = append(out,
		a.place("検知の記憶 / memory of the rules", a.eraseMemory),
		a.place("保存したログ / event store", a.eraseStored),
		a.place("アラートの証拠 / evidence of alerts", a.eraseEvidence),
		a.place("隔離したデータ / refused frames", a.eraseQuarantine),
	)
	for _, e := range a.engines {
		if sink, ok := e.sink.(eraser); ok {
			out = append(out, a.place(e.Name, func(ctx context.Context, s span) (int64, error) {
				return sink.Erase(ctx, s.Municipality, s.from, s.to)
			}))
		}
	}
	return out
}

// eraser is an engine that can delete.
type eraser interface {
	Erase(ctx context.Context, municipality string, from, to time.Time) (int64, error)
}

func (a *App) place(name string, erase func(context.Context, span) (int64, error)) *holder {
	return &holder{name, a.now, erase}
}

// eraseWaiting makes sure that no frame of the month waits to be read.
func (a *App) eraseWaiting(ctx context.Context, s span) (int64, error) {
	taken, _ := a.pipeline.Progress()
	next, err := a.frames.Next(ctx, bus.FramesSubjects, taken+1)
	if errors.Is(err, bus.ErrNoMessage) {
		return 0, nil
	}
	if err == nil && next.Time.Before(s.to) {
		err = fmt.Errorf("frames of %s wait to be read; it is tried again when they are", next.Time.In(calendar.JST()).Format(time.DateTime))
	}
	return 0, err
}

// eraseKeys destroys the data keys of the month.
func (a *App) eraseKeys(_ context.Context, s span) (int64, error) {
	n, err := a.keys.Destroy(s.Municipality, s.Month)
	return int64(n), err
}

// apart does something while no backup is under way, and removes what a backup
// that was ended left.
func (a *App) apart(do func() (int64, error)) (int64, error) {
	_, done, err := scratch(a.cfg.Data)
	if err != nil {
		return 0, err
	}
	n, err := do()
	return n, errors.Join(err, done())
}

func (a *App) eraseStored(ctx context.Context, s span) (int64, error) {
	return a.apart(func() (int64, error) { return a.store.Erase(ctx, s.Municipality, s.from, s.to) })
}

// eraseMemory takes the month out of what the rules keep, and the keys from
// backups of what they kept since it began.
func (a *App) eraseMemory(ctx context.Context, s span) (int64, error) {
	return a.apart(func() (int64, error) {
		n, err := a.pipeline.Forget(ctx, s.gone)
		if err != nil {
			return 0, err
		}
		bad := filepath.Join(a.cfg.Data, filepath.FromSlash(checkpointPath)+".bad")
		if err := os.Remove(bad); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return int64(n), fmt.Errorf("%w", err)
		}
		for month := s.from; a.keys != nil && !month.After(a.now()); month = month.AddDate(0, 1, 0) {
			if _, err := a.keys.Destroy(archive.Mixed, month.Format(monthLayout)); err != nil {
				return int64(n), err
			}
		}
		return int64(n), nil
	})
}

func (a *App) eraseEvidence(ctx context.Context, s span) (int64, error) {
	return a.apart(func() (int64, error) { return a.soc.EraseEvidence(ctx, s.gone) })
}

// eraseQuarantine removes refused frames that came in the municipality's name.
func (a *App) eraseQuarantine(_ context.Context, s span) (int64, error) {
	return a.pipeline.EraseRefused(s.Municipality, s.from, s.to)
}
