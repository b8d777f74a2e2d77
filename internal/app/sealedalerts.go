package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"mimamori/archive"
	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/internal/whole"
	"mimamori/soc"
	"mimamori/soc/sqlite"
	"mimamori/store"
)

// database brings a database over. The one with alerts is copied on the data
// folder's disk first, and the events that alerts keep are taken out there.
func (x *sealing) database(ctx context.Context, rel, from, to string) error {
	if rel != alertsFile {
		return sqlite.Backup(ctx, from, to)
	}
	copied := filepath.Join(x.scratch, alertsFile)
	if err := sqlite.Backup(ctx, from, copied); err != nil {
		return err
	}
	taken := map[[2]string][]soc.Frozen{}
	err := withAlerts(ctx, copied, func(s *soc.Service) error {
		return s.TakeEvidence(ctx, func(f soc.Frozen) error {
			of := x.monthOf(f.JSON)
			taken[of] = append(taken[of], f)
			return nil
		})
	})
	if err != nil {
		return err
	}
	for of, list := range taken {
		plain, err := json.Marshal(list)
		if err != nil {
			return fmt.Errorf("evidence: %w", err)
		}
		name := fmt.Sprintf("%s%s-%s-%d%s", evidencePrefix, of[0], of[1], len(list), ageSuffix)
		err = x.seal(filepath.Join(filepath.Dir(to), name), of[0], of[1], plain)
		if err != nil && !errors.Is(err, store.ErrErased) { // it is being erased
			return err
		}
	}
	return whole.Copy(copied, to)
}

// withAlerts opens a copy of the database of alerts for one use.
func withAlerts(ctx context.Context, path string, use func(*soc.Service) error) error {
	s, err := soc.Open(ctx, path, time.Now)
	if err != nil {
		return err
	}
	return errors.Join(use(s), s.Close())
}

// monthOf is what an event is sealed for. One that names no municipality is of
// any, and goes with the first that is erased.
func (x *sealing) monthOf(text []byte) [2]string {
	town, at, err := event.Arrived(text)
	if err != nil || event.CheckCode(town) != nil {
		return [2]string{archive.Mixed, x.month}
	}
	return [2]string{town, at.In(calendar.JST()).Format(monthLayout)}
}
