package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Erase removes the events of a municipality that arrived from one moment until
// before another, for good, and returns how many went. It goes by event.ingested,
// by received where that is missing, and by @timestamp where both are. The frames
// stay accounted for, so that neither a resend nor a rebuild brings the events
// back. A sink is given none of them from then on; those that it had not had are
// counted as lost to it.
//
// Each segment is replaced as compaction does it: a kill at any moment leaves
// others whole, and the next call does the rest. Queries go on meanwhile, and
// Erase returns when the last one that still reads an old file is done. It waits
// for a Rewrite under way. What can't be read, set-aside files included, and may
// hold such events stays, and the error names it.
func (s *Store) Erase(ctx context.Context, municipality string, from, to time.Time) (int64, error) {
	if err := s.change(); err != nil {
		return 0, err
	}
	defer s.busy.Done()
	s.remake.Lock()
	defer s.remake.Unlock()
	x := erasing{s: s, ctx: ctx, town: municipality, from: nanos(from), to: nanos(to)}
	removed, failed := int64(0), []error(nil)
	for seen := map[*segment]bool{}; ; {
		g := x.next(seen)
		if g == nil {
			break
		}
		seen[g] = true
		n, err := x.segment(g)
		removed += n
		if err := ctx.Err(); err != nil {
			return removed, fmt.Errorf("store: %w", err)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("store: %s can't be read, may hold events of %s and stays: rebuild it from the archive or remove it, then erase again: %w", g.path, municipality, err))
		}
	}
	if err := x.wait(); err != nil {
		return removed, err
	}
	failed = append(failed, x.aside()...)
	return removed, errors.Join(failed[:min(len(failed), maxLeft)]...)
}

// erasing is one call of Erase.
type erasing struct {
	s        *Store
	ctx      context.Context
	town     string
	from, to int64
}

// next is a live segment that was not looked at and may hold such events; others
// come while it works.
func (x *erasing) next(seen map[*segment]bool) *segment {
	for _, g := range x.s.live() {
		if !seen[g] && g.manifest.Tenants[x.town] > 0 && g.first < x.to {
			return g
		}
	}
	return nil
}

// segment takes the events out of one segment.
func (x *erasing) segment(g *segment) (int64, error) {
	s := x.s
	s.merge.Lock()
	defer s.merge.Unlock()
	if g.dead.Load() || x.ctx.Err() != nil { // the one in its place is looked at
		return 0, nil
	}
	var rows []int
	lost := map[*follower]int64{}
	err := eachOrigin(x.ctx, g.path, func(o origin) {
		if o.town != x.town || o.at < x.from || o.at >= x.to {
			return
		}
		rows = append(rows, o.row)
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, f := range s.followers {
			if !f.has[streamOf(o.ref)].has(o.ref.Seq) {
				lost[f]++
			}
		}
	})
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	rest, err := s.mergeSegments(x.ctx, merging{from: []*segment{g}, drop: rows, replaces: []*segment{g}, born: g.born()})
	if err != nil {
		return 0, err
	}
	g.erased.Store(true)
	s.swap([]*segment{g}, rest)
	return int64(len(rows)), x.count(lost)
}

// count notes what sinks will not get.
func (x *erasing) count(lost map[*follower]int64) error {
	for f, n := range lost {
		x.s.mu.Lock()
		f.Lost += n
		x.s.mu.Unlock()
		x.s.log.Warn("events were erased before a sink had them", "sink", f.Name, "events", n)
		if err := x.s.savePosition(f); err != nil {
			return err
		}
	}
	return nil
}

// wait returns when nothing reads an old file any more that may hold such events.
func (x *erasing) wait() error {
	x.s.mu.Lock()
	var old []*segment
	for g := range x.s.dying {
		if g.manifest.Tenants[x.town] > 0 && g.first < x.to {
			g.erased.Store(true)
			old = append(old, g)
		}
	}
	x.s.mu.Unlock()
	for _, g := range old {
		select {
		case <-g.gone:
		case <-x.ctx.Done():
			return fmt.Errorf("store: a query still reads what was erased: %w", x.ctx.Err())
		}
	}
	return nil
}

// aside names the set-aside files that may hold such events.
func (x *erasing) aside() []error {
	dir := filepath.Join(x.s.dir, "set-aside")
	names, err := segmentNames(dir)
	if err != nil {
		return []error{err}
	}
	var out []error
	for _, name := range names {
		g := segment{name: name}
		if born := g.born(); born > 0 && born < x.from-int64(24*time.Hour) { // nothing in it came later
			continue
		}
		f, _, m, err := openSegment(filepath.Join(dir, name))
		if err == nil {
			f.Close()
			if m.Tenants[x.town] == 0 {
				continue
			}
		}
		out = append(out, fmt.Errorf("store: %s is set aside and may hold events of %s: rebuild it from the archive, then remove it and erase again", filepath.Join(dir, name), x.town))
	}
	return out
}
