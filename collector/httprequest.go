package collector

import (
	"context"
	"sync/atomic"

	"mimamori/frame"
)

// request is one request on its way to the spool.
type request struct {
	in  *httpInput
	rec frame.Record // what all records have in common
	cut func(emit func(bodyLine) error) error

	first *batch       // all of the request where it is small; nil once handed on
	left  atomic.Int64 // batches without an answer, and one until the last is sent
	lost  atomic.Bool
	done  chan struct{}
}

// batch waits for a free batch as long as a sender has patience.
func (q *request) batch(ctx context.Context) (*batch, error) {
	ctx, cancel := context.WithTimeout(ctx, q.in.patience)
	defer cancel()
	if b := q.in.out.get(ctx); b != nil {
		return b, nil
	}
	return nil, errPutOff
}

// survey goes through a body and hands nothing on. Most bodies fit one batch
// and are cut only once.
func (q *request) survey(ctx context.Context, o *outcome) (bad uint64, err error) {
	if q.first, err = q.batch(ctx); err != nil {
		return 0, err
	}
	var bytes int64
	small := true
	err = q.cut(func(p bodyLine) error {
		o.records++
		if p.bad {
			bad++
		}
		if int64(len(p.line)) < p.total {
			o.cut++
		}
		if bytes += int64(len(p.line)); bytes > httpUnpacked {
			return errTooLarge
		}
		if small = small && !q.first.full(); small {
			q.add(q.first, p)
		}
		return nil
	})
	if !small {
		q.drop()
	}
	return bad, err
}

// drop gives back what was not handed on.
func (q *request) drop() {
	if q.first != nil {
		q.in.out.giveBack(q.first)
		q.first = nil
	}
}

func (q *request) add(b *batch, p bodyLine) {
	r := q.rec
	if int64(len(p.line)) < p.total {
		r.Flags, r.Total = frame.Truncated, p.total
	}
	b.add(p.line, r)
}

// store hands the request on and waits until all of it is on disk. It gives up
// only before the first batch is handed on.
func (q *request) store(ctx context.Context) error {
	b, err := q.first, error(nil)
	q.first = nil
	q.left.Store(1)
	if b == nil {
		if b, err = q.batch(ctx); err != nil {
			return err
		}
		err = q.cut(func(p bodyLine) error {
			if b == nil {
				b = q.in.out.get(context.Background()) // the sealer goes on until the inputs are done
			}
			if q.add(b, p); b.full() {
				q.send(b)
				b = nil
			}
			return nil
		})
	}
	if b != nil {
		q.send(b) // without a record, where that is what the request holds
	}
	q.part(true)
	<-q.done
	if err == nil && q.lost.Load() {
		err = errLost
	}
	return err
}

func (q *request) send(b *batch) {
	q.left.Add(1)
	q.in.handed.add()
	b.stored = func(ok bool) {
		q.in.handed.settle()
		q.part(ok)
	}
	q.in.out.send(b)
}

func (q *request) part(ok bool) {
	if !ok {
		q.lost.Store(true)
	}
	if q.left.Add(-1) == 0 {
		close(q.done)
	}
}
