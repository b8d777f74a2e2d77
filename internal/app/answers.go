package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"mimamori/dashboards/console"
	"mimamori/event"
	"mimamori/internal/lang"
	"mimamori/store"
	"mimamori/store/elastic"
)

// reader answers questions about events.
type reader interface {
	console.Events
	Get(ctx context.Context, ref event.Ref, tenants []string) (*event.Batch, error)
	Each(ctx context.Context, q event.Query, take func(*event.Batch) error) error
}

// answers are given by an engine that follows the event store, where one is to
// answer, and by the store itself while the engine fails or is behind, and for
// what the engine can't tell. Every question carries its municipalities to
// whichever answers.
type answers struct {
	store  *store.Store
	engine reader // nil: the store answers
	name   string // the engine's
	now    func() time.Time
	behind func() string // why the engine's answers would be too old; "" when they aren't

	mu    sync.Mutex
	until time.Time // then why is found anew
	why   string    // and this is why; "" when it is asked
}

// While an engine fails it is asked again after engineRest, and how far it is behind
// is looked at as often.
const engineRest = 15 * time.Second

// engineMark begins the cursors of an engine's pages.
const engineMark = "engine."

// instead says that the store answers.
func instead(engine string) event.Localized {
	return event.Localized{
		JA: engine + " が答えられないため、この監視サーバーの保存先から答えています。保存期間を過ぎた古いログは含まれません。",
		EN: engine + " can't answer; the event store of this server does. What it no longer keeps is missing.",
	}
}

// away is why the engine is not asked just now; "" when it is, or there is none.
func (a *answers) away() string {
	if a.engine == nil {
		return ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.now().Before(a.until) {
		a.why, a.until = a.behind(), a.now().Add(engineRest)
	}
	return a.why
}

// failed tells whether the store is to answer what the engine answered with an
// error, and lets the engine rest when the error is of the engine itself.
func (a *answers) failed(ctx context.Context, err error) bool {
	_, mistake := errors.AsType[*lang.Error](err)
	switch {
	case err == nil, mistake, errors.Is(err, store.ErrCursor), errors.Is(ctx.Err(), context.Canceled):
		return false
	case errors.Is(err, elastic.ErrVague), errors.Is(err, event.ErrTooLarge):
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.why, a.until = err.Error(), a.now().Add(engineRest)
	return true
}

// eitherOf asks the engine, and the store where that is better; other tells that
// the store answers in the engine's place.
func eitherOf[T any](ctx context.Context, a *answers, ask func(reader) (T, error)) (got T, other bool, err error) {
	if a.engine != nil && a.away() == "" {
		if got, err = ask(a.engine); !a.failed(ctx, err) {
			return got, false, err
		}
	}
	got, err = ask(a.store)
	return got, a.engine != nil, err
}

// Search returns a page of events. A page is followed by those of the store that
// gave the first.
func (a *answers) Search(ctx context.Context, q event.Query) (*event.Page, error) {
	cursor, engines := strings.CutPrefix(q.Cursor, engineMark)
	if q.Cursor != "" && !engines || a.engine == nil {
		return a.store.Search(ctx, q)
	}
	if q.Cursor = cursor; engines {
		page, err := a.engine.Search(ctx, q)
		if a.failed(ctx, err) {
			return nil, fmt.Errorf("%s does not answer any more; search again from the first page, which the event store gives: %w", a.name, err)
		}
		return marked(page), err
	}
	page, other, err := eitherOf(ctx, a, func(from reader) (*event.Page, error) {
		page, err := from.Search(ctx, q)
		if from == a.engine {
			page = marked(page)
		}
		return page, err
	})
	if err == nil && other {
		page.Notice = instead(a.name)
	}
	return page, err
}

// marked says in a page's cursor that it is the engine's.
func marked(page *event.Page) *event.Page {
	if page != nil && page.Next != "" {
		page.Next = engineMark + page.Next
	}
	return page
}

// Histogram counts events over time.
func (a *answers) Histogram(ctx context.Context, q event.Query, n int) ([]event.Bucket, error) {
	bars, _, err := eitherOf(ctx, a, func(from reader) ([]event.Bucket, error) { return from.Histogram(ctx, q, n) })
	return bars, err
}

// Top lists a field's most frequent values.
func (a *answers) Top(ctx context.Context, q event.Query, field string, n int) ([]event.Count, error) {
	list, _, err := eitherOf(ctx, a, func(from reader) ([]event.Count, error) { return from.Top(ctx, q, field, n) })
	return list, err
}

// Get returns one event, from the engine when the store no longer has it.
func (a *answers) Get(ctx context.Context, ref event.Ref, tenants []string) (*event.Batch, error) {
	b, err := a.store.Get(ctx, ref, tenants)
	if !errors.Is(err, store.ErrNotFound) || a.engine == nil || a.away() != "" {
		return b, err
	}
	old, err2 := a.engine.Get(ctx, ref, tenants)
	if err2 == nil || errors.Is(err2, store.ErrNotFound) {
		return old, err2
	}
	a.failed(ctx, err2)
	return b, err
}

// Each gives all events to take. Once it has given some, an engine that fails is
// an error: what was given can't be taken back.
func (a *answers) Each(ctx context.Context, q event.Query, take func(*event.Batch) error) error {
	if a.engine == nil || a.away() != "" {
		return a.store.Each(ctx, q, take)
	}
	given, stopped := false, error(nil)
	err := a.engine.Each(ctx, q, func(b *event.Batch) error {
		given = true
		stopped = take(b)
		return stopped
	})
	if stopped != nil || !a.failed(ctx, err) || given {
		return err
	}
	return a.store.Each(ctx, q, take)
}

// lagging is why an engine's answers would be too old.
func (a *App) lagging() string {
	for _, e := range a.sinkStates(a.store.Stats().Sinks) {
		if e.Name == a.answers.name && e.alarm {
			return fmt.Sprintf("%s is %s behind", e.Name, e.lag.Round(time.Minute))
		}
	}
	return ""
}
