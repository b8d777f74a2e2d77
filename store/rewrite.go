package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"mimamori/event"
	"mimamori/internal/lang"
)

// partRows is how many events as they become are in memory at once while a
// segment is rewritten.
const partRows = 32 << 10

// maxLeft is how many segments that stayed as they are an error names.
const maxLeft = 10

// Rewriter says what becomes of stored events. One goroutine calls it.
type Rewriter interface {
	// Rewrite puts into x, which is empty, what the event becomes and answers
	// true, or leaves the event as it is and answers false. The identity stays
	// and so must the municipality. Neither e nor x are used after the call.
	Rewrite(e *event.Event, x *event.Builder) bool
	// Settle ends a segment: what Rewrite answered since the last call is in
	// the store for good, or, when stored is false, did not happen.
	Settle(stored bool)
}

// Rewrite lets w write the matching events anew, in place, segment by segment,
// the newest first. A segment with changes is replaced as compaction does it: a
// kill at any moment loses and doubles nothing, frames stay, and queries go on
// meanwhile. Segments without changes are not written, and those that come
// after the call began are not looked at. Retention and compaction of other
// segments go on between two.
//
// When ctx ends, the segments before stay rewritten. A segment that can't be
// read is left as it is, and the error at the end says so.
func (s *Store) Rewrite(ctx context.Context, q event.Query, w Rewriter) error {
	expr, err := lang.ParseSearch(q.Text)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := s.change(); err != nil {
		return err
	}
	defer s.busy.Done()
	s.remake.Lock()
	defer s.remake.Unlock()
	enc, err := newEncoder()
	if err != nil {
		return err
	}
	x := question{s: s, ctx: ctx, expr: expr, bounds: boundsOf(q)}
	todo := s.pin(x.bounds)
	defer func() {
		for _, g := range todo {
			g.pinned.Store(false)
		}
	}()
	var left []error
	for _, g := range todo {
		r := rewriting{question: x, old: g, rewriter: w, enc: enc}
		err := r.run()
		w.Settle(err == nil)
		g.pinned.Store(false)
		if _, bad := errors.AsType[*damage](err); ctx.Err() == nil && (bad || errors.Is(err, errors.ErrUnsupported)) {
			s.log.Error("a segment can't be rewritten and stays as it is", "file", g.path, "error", err)
			if errors.Is(err, errPage) {
				g.damaged.Store(true)
			}
			left = append(left, fmt.Errorf("store: %s stays as it is: %w", g.name, err))
			continue
		}
		if err != nil {
			return fmt.Errorf("store: rewriting %s: %w", g.name, err)
		}
	}
	return errors.Join(left[:min(len(left), maxLeft)]...)
}

// pin takes the live segments that may hold events for the bounds, the newest
// first, and keeps compaction off them.
func (s *Store) pin(b bounds) []*segment {
	s.merge.Lock() // until what is being merged now is one segment
	defer s.merge.Unlock()
	list := s.hold(func(g *segment) bool { some, _ := g.within(b); return some })
	defer s.release(list)
	for _, g := range list {
		g.pinned.Store(true)
	}
	return list
}

// rewriting is the rewriting of one segment.
type rewriting struct {
	question
	old      *segment
	rewriter Rewriter
	enc      *encoder
	changed  []int // rows
	batch    *event.Batch
	parts    []*segment // files of changed rows
	anew     changes
}

func (r *rewriting) run() error {
	r.s.merge.Lock()
	defer r.s.merge.Unlock()
	if err := r.ctx.Err(); err != nil || r.old.dead.Load() { // retention may have taken it
		return err
	}
	defer r.clean()
	r.anew = changes{}
	rows, err := r.matching()
	if err == nil && len(rows) > 0 {
		err = r.s.walk(r.ctx, r.old, rows, r.show)
	}
	if err != nil || len(r.changed) == 0 {
		return err
	}
	if err := r.flush(); err != nil {
		return err
	}
	g, err := r.s.mergeSegments(r.ctx, merging{
		from: append([]*segment{r.old}, r.parts...), drop: r.changed, replaces: []*segment{r.old}, born: r.old.born(), anew: r.anew.anew(r.s.nextAnew()),
	})
	if err != nil {
		return err
	}
	r.s.swap([]*segment{r.old}, g)
	return nil
}

// clean removes the files of changed rows.
func (r *rewriting) clean() {
	for _, g := range r.parts {
		if err := os.Remove(g.path); err != nil {
			r.s.log.Error("a scratch file can't be removed", "file", g.path, "error", err)
		}
	}
}

// matching lists the segment's rows that match, sorted.
func (r *rewriting) matching() ([]int, error) {
	defer r.s.duck.forget()
	var out []int
	t := r.translator([]*segment{r.old})
	err := r.rows("SELECT file_row_number FROM "+t.from()+" WHERE "+t.where(r.expr.Root, r.bounds), func(rows *sql.Rows) error {
		var n int64
		err := rows.Scan(&n)
		out = append(out, int(n))
		return err
	})
	if slices.Sort(out); err != nil {
		err = &damage{0, err}
	}
	return out, err
}

// show shows the rewriter some events and keeps what they become.
func (r *rewriting) show(was *event.Batch, rows []int) error {
	x := new(event.Builder)
	for i := range was.Events {
		e := &was.Events[i]
		if !r.rewriter.Rewrite(e, x) {
			x.Reset()
			continue
		}
		if r.batch == nil {
			r.batch = &event.Batch{}
		}
		r.batch.Append(x, e.Ref)
		r.changed = append(r.changed, rows[i])
		r.anew.add(e.Ref)
		if len(r.batch.Events) >= partRows {
			if err := r.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes the changed events so far to a file of their own, which Open
// would remove after a crash.
func (r *rewriting) flush() error {
	if r.batch == nil {
		return nil
	}
	events := make([]*event.Event, len(r.batch.Events))
	for i := range events {
		events[i] = &r.batch.Events[i]
	}
	d, err := r.s.draft(r.s.newName(0)+".part", func(out io.Writer) error {
		return r.enc.write(out, events, &manifest{Format: formatVersion, Tenants: map[string]int64{}}, r.s.mayHaveColumn)
	})
	if err != nil {
		return err
	}
	g, err := loadSegment(d.path())
	if err != nil {
		return errors.Join(err, os.Remove(d.path()))
	}
	r.parts, r.batch = append(r.parts, g), nil
	return nil
}
