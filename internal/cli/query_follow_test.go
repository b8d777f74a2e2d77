package cli

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
)

// Whatever arrives between looks is shown once or counted as skipped.
func TestFollowingShowsOrCountsWhatArrives(t *testing.T) {
	at := event.MustLookup("@timestamp")
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_790_000_000, 0)
		all, x := &event.Batch{}, new(event.Builder)
		arrive := func(n int) {
			for range n {
				late := rapid.IntRange(0, 50).Draw(t, "late")
				x.Set(at, event.Time(now.Add(-time.Duration(late)*time.Minute).UnixNano()))
				all.Append(x, event.Ref{Seq: uint64(len(all.Events) + 1)})
			}
		}
		most := rapid.IntRange(1, 8).Draw(t, "page")
		shown, skipped := map[event.Ref]bool{}, int64(0)
		f := &follower{
			now: func() time.Time { return now },
			search: func(_ context.Context, q event.Query) (*event.Page, error) {
				page := &event.Page{Batch: &event.Batch{}}
				for i := range all.Events { // the last to come is the newest here
					e := &all.Events[len(all.Events)-1-i]
					if v, _ := e.Get(at); v.Int() >= q.From.UnixNano() {
						if page.Total++; len(page.Batch.Events) < most {
							page.Batch.Events = append(page.Batch.Events, *e)
						}
					}
				}
				return page, nil
			},
			show: func(e *event.Event) error {
				if shown[e.Ref] {
					t.Fatalf("%v is shown twice", e.Ref)
				}
				shown[e.Ref] = true
				return nil
			},
			skipped: func(n int64) { skipped += n },
		}
		arrive(rapid.IntRange(0, 9).Draw(t, "before"))
		before := len(all.Events)
		look := func() {
			if err := f.look(t.Context(), event.Query{}); err != nil {
				t.Fatal(err)
			}
		}
		look()
		for range rapid.IntRange(1, 6).Draw(t, "looks") {
			arrive(rapid.IntRange(0, 12).Draw(t, "arrived"))
			look()
		}
		if got, want := len(shown)+int(skipped), len(all.Events)-before; got != want {
			t.Fatalf("%d shown and %d skipped of %d", len(shown), skipped, want)
		}
	})
}
