package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"mimamori/event"
	"mimamori/internal/lang"
)

// Replay is shown what was stored as it came.
type Replay interface {
	// Run takes the next events. They and the batch are void when it returns.
	Run(*event.Batch)
	// Clock tells that the prefecture had an event then, which may be none of
	// those asked for: once for each second in which it had any, before that
	// second's events.
	Clock(time.Time)
}

// scanned is how many events a batch of Scan has at most.
const scanned = 2048

// Scan shows all events that match, in the order in which the prefecture had
// them, with the given fields and those that the condition reads. root, where it
// is not nil, stands in place of the query's text. Limit and Cursor do not count.
//
// It reads the columns that it needs and no others, and holds those fields of
// the matching events of segments that overlap in the times of arrival: of one
// or two, of at most two million events each.
func (s *Store) Scan(ctx context.Context, q event.Query, root lang.Node, fields []event.Field, to Replay) error {
	x, err := s.prepare(ctx, q)
	if err != nil {
		return err
	}
	defer x.done()
	if root == nil {
		root = x.expr.Root
	}
	r, err := newChunkReader()
	if err != nil {
		return err
	}
	defer r.close()
	return newScan(x, r, root, fields).replay(x.openings(), to)
}

// scan is one call of Scan.
type scan struct {
	ctx     context.Context
	reader  *chunkReader
	ids     fieldIDs
	bounds  *clause // times and towns; nil: all
	root    *clause
	fields  []event.Field // of the events that come out
	arrived [3]event.Field
}

func newScan(x *question, r *chunkReader, root lang.Node, fields []event.Field) *scan {
	sc := &scan{
		ctx: x.ctx, reader: r, ids: x.s.enc.ids, root: newClause(root, x.s.duck.lists), bounds: x.bounds.clause(x.s.enc.ids),
		arrived: event.ArrivalFields(),
	}
	all := map[event.Field]bool{}
	for _, f := range fields {
		all[f] = true
	}
	sc.root.asked(all)
	for f := range all {
		sc.fields = append(sc.fields, f)
	}
	slices.Sort(sc.fields)
	return sc
}

// clause is the condition that an event is within the bounds; nil: all are.
func (b bounds) clause(ids fieldIDs) *clause {
	var and lang.And
	if b.tenants != nil {
		towns := &lang.Test{Field: ids.tenant, Op: lang.Eq}
		for _, code := range b.tenants {
			towns.Values = append(towns.Values, event.String(code))
		}
		and = append(and, towns)
	}
	if b.timed() {
		and = append(and, &lang.Test{Field: ids.time, Op: lang.Has})
	}
	if b.from != math.MinInt64 {
		and = append(and, &lang.Test{Field: ids.time, Op: lang.Ge, Values: []event.Value{event.Time(b.from)}})
	}
	if b.to != math.MaxInt64 {
		and = append(and, &lang.Test{Field: ids.time, Op: lang.Lt, Values: []event.Value{event.Time(b.to)}})
	}
	if len(and) == 0 {
		return nil
	}
	return newClause(and, nil)
}

// replay shows the events of all segments in order. A segment is read when the
// order comes to where it begins.
func (sc *scan) replay(waiting []*segment, to Replay) error {
	out := player{to: to, second: math.MinInt64}
	var open []*reading
	for len(waiting) > 0 || len(open) > 0 {
		next := slices.IndexFunc(open, func(r *reading) bool { return r.first(open) })
		for len(waiting) > 0 && (next < 0 || waiting[0].first <= open[next].entries[0].at) {
			if err := sc.ctx.Err(); err != nil {
				return fmt.Errorf("store: %w", err)
			}
			r, err := sc.read(waiting[0])
			if err != nil {
				return err
			}
			if waiting = waiting[1:]; len(r.entries) > 0 {
				open = append(open, r)
			}
			next = slices.IndexFunc(open, func(r *reading) bool { return r.first(open) })
		}
		if next < 0 {
			break
		}
		until := int64(math.MaxInt64)
		if len(waiting) > 0 {
			until = waiting[0].first
		}
		r := open[next]
		for _, o := range open {
			if o != r {
				until = min(until, o.entries[0].at)
			}
		}
		// What stands at until itself waits, but for the first: else none goes on.
		for n := 0; len(r.entries) > 0 && (n == 0 || r.entries[0].at < until); n++ {
			out.take(r, r.entries[0])
			r.entries = r.entries[1:]
		}
		if len(r.entries) == 0 {
			out.flush()
			open = slices.Delete(open, next, next+1)
		}
	}
	out.flush()
	return nil
}

// first tells whether nothing of the others comes before.
func (r *reading) first(others []*reading) bool {
	for _, o := range others {
		if c := cmp.Or(cmp.Compare(o.entries[0].at, r.entries[0].at), cmp.Compare(o.name, r.name)); c < 0 {
			return false
		}
	}
	return true
}
