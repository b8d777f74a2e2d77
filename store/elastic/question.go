package elastic

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"mimamori/event"
	"mimamori/internal/lang"
	"mimamori/store"
)

// ErrVague is returned for a question to which Elasticsearch's index gives no
// exact answer, when too many events would have to be read to find it.
var ErrVague = errors.New("elasticsearch can't tell this from its index alone, and too many events would have to be read: bound the time, or add a condition of equality")

// question is a query made ready.
type question struct {
	s       *Store
	product product
	where   bound
	program lang.Program
	index   []string
}

// ask translates a query. Its error wraps a *lang.Error for a mistake in the text.
func (s *Store) ask(ctx context.Context, q event.Query) (*question, error) {
	expr, err := lang.ParseSearch(q.Text)
	if err != nil {
		return nil, fmt.Errorf("elasticsearch: %w", err)
	}
	return s.prepare(ctx, expr.Root, q)
}

func (s *Store) prepare(ctx context.Context, root lang.Node, q event.Query) (*question, error) {
	what, err := s.product(ctx)
	if err != nil {
		return nil, err
	}
	parts := lang.And{root}
	for op, at := range map[lang.Op]time.Time{lang.Ge: q.From, lang.Lt: q.To} {
		if !at.IsZero() {
			parts = append(parts, inTime(op, at))
		}
	}
	x := &question{
		s: s, product: what, index: []string{s.cfg.Prefix + "-*"},
		program: (&lang.Expr{Root: parts}).Compile(s.opts.Lists), where: translator{what}.node(parts),
	}
	ours := exists(refField + "seq")
	if q.Tenants != nil {
		ours = all(ours, body{"terms": body{townField.Name(): q.Tenants}})
		if len(q.Tenants) <= 20 {
			x.index = x.index[:0]
			for _, code := range q.Tenants {
				x.index = append(x.index, s.cfg.Prefix+"-*-"+town(code))
			}
		}
	}
	if len(x.index) == 0 { // nobody's events: no index, and no list is all of them
		x.index, ours = []string{s.cfg.Prefix + "-none"}, nothing()
	}
	x.where = bound{all(ours, x.where.most), all(ours, x.where.least)}
	return x, nil
}

// inTime is a bound of @timestamp, at the end of what nanoseconds count when it
// is beyond.
func inTime(op lang.Op, at time.Time) lang.Node {
	switch y := at.UTC().Year(); {
	case y < 1678:
		return lang.And{&lang.Test{Field: atField, Op: lang.Has}, lang.Const(op == lang.Ge)}
	case y > 2261:
		return lang.And{&lang.Test{Field: atField, Op: lang.Has}, lang.Const(op == lang.Lt)}
	}
	return &lang.Test{Field: atField, Op: op, Values: []event.Value{event.Time(at.UnixNano())}}
}

// Count returns how many events match.
func (s *Store) Count(ctx context.Context, q event.Query) (int64, error) {
	x, err := s.ask(ctx, q)
	if err != nil {
		return 0, err
	}
	return x.count(ctx)
}

func (x *question) count(ctx context.Context) (int64, error) {
	sum, err := x.summary(ctx, nil)
	if err != nil {
		return 0, err
	}
	return sum.sure + int64(len(sum.doubt.Events)), nil
}

// Get returns one event by its identity, in a batch that owns its memory.
// tenants restricts it as a query's Tenants do. Its error wraps store.ErrNotFound.
func (s *Store) Get(ctx context.Context, ref event.Ref, tenants []string) (*event.Batch, error) {
	x, err := s.prepare(ctx, lang.Const(true), event.Query{Tenants: tenants})
	if err != nil {
		return nil, err
	}
	if ref.Epoch <= math.MaxInt64 && ref.Seq <= math.MaxInt64 {
		found, err := x.search(ctx, body{"size": 1, "query": all(x.where.most, body{"ids": body{"values": []string{identity(ref)}}})}, "")
		if err != nil {
			return nil, err
		}
		b, builder := &event.Batch{}, new(event.Builder)
		if hits := found.Hits.Hits; len(hits) > 0 {
			return b, decode(hits[0].Source, builder, b)
		}
	}
	return nil, fmt.Errorf("elasticsearch: %s %s %s %s: %w", ref.Collector, ref.Source, strconv.FormatUint(ref.Epoch, 10), strconv.FormatUint(ref.Seq, 10), store.ErrNotFound)
}
