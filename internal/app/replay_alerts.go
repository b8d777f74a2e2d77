package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/rules"
	"mimamori/soc"
)

// Compared is what the rules found, beside the alerts that were recorded.
type Compared struct {
	Found    int       `json:"found"`
	Same     int       `json:"same"`               // recorded as well
	Added    []Finding `json:"added,omitempty"`    // only the replay has them
	Missing  []Finding `json:"missing,omitempty"`  // only the record has them
	More     int       `json:"more,omitempty"`     // of both, not listed
	Inserted int       `json:"inserted,omitempty"` // of the added, into the record
	Compared bool      `json:"compared"`           // there was a record, and the rules saw all that it is about
}

// Finding names one alert.
type Finding struct {
	Rule         string    `json:"rule"`
	Municipality string    `json:"municipality,omitempty"`
	Key          string    `json:"key"`
	Start        time.Time `json:"start"`
	Count        int       `json:"count"`
}

// finger is what makes an alert the same under two versions of its rule.
type finger struct {
	rule, town, key string
	start           int64
}

func fingerOf(a *event.Alert) finger {
	return finger{a.Rule, a.Municipality, a.Key, a.Start.UnixNano()}
}

// mostFound is how many alerts wait to be inserted.
const mostFound = 200

// finds takes the alerts of a replay. One that was recorded already, by its
// identity or else by what it is about, is not inserted again.
type finds struct {
	w      *replaying
	set    *rules.Set
	engine *rules.Engine
	ids    map[string]bool // of all alerts that were recorded
	same   map[finger]bool
	open   map[finger]Finding // recorded ones that should be found again
	mine   map[string]bool    // found
	wait   []event.Alert
	out    Compared
}

func newFinds(ctx context.Context, w *replaying, set *rules.Set, engine *rules.Engine) (*finds, error) {
	f := &finds{w: w, set: set, engine: engine, ids: map[string]bool{}, same: map[finger]bool{}, open: map[finger]Finding{}, mine: map[string]bool{}}
	if w.recorded == nil {
		return f, nil
	}
	f.out.Compared = w.r.Collector == "" && w.r.Source == ""
	for filter := (soc.AlertFilter{Trial: true, Newest: true, Limit: 1000}); ; {
		page, err := w.recorded.Alerts(ctx, filter)
		if err != nil {
			return nil, err
		}
		for i := range page.Alerts {
			f.record(&page.Alerts[i].Alert)
		}
		if filter.Cursor = page.Next; filter.Cursor == "" {
			return f, nil
		}
	}
}

// record notes an alert that is there.
func (f *finds) record(a *event.Alert) {
	f.ids[a.ID], f.same[fingerOf(a)] = true, true
	if f.out.Compared && f.set.Get(a.Rule) != nil && f.meant(a) {
		f.open[fingerOf(a)] = findingOf(a)
	}
}

func findingOf(a *event.Alert) Finding {
	return Finding{a.Rule, a.Municipality, a.Key, a.Start, a.Count}
}

// meant tells whether an alert is one of those that the replay can tell whole:
// it begins in the range, and the rules saw all that it may be about.
func (f *finds) meant(a *event.Alert) bool {
	r := &f.w.r
	return r.has(a.Start) && (r.Municipality == "" || a.Municipality == r.Municipality)
}

// alert takes what a rule found.
func (f *finds) alert(a event.Alert) {
	if !f.meant(&a) || f.mine[a.ID] {
		return
	}
	f.mine[a.ID] = true
	f.out.Found++
	x := fingerOf(&a)
	delete(f.open, x)
	switch {
	case f.ids[a.ID] || f.same[x]:
		f.out.Same++
		if !f.w.aside {
			return
		}
	case f.out.Compared:
		f.list(&f.out.Added, findingOf(&a))
	}
	f.wait = append(f.wait, a)
}

func (f *finds) list(to *[]Finding, x Finding) {
	if len(*to) >= maxNamed {
		f.out.More++
		return
	}
	*to = append(*to, x)
}

// insert keeps what was found. In the record such an alert says where it comes
// from: it is new there, and no incident of today.
func (f *finds) insert(ctx context.Context) error {
	if !f.w.aside {
		for i := range f.wait {
			f.w.mark(&f.wait[i])
		}
	}
	n, err := f.w.soc.Insert(ctx, f.wait)
	if err != nil {
		return err
	}
	f.wait, f.out.Inserted = f.wait[:0], f.out.Inserted+n
	return nil
}

// mark says in an alert's own texts that a replay found it, and when.
func (w *replaying) mark(a *event.Alert) {
	day := w.now().In(calendar.JST()).Format(time.DateOnly)
	a.Title.JA, a.Title.EN = "【再生で発見】"+a.Title.JA, "[found by replay] "+a.Title.EN
	a.Explain.JA = day + " に過去のログを読み直して見つかりました。今日の出来事ではありません。発生時刻を確かめてください。" + a.Explain.JA
	a.Explain.EN = "Found on " + day + " by reading logs of the past again: it did not happen today, see its times. " + a.Explain.EN
}

// end judges what still waits, and sums up.
func (f *finds) end(ctx context.Context) error {
	f.engine.Flush(f.alert)
	if err := f.insert(ctx); err != nil {
		return err
	}
	var gone []Finding
	for _, x := range f.open {
		gone = append(gone, x)
	}
	slices.SortFunc(gone, func(a, b Finding) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Municipality, b.Municipality), cmp.Compare(a.Key, b.Key))
	})
	for _, x := range gone {
		f.list(&f.out.Missing, x)
	}
	f.w.out.Alerts = &f.out
	return nil
}
