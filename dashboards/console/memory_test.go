package console

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"mimamori/event"
	"mimamori/internal/lang"
)

// memory is a small event store in memory: it answers every interface of the
// console, and honours Tenants, time range, text and pages.
type memory struct {
	events []event.Event // newest first
	status Status
	fail   error // what every answer is, when set
	panics bool
	cut    bool // exports end early
}

func (m *memory) match(q event.Query) ([]*event.Event, error) {
	if m.panics {
		panic("boom")
	}
	if m.fail != nil {
		return nil, m.fail
	}
	e, err := lang.ParseSearch(q.Text)
	if err != nil {
		return nil, err
	}
	program := e.Compile(nil)
	var out []*event.Event
	for i := range m.events {
		ev := &m.events[i]
		at, _ := get(ev, "@timestamp")
		t := time.Unix(0, at.Int())
		if q.Tenants != nil && !slices.Contains(q.Tenants, str(ev, "municipality")) || t.Before(q.From) || !q.To.IsZero() && !t.Before(q.To) || !program(ev) {
			continue
		}
		out = append(out, ev)
	}
	return out, nil
}

// Search implements Events.
func (m *memory) Search(_ context.Context, q event.Query) (*event.Page, error) {
	list, err := m.match(q)
	if err != nil {
		return nil, err
	}
	page := &event.Page{Batch: &event.Batch{}, Total: int64(len(list)), Took: 12 * time.Millisecond}
	start, _ := strconv.Atoi(q.Cursor)
	end := min(len(list), start+q.Limit)
	builder := &event.Builder{}
	for _, e := range list[min(start, end):end] {
		builder.Load(e)
		page.Batch.Append(builder, e.Ref)
	}
	if end < len(list) {
		page.Next = strconv.Itoa(end)
	}
	return page, nil
}

// Histogram implements Events.
func (m *memory) Histogram(_ context.Context, q event.Query, n int) ([]event.Bucket, error) {
	list, err := m.match(q)
	if err != nil {
		return nil, err
	}
	width := q.To.Sub(q.From) / time.Duration(n)
	out := make([]event.Bucket, n)
	for i := range out {
		out[i].Start = q.From.Add(time.Duration(i) * width)
	}
	for _, e := range list {
		at, _ := get(e, "@timestamp")
		out[min(n-1, int(time.Unix(0, at.Int()).Sub(q.From)/width))].Count++
	}
	return out, nil
}

// Top implements Events.
func (m *memory) Top(_ context.Context, q event.Query, field string, n int) ([]event.Count, error) {
	list, err := m.match(q)
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	for _, e := range list {
		if s := str(e, field); s != "" {
			counts[s]++
		}
	}
	var out []event.Count
	for v, c := range counts {
		out = append(out, event.Count{Value: v, Count: c})
	}
	slices.SortFunc(out, func(a, b event.Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	return out[:min(n, len(out))], nil
}

// Get implements Finder.
func (m *memory) Get(_ context.Context, ref event.Ref, tenants []string) (*event.Batch, error) {
	if m.fail != nil {
		return nil, m.fail
	}
	for i := range m.events {
		e := &m.events[i]
		if e.Ref == ref && (tenants == nil || slices.Contains(tenants, str(e, "municipality"))) {
			b, builder := &event.Batch{}, &event.Builder{}
			builder.Load(e)
			b.Append(builder, ref)
			return b, nil
		}
	}
	return nil, fmt.Errorf("event %v: %w", ref, fs.ErrNotExist)
}

// Status implements Health.
func (m *memory) Status(_ context.Context, tenants []string) (Status, error) {
	if m.fail != nil || tenants == nil {
		return m.status, m.fail
	}
	s := Status{At: m.status.At, Totals: Totals{PerSecond: 3, Delay: m.status.Totals.Delay}}
	mine := func(code string) bool { return slices.Contains(tenants, code) }
	for _, x := range m.status.Municipalities {
		if mine(x.Code) {
			s.Municipalities = append(s.Municipalities, x)
		}
	}
	for _, x := range m.status.Sources {
		if mine(x.Municipality) {
			s.Sources = append(s.Sources, x)
			s.Totals.Received += x.Received
			s.Totals.Stored += x.Stored
			s.Totals.Quarantined += x.Quarantined
			s.Totals.Lost += x.Lost
		}
	}
	for _, x := range m.status.Clocks {
		if mine(x.Municipality) {
			s.Clocks = append(s.Clocks, x)
		}
	}
	for _, x := range m.status.Coverage {
		if mine(x.Municipality) {
			s.Coverage = append(s.Coverage, x)
		}
	}
	for _, x := range m.status.Collectors {
		if mine(x.Municipality) {
			s.Collectors = append(s.Collectors, x)
		}
	}
	for _, x := range m.status.Rejected {
		if mine(x.Municipality) {
			s.Rejected = append(s.Rejected, x)
		}
	}
	return s, nil
}
