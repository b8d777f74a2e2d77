package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"mimamori/dashboards/console"
	"mimamori/event"
	"mimamori/store"
	"mimamori/store/elastic"
)

// hurt is an engine that answers from a store of its own, or with an error.
type hurt struct {
	*store.Store

	err   error
	asked int
}

func (h *hurt) Search(ctx context.Context, q event.Query) (*event.Page, error) {
	if h.asked++; h.err != nil {
		return nil, h.err
	}
	return h.Store.Search(ctx, q)
}

func (h *hurt) Each(ctx context.Context, q event.Query, take func(*event.Batch) error) error {
	if h.err != nil {
		return h.err
	}
	return h.Store.Each(ctx, q, take)
}

// answering makes answers of an engine that has n events and a store that has
// the newest of them.
func answering(t *testing.T, n, newest int) (*answers, *hurt, *time.Time) {
	t.Helper()
	open := func(first int) *store.Store {
		s, err := store.Open(t.TempDir(), store.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		b, x := &event.Batch{}, new(event.Builder)
		for i := first; i < n; i++ {
			x.Set(event.MustLookup("@timestamp"), event.Time(int64(1_790_000_000+i)*1e9))
			x.Set(event.MustLookup("municipality"), event.String([]string{"312011", "312029"}[i%2]))
			b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(i)})
		}
		if err := s.Commit(t.Context(), store.Commit{Batches: []*event.Batch{b}}); err != nil {
			t.Fatal(err)
		}
		return s
	}
	now := time.Unix(1_800_000_000, 0)
	engine := &hurt{Store: open(0)}
	return &answers{store: open(n - newest), engine: engine, name: "elasticsearch", now: func() time.Time { return now }, behind: func() string { return "" }}, engine, &now
}

func TestTheStoreAnswersWhenTheEngineCanNot(t *testing.T) {
	a, engine, now := answering(t, 10, 4)
	ctx := t.Context()
	ask := func(total int64, notice bool) *event.Page {
		t.Helper()
		page, err := a.Search(ctx, event.Query{Limit: 3})
		if err != nil || page.Total != total || (page.Notice.JA != "") != notice || (page.Notice.EN != "") != notice {
			t.Fatalf("%+v %v, want %d events", page, err, total)
		}
		return page
	}
	page := ask(10, false)
	engine.err = errors.New("connection refused")
	if _, err := a.Search(ctx, event.Query{Limit: 3, Cursor: page.Next}); err == nil || !strings.Contains(err.Error(), "first page") || !errors.Is(err, engine.err) {
		t.Errorf("the engine's next page without the engine: %v", err)
	}
	page = ask(4, true)
	asked := engine.asked
	if ask(4, true); engine.asked != asked || a.away() != "connection refused" {
		t.Errorf("it is asked again at once, or not told why: %q", a.away())
	}
	if bars, err := a.Histogram(ctx, event.Query{}, 10); err != nil || len(bars) == 0 {
		t.Error(bars, err)
	}
	engine.err, *now = nil, now.Add(engineRest)
	if next, err := a.Search(ctx, event.Query{Limit: 3, Cursor: page.Next}); err != nil || len(next.Batch.Events) != 1 {
		t.Errorf("the store's next page is not the store's: %+v %v", next, err)
	}
	if page = ask(10, false); a.away() != "" {
		t.Error(a.away())
	}
	if next, err := a.Search(ctx, event.Query{Limit: 3, Cursor: page.Next}); err != nil || len(next.Batch.Events) != 3 {
		t.Errorf("the engine's next page: %+v %v", next, err)
	}
	engine.err = elastic.ErrVague
	if ask(4, true); a.away() != "" {
		t.Error("a question that it can't tell makes the engine rest")
	}
	a.behind, engine.err, *now = func() string { return "3h behind" }, nil, now.Add(engineRest)
	ask(4, true)
	a.behind, *now = func() string { return "" }, now.Add(engineRest)
	for _, q := range []event.Query{{Text: "user.name =="}, {Cursor: "nonsense"}, {Cursor: engineMark + "nonsense"}} {
		if _, err := a.Search(ctx, q); err == nil || a.away() != "" {
			t.Errorf("%+v: %v; the asker's mistake is not the engine's", q, err)
		}
	}
}

func TestExportsAndEventsComeFromWhereTheyAre(t *testing.T) {
	a, engine, _ := answering(t, 10, 4)
	count := func(q event.Query, want int) {
		t.Helper()
		var out strings.Builder
		if n, err := (analysis{a}).Export(t.Context(), q, console.Download{Format: "ndjson"}, &out); err != nil || int(n) != want || strings.Count(out.String(), "\n") != want {
			t.Errorf("%d events, want %d (%v)", n, want, err)
		}
	}
	count(event.Query{Tenants: []string{"312011"}}, 5)
	old := event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: 2}
	if _, err := (finder{a}).Get(t.Context(), old, []string{"312011"}); err != nil {
		t.Errorf("what only the engine has: %v", err)
	}
	if _, err := (finder{a}).Get(t.Context(), old, []string{"312029"}); err == nil {
		t.Error("another municipality's event")
	}
	engine.err = errors.New("down")
	count(event.Query{}, 4)
	count(event.Query{Tenants: []string{}}, 0)
}
