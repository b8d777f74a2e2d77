package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"mimamori/frame"
	"mimamori/internal/whole"
)

const (
	lookEvery   = 15 * time.Second
	moveEvery   = 5 * time.Minute
	mostJournal = 64 << 20         // bytes that wait before they are moved at once
	grace       = 10 * time.Minute // after midnight, for what was on its way
)

// Run moves and signs until ctx ends. It returns nil.
func (a *Archive) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	moved := a.cfg.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := a.cfg.Now()
		if s := a.Status(); now.Sub(moved) < moveEvery && s.Journal < mostJournal && lastClosed(now) <= s.Sealed {
			continue
		}
		moved = now
		if err := a.step(); err != nil {
			a.cfg.Log.Error("archive: moving frames to their days; trying again", "err", err)
		}
		a.ship(ctx)
	}
}

// lastClosed is the newest day that is over.
func lastClosed(now time.Time) string { return dayBefore(dayOf(now.Add(-grace))) }

// step moves all that is in the journal and signs the days that are over.
func (a *Archive) step() error {
	a.moving.Lock()
	defer a.moving.Unlock()
	a.mu.Lock()
	a.closed = max(a.closed, lastClosed(a.cfg.Now()))
	a.rotate()
	parts, closed := slices.Clone(a.full), a.closed
	a.mu.Unlock()
	err := a.moveAll(parts)
	if err == nil {
		err = a.sealDays(closed)
	}
	a.mu.Lock()
	a.err = err
	a.mu.Unlock()
	return err
}

func (a *Archive) moveAll(parts []part) error {
	for _, p := range parts {
		if err := a.move(p); err != nil {
			return err
		}
		if err := os.Remove(p.path); err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		a.mu.Lock()
		a.full = slices.DeleteFunc(a.full, func(x part) bool { return x.number == p.number })
		a.mu.Unlock()
	}
	return nil
}

// move appends one journal's records to the files of their days. When it has
// returned nil they are durable there, and the state says so; on an error the
// state is as before.
func (a *Archive) move(p part) error {
	in, err := os.Open(p.path)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	defer in.Close()
	next := a.state.clone()
	days := &dayFiles{archive: a, state: next, open: map[[2]string]*dayFile{}}
	s := newScanner(in, p.size)
	for err == nil {
		var e Entry
		var sealed []byte
		e, _, sealed, err = s.next()
		if err != nil {
			break
		}
		if next.moved.Has(e.Sequence(), e.span()) { // moved by a run that was ended before it could say so
			continue
		}
		next.moved.Add(next.moved.Entry(e.Sequence(), e.Municipality, ""), e.span(), frame.Counts{})
		err = days.add(&e, sealed)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err = errors.Join(err, days.close()); err != nil {
		return err
	}
	if err := a.judge(p, s.bad); err != nil {
		return err
	}
	if len(days.open) == 0 {
		return nil
	}
	if err := next.save(a.cfg.Dir); err != nil {
		return err
	}
	a.state = next
	return nil
}

// judge says what of a journal could not be read. What is torn at the end of one
// that a crash ended was never acknowledged; anything else is kept aside.
func (a *Archive) judge(p part, bad []damage) error {
	if p.old && len(bad) == 1 && bad[0].To == p.size {
		a.cfg.Log.Info("archive: the end of the journal was being written when the program ended", "bytes", bad[0].To-bad[0].From)
		return nil
	}
	if len(bad) == 0 {
		return nil
	}
	aside := p.path + ".damaged"
	a.cfg.Log.Error("archive: a journal is damaged; what could be read was kept, and the file set aside", "file", aside, "places", len(bad), "first", bad[0].From)
	return whole.Copy(p.path, aside)
}

// day finds or opens the account of a municipality's day.
func (s *state) day(municipality, day string) *openDay {
	i, ok := slices.BinarySearchFunc(s.Days, openDay{Municipality: municipality, Day: day}, func(a *openDay, b openDay) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Municipality, b.Municipality))
	})
	if !ok {
		s.Days = slices.Insert(s.Days, i, &openDay{Municipality: municipality, Day: day})
	}
	return s.Days[i]
}

func dayAfter(day string) string  { return shift(day, 1) }
func dayBefore(day string) string { return shift(day, -1) }

func shift(day string, n int) string {
	t, err := time.Parse(dayLayout, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, n).Format(dayLayout)
}
