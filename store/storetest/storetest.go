package storetest

import (
	"context"
	"testing"

	"mimamori/event"
)

// Reader finds events.
type Reader interface {
	Search(ctx context.Context, q event.Query) (*event.Page, error)
	Count(ctx context.Context, q event.Query) (int64, error)
	Get(ctx context.Context, ref event.Ref, tenants []string) (*event.Batch, error)
}

// Lister gives all events that match, in any order.
type Lister interface {
	Each(ctx context.Context, q event.Query, take func(*event.Batch) error) error
}

// Counter counts them by time and by value.
type Counter interface {
	Histogram(ctx context.Context, q event.Query, buckets int) ([]event.Bucket, error)
	Top(ctx context.Context, q event.Query, field string, n int) ([]event.Count, error)
	Aggregate(ctx context.Context, q event.Query, a event.Aggregate) (*event.Table, error)
}

// Subject is a store under test, empty at first. Its inList is to be answered
// by Lists.
type Subject struct {
	Reader
	Counter
	Lister
	// Add stores a batch and makes it visible.
	Add func(t testing.TB, b *event.Batch)
}

// Lists are the named lists that the questions ask for.
type Lists struct{}

// Contains tells whether the list "known" has the value.
func (Lists) Contains(list, value string) bool {
	return list == "known" && (value == "sato" || value == "10.1.2.3" || value == "root")
}

// Run asks the suite's questions. fresh makes an empty store.
func Run(t *testing.T, fresh func(t *testing.T) Subject) {
	s := fresh(t)
	o := &oracle{all: corpus()}
	half := len(o.all.Events) / 2
	for _, part := range [][]event.Event{o.all.Events[:half], o.all.Events[half:]} {
		s.Add(t, &event.Batch{Events: part, Keep: []any{o.all}})
	}
	for _, c := range []struct {
		name string
		run  func(*testing.T, Subject, *oracle)
	}{
		{"what was written is read back", readBack},
		{"questions", questions},
		{"conditions made at random", random},
		{"pages in order", pages},
		{"export", export},
		{"histograms", histograms},
		{"top values", tops},
		{"figures", figures},
		{"other towns' events", tenants},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, s, o) })
	}
	t.Run("pages while events arrive", func(t *testing.T) { arriving(t, fresh(t)) })
}
