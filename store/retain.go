package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Retain removes what is older than before says for its municipality and dataset;
// the zero time keeps all, also what a legal hold is on. It returns how many
// events went. A segment goes when all of it is over age; of one that mixes, the
// kinds go whose newest event is, and the rest is written anew. Events without a
// time go by when they were stored, and an event that claims a time after it was
// stored counts as one day later at most. The frames of a segment that goes are no
// longer in Frames. What a sink has not had stays for as long as its options say,
// and is then counted as lost to it.
func (s *Store) Retain(ctx context.Context, before func(municipality, dataset string) time.Time) (removed int64, err error) {
	if err := s.change(); err != nil {
		return 0, err
	}
	defer s.busy.Done()
	var failed []error
	for _, g := range s.live() {
		n, err := s.retain(ctx, g, before)
		removed += n
		if err := ctx.Err(); err != nil {
			return removed, fmt.Errorf("store: %w", err)
		}
		if err != nil { // it stays, and others go
			failed = append(failed, err)
		}
	}
	return removed, errors.Join(failed[:min(len(failed), maxLeft)]...)
}

// live are the segments at the moment. They may go at any time.
func (s *Store) live() []*segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.segments)
}

// retain removes what is over age in one segment.
func (s *Store) retain(ctx context.Context, g *segment, before func(municipality, dataset string) time.Time) (int64, error) {
	s.merge.Lock() // a compaction under way could bring it back
	defer s.merge.Unlock()
	if g.dead.Load() || g.pinned.Load() || ctx.Err() != nil {
		return 0, nil
	}
	kinds, err := s.kinds(g)
	if err != nil {
		return 0, err
	}
	gone, events := map[[2]string]bool{}, int64(0)
	for _, k := range kinds {
		age, limit := g.ageOf(k), nanos(before(k.Municipality, k.Dataset))
		if age < limit && !s.awaited(g, age, limit) {
			gone[[2]string{k.Municipality, k.Dataset}] = true
			events += k.Events
		}
	}
	switch {
	case len(kinds) == 0 && g.age() >= nanos(before("", "")): // frames without events
		return 0, nil
	case len(gone) == len(kinds):
		if err := s.giveUp(g, events, true); err != nil {
			return 0, err
		}
		s.swap([]*segment{g})
		return events, nil
	case len(gone) == 0 || g.damaged.Load():
		return 0, nil
	}
	var rows []int
	row := 0
	err = s.eachKey(g, func(k *mergeKey) {
		if gone[[2]string{k.tenant, k.dataset}] {
			rows = append(rows, row)
		}
		row++
	})
	if err != nil {
		return 0, err
	}
	rest, err := s.mergeSegments(ctx, merging{from: []*segment{g}, drop: rows, replaces: []*segment{g}, born: g.born()})
	if err != nil {
		return 0, err
	}
	err = s.giveUp(g, events, false)
	s.swap([]*segment{g}, rest)
	return events, err
}

// ageOf is the time by which retention of a kind goes.
func (g *segment) ageOf(k kind) int64 {
	born := g.born()
	switch {
	case born <= 0:
		return k.Newest
	case k.Untimed:
		return min(max(k.Newest, born), born+int64(24*time.Hour))
	}
	return min(k.Newest, born+int64(24*time.Hour))
}

// kinds are those of a segment; of one by an older program they are counted.
func (s *Store) kinds(g *segment) ([]kind, error) {
	if g.manifest.Kinds != nil || g.manifest.Events == 0 {
		return g.manifest.Kinds, nil
	}
	m := manifest{Tenants: map[string]int64{}}
	if err := s.eachKey(g, func(k *mergeKey) { m.count(k.tenant, k.dataset, k.ns, k.timed) }); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g.manifest.Kinds = m.Kinds
	return m.Kinds, nil
}

// eachKey shows the key of every row of a segment.
func (s *Store) eachKey(g *segment, show func(*mergeKey)) error {
	w, err := newMerger(merging{from: []*segment{g}})
	if err != nil {
		return fmt.Errorf("store: %s: %w", g.name, err)
	}
	defer w.close()
	for {
		ok, err := w.nextKey(0)
		if err != nil {
			return fmt.Errorf("store: %s: %w", g.name, err)
		}
		if !ok {
			return nil
		}
		show(&w.sources[0].key)
	}
}
