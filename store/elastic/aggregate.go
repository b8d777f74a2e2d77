package elastic

import (
	"context"
	"fmt"

	"mimamori/event"
)

// Aggregate answers with figures over the matching events as the embedded store
// does. Groups, sums, averages and ends are exact; so are distinct counts and
// percentiles up to 100,000 different values of all rows together, beyond which
// Elasticsearch estimates them and Table.Estimated says so. By dates, and of
// dates but for their ends, it reads the events, and so only few (ErrVague).
// More than 200,000 groups are an error that wraps event.ErrTooLarge.
func (s *Store) Aggregate(ctx context.Context, q event.Query, a event.Aggregate) (*event.Table, error) {
	if err := a.Check(); err != nil {
		return nil, fmt.Errorf("elasticsearch: %w", err)
	}
	x, err := s.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	r := newReckoner(x, a)
	sum, doubt, err := x.overview(ctx, nil, "")
	if err == nil && sum.sure+doubt > 0 {
		err = x.still(ctx, func(pit string) error { r.pit = pit; return r.run(ctx) })
	}
	if err != nil {
		return nil, err
	}
	return r.table(), nil
}

// reckoner answers one Aggregate at one point in time.
type reckoner struct {
	*question
	event.Aggregate

	pit       string
	by, of    []event.Field
	groups    map[string]*group
	rows      []*group // those that are answered with
	cut       bool
	estimated bool
}

func newReckoner(x *question, a event.Aggregate) *reckoner {
	r := &reckoner{question: x, Aggregate: a, groups: map[string]*group{}}
	read := false
	odds := []string{}
	for _, name := range a.By {
		f := event.MustLookup(name) // Check knows it
		r.by, odds = append(r.by, f), append(odds, f.Name())
		read = read || !x.counts(f)
	}
	for _, m := range a.Measures {
		f := event.MustLookup(m.Field)
		r.of, odds = append(r.of, f), append(odds, f.Name())
		read = read || !x.counts(f) && m.Kind != event.Least && m.Kind != event.Greatest
	}
	for _, f := range r.by {
		x.where.most = all(x.where.most, either(has(f), odd(f)))
		x.where.least = all(x.where.least, has(f))
	}
	if x.where.least = all(x.where.least, none(body{"terms": body{oddField: odds}})); read {
		x.where.least = nothing()
	}
	if len(a.By) == 0 {
		r.group(nil)
	}
	return r
}

// run gathers the groups, chooses the rows, and reckons their figures.
func (r *reckoner) run(ctx context.Context) error {
	sum, doubt, err := r.overview(ctx, nil, r.pit)
	if err != nil {
		return err
	}
	if doubt > int64(r.s.opts.most) {
		return fmt.Errorf("%d events: %w", doubt, ErrVague)
	}
	if doubt > 0 {
		if err := r.walk(ctx, r.pit, sum.doubt); err != nil {
			return err
		}
	}
	if sum.sure > 0 {
		err = r.buckets(ctx, buckets{by: r.by, most: r.s.opts.most}, func(b *bucket) error {
			r.group(b.key).n += b.count
			return nil
		})
		if err != nil {
			return err
		}
	}
	for i := range sum.doubt.Events {
		for _, key := range keys(&sum.doubt.Events[i], r.by) {
			r.group(key).n++
		}
	}
	r.choose()
	if sum.sure > 0 {
		if err := r.figures(ctx, len(sum.doubt.Events) > 0); err != nil {
			return err
		}
	}
	for i := range sum.doubt.Events {
		r.add(&sum.doubt.Events[i])
	}
	return nil
}

// figures asks for what the index knows of the rows' figures.
func (r *reckoner) figures(ctx context.Context, doubt bool) error {
	plain := body{}
	for i, m := range r.Measures {
		if m.Kind == event.Distinct || m.Kind == event.Percentile {
			whole, err := r.values(ctx, i)
			if err != nil {
				return err
			}
			if whole {
				continue
			}
			if doubt { // an estimate has no place for what was read
				return fmt.Errorf("%s: more than %d different values: %w", m, mostValues, ErrVague)
			}
			r.estimated = true
		}
		plain[name(i)] = metric(m, r.of[i])
	}
	if len(plain) == 0 {
		return nil
	}
	return r.buckets(ctx, buckets{by: r.by, among: r.among(), sub: plain, most: r.s.opts.most}, func(b *bucket) error {
		if g := r.groups[groupKey(b.key)]; g != nil && g.row {
			return r.take(g, b)
		}
		return nil
	})
}

// mostValues is how many values of a measure are gathered one by one.
const mostValues = 100_000

// values gathers the values of a measure's field, each with how many events of a
// row have it; false when there are too many.
func (r *reckoner) values(ctx context.Context, i int) (bool, error) {
	n := len(r.by)
	err := r.buckets(ctx, buckets{by: append(r.by[:n:n], r.of[i]), among: r.among(), most: min(mostValues, r.s.opts.most)}, func(b *bucket) error {
		if g := r.groups[groupKey(b.key[:n])]; g != nil && g.row {
			g.figures[i].count(b.key[n], b.count)
		}
		return nil
	})
	if isTooLarge(err) {
		for _, g := range r.rows {
			g.figures[i].values = nil
		}
		return false, nil
	}
	return err == nil, err
}
