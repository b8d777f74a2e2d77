package cli

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"time"

	"mimamori/event"
	"mimamori/store"
)

const (
	followEvery = time.Second
	followMost  = 1000             // events of one look
	followBack  = time.Hour        // how late an event may be to be shown
	followAnew  = 10 * time.Minute // when the look back moves on
)

// follower shows what arrives. It looks at the events of the last hour again and
// again, and knows by their number how many came: what was more than it shows at
// once is told, never left out in silence.
type follower struct {
	search  func(context.Context, event.Query) (*event.Page, error)
	show    func(*event.Event) error
	skipped func(int64)
	now     func() time.Time

	anchor time.Time
	total  int64
	seen   map[event.Ref]bool
}

// look shows what is new since the last look, oldest first. The first look only
// notes what is there.
func (f *follower) look(ctx context.Context, q event.Query) error {
	first := f.seen == nil
	if first || f.now().Sub(f.anchor) > followBack+followAnew {
		return f.begin(ctx, q, first)
	}
	_, err := f.page(ctx, q, true)
	return err
}

// begin moves the look back to an hour ago; what it sees then is noted.
func (f *follower) begin(ctx context.Context, q event.Query, first bool) error {
	if !first { // what came since the last look, with the old anchor
		if _, err := f.page(ctx, q, true); err != nil {
			return err
		}
	}
	f.anchor = f.now().Add(-followBack)
	page, err := f.page(ctx, q, false)
	if err == nil {
		f.total = page.Total
	}
	return err
}

func (f *follower) page(ctx context.Context, q event.Query, show bool) (*event.Page, error) {
	q.Limit, q.From = followMost, f.anchor
	page, err := f.search(ctx, q)
	if err != nil {
		return nil, err
	}
	seen, shown := make(map[event.Ref]bool, len(page.Batch.Events)), int64(0)
	for i := range slices.Backward(page.Batch.Events) {
		e := &page.Batch.Events[i]
		seen[e.Ref] = true
		if !show || f.seen[e.Ref] {
			continue
		}
		shown++
		if err := f.show(e); err != nil {
			return nil, err
		}
	}
	if missed := page.Total - f.total - shown; show && missed > 0 {
		f.skipped(missed)
	}
	f.seen, f.total = seen, page.Total
	return page, nil
}

// followStore looks every second until the context ends.
func (p *program) followStore(ctx context.Context, s events, q event.Query) error {
	out := bufio.NewWriter(p.Out)
	var buf []byte
	f := &follower{
		search: func(ctx context.Context, q event.Query) (*event.Page, error) {
			if own, ok := s.(*store.Store); ok {
				if err := own.Refresh(); err != nil {
					return nil, err
				}
			}
			return s.Search(ctx, q)
		},
		show: func(e *event.Event) error {
			buf = append(e.AppendJSON(buf[:0]), '\n')
			_, err := out.Write(buf)
			return err
		},
		skipped: func(n int64) {
			fmt.Fprintf(p.Err, "%d件を飛ばしました。条件を絞ってください / %d events were skipped; narrow the condition\n", n, n)
		},
		now: p.now,
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		if err := f.look(ctx, q); err != nil && ctx.Err() == nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
