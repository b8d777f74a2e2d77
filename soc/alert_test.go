package soc

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mimamori/event"
)

func TestAlertComesBackAsItWasInserted(t *testing.T) {
	s, _ := open(t)
	want := alert(1, tottori, event.Critical)
	want.Events = append(want.Events, event.Evidence{Ref: event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: 9}}) // only named
	insert(t, s, want)
	for _, id := range []string{want.ID, "A-1", "a-1", "1"} {
		got, err := s.Alert(t.Context(), id, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got.Alert, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }), cmp.Comparer(bytes.Equal)); d != "" {
			t.Error(d)
		}
		if got.Label() != "A-1" || got.State != New || len(got.History) != 1 || got.History[0].To != New {
			t.Errorf("got %+v", got)
		}
	}
}

func TestSameAlertIsInsertedOnce(t *testing.T) {
	s, _ := open(t)
	a, b := alert(1, tottori, event.High), alert(2, tottori, event.High)
	insert(t, s, a)
	if err := s.Change(t.Context(), Change{ID: a.ID, By: "sato", Revision: 1, State: Acknowledged}); err != nil {
		t.Fatal(err)
	}
	n, err := s.Insert(t.Context(), []event.Alert{a, b, a, b})
	if err != nil || n != 1 {
		t.Fatalf("new %d, %v; want 1", n, err)
	}
	got, err := s.Alert(t.Context(), a.ID, nil)
	if err != nil || got.State != Acknowledged || len(got.Events) != 1 || len(got.History) != 2 {
		t.Errorf("the alert did not stay as it was: %+v, %v", got, err)
	}
}

func TestFailedInsertAddsNothing(t *testing.T) {
	s, _ := open(t)
	if _, err := s.Insert(t.Context(), []event.Alert{alert(1, tottori, event.Low), {}}); !errors.Is(err, ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	if page, err := s.Alerts(t.Context(), AlertFilter{}); err != nil || page.Total != 0 {
		t.Errorf("half a batch stayed: %+v, %v", page, err)
	}
}

func TestAlertsAreThereAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "soc.db")
	s, _ := openAt(t, path)
	insert(t, s, alert(1, tottori, event.High))
	again, _ := openAt(t, path)
	if _, err := again.Alert(t.Context(), "A-1", nil); err != nil {
		t.Error(err)
	}
}

func TestEvidenceIsBounded(t *testing.T) {
	s, _ := open(t)
	a := alert(1, tottori, event.High)
	for range 200 {
		a.Events = append(a.Events, a.Events[0])
	}
	insert(t, s, a)
	got, err := s.Alert(t.Context(), "A-1", nil)
	if err != nil || len(got.Events) != MaxEvidence {
		t.Errorf("kept %d events, %v", len(got.Events), err)
	}
}

func TestAnotherTownsAlertIsNotFound(t *testing.T) {
	s, _ := open(t)
	spans := alert(3, "", event.High)
	insert(t, s, alert(1, tottori, event.High), alert(2, yonago, event.High), spans)
	mine := []string{tottori}
	for _, id := range []string{"A-2", "A-3", spans.ID} {
		if _, err := s.Alert(t.Context(), id, mine); !errors.Is(err, ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want not found", id, err)
		}
		if err := s.Change(t.Context(), Change{ID: id, By: "x", Tenants: mine, Revision: 1, State: Acknowledged}); !errors.Is(err, ErrNotFound) {
			t.Errorf("change %s: got %v, want not found", id, err)
		}
	}
	if _, err := s.Alert(t.Context(), "A-1", []string{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("an empty list of tenants saw an alert: %v", err)
	}
	page, err := s.Alerts(t.Context(), AlertFilter{Tenants: mine, Municipality: yonago})
	if err != nil || page.Total != 0 || len(page.Alerts) != 0 {
		t.Errorf("a filter widened what may be seen: %+v, %v", page, err)
	}
	c, err := s.Counts(t.Context(), mine)
	if err != nil || c.Open.Sum() != 1 || len(c.Municipalities) != 1 || c.Latest != 1 {
		t.Errorf("counts: %+v, %v", c, err)
	}
	c, err = s.Counts(t.Context(), []string{})
	if err != nil || c.Open.Sum() != 0 || c.Latest != 0 {
		t.Errorf("counts of nothing: %+v, %v", c, err)
	}
}

func TestFiltersChooseAlerts(t *testing.T) {
	s, _ := open(t)
	trial := alert(4, tottori, event.Low)
	trial.Test = true
	odd := alert(5, yonago, event.Info)
	odd.Rule, odd.Title.EN, odd.Key = "odd", "100%_sure\\", "user.name=田中"
	insert(t, s, alert(1, tottori, event.Critical), alert(2, yonago, event.High), alert(3, tottori, event.High), trial, odd)
	user(t, s, "sato", Analyst)
	name := "sato"
	if err := s.Change(t.Context(), Change{ID: "A-3", By: "sato", Revision: 1, State: Acknowledged, Assignee: &name}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		f    AlertFilter
		want []int64
	}{
		{"most severe first", AlertFilter{}, []int64{1, 3, 2, 5}},
		{"newest first", AlertFilter{Newest: true}, []int64{5, 3, 2, 1}},
		{"trial too", AlertFilter{Trial: true}, []int64{1, 3, 2, 4, 5}},
		{"state", AlertFilter{States: []State{New}}, []int64{1, 2, 5}},
		{"severity", AlertFilter{Severities: []event.Severity{event.High, event.Info}}, []int64{3, 2, 5}},
		{"municipality", AlertFilter{Municipality: yonago}, []int64{2, 5}},
		{"rule", AlertFilter{Rule: "odd"}, []int64{5}},
		{"assignee", AlertFilter{Assignee: "sato"}, []int64{3}},
		{"unassigned", AlertFilter{Unassigned: true}, []int64{1, 2, 5}},
		{"label", AlertFilter{Text: "a-2"}, []int64{2}},
		{"text", AlertFilter{Text: "田中"}, []int64{5}},
		{"wildcards are text", AlertFilter{Text: `%_sure\`}, []int64{5}},
		{"since", AlertFilter{After: 2}, []int64{3, 5}},
	} {
		page, err := s.Alerts(t.Context(), c.f)
		if got := numbers(page); err != nil || !slices.Equal(got, c.want) || page.Total != len(c.want) {
			t.Errorf("%s: got %v of %d, %v; want %v", c.name, got, page.Total, err, c.want)
		}
	}
}

func numbers(p AlertPage) []int64 {
	var out []int64
	for _, a := range p.Alerts {
		out = append(out, a.Number)
	}
	return out
}

func TestPagesHoldEachAlertOnceInOrder(t *testing.T) {
	s, _ := open(t)
	var all []event.Alert
	for i := range 60 {
		all = append(all, alert(i, tottori, event.Severity(i*7%5)))
	}
	insert(t, s, all...)
	whole, err := s.Alerts(t.Context(), AlertFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		f := AlertFilter{Limit: rapid.IntRange(1, 30).Draw(rt, "limit"), Newest: rapid.Bool().Draw(rt, "newest")}
		var got []int64
		for {
			page, err := s.Alerts(t.Context(), f)
			if err != nil || page.Total != 60 {
				rt.Fatalf("page: %d, %v", page.Total, err)
			}
			got = append(got, numbers(page)...)
			if f.Cursor = page.Next; f.Cursor == "" {
				break
			}
		}
		want := numbers(whole)
		if f.Newest {
			slices.Sort(want)
			slices.Reverse(want)
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("got %v\nwant %v", got, want)
		}
	})
	if _, err := s.Alerts(t.Context(), AlertFilter{Cursor: "4.x"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("bad cursor: %v", err)
	}
}

func TestEveryChangeIsInTheHistory(t *testing.T) {
	s, c := open(t)
	insert(t, s, alert(1, tottori, event.High))
	user(t, s, "sato", Analyst)
	sato, nobody := "sato", ""
	for i, ch := range []Change{
		{State: Acknowledged, Assignee: &sato},
		{State: InProgress},
		{Note: "電話した"},
		{State: Closed, Resolution: Benign, Note: "許可済み"},
		{State: InProgress, Note: "許可は別件だった"},
		{Assignee: &nobody},
	} {
		c.advance(time.Minute)
		ch.ID, ch.By, ch.Revision = "A-1", "sato", int64(i+1)
		if err := s.Change(t.Context(), ch); err != nil {
			t.Fatalf("change %d: %v", i, err)
		}
	}
	a, err := s.Alert(t.Context(), "A-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.State != InProgress || a.Resolution != "" || !a.Closed.IsZero() || a.Assignee != "" || a.Revision != 7 {
		t.Errorf("got %+v", a)
	}
	if want := a.Created.Add(time.Minute); !a.Acknowledged.Equal(want) {
		t.Errorf("acknowledged %v, want %v", a.Acknowledged, want)
	}
	if len(a.History) != 7 || a.History[4].To != Closed || a.History[4].Resolution != Benign || a.History[4].Note != "許可済み" || a.History[3].Note != "電話した" || a.History[3].From != InProgress {
		t.Errorf("history: %+v", a.History)
	}
}

func TestIllegalChangesAreRefused(t *testing.T) {
	s, _ := open(t)
	insert(t, s, alert(1, tottori, event.High), alert(2, tottori, event.High))
	user(t, s, "yonago", Municipality, yonago)
	user(t, s, "gone", Analyst)
	if err := s.SetDisabled(t.Context(), "gone", true); err != nil {
		t.Fatal(err)
	}
	if err := s.Change(t.Context(), Change{ID: "A-2", By: "x", Revision: 1, State: Closed, Resolution: FalsePositive, Note: "n"}); err != nil {
		t.Fatal(err)
	}
	other, gone, unknown := "yonago", "gone", "nobody-here"
	for _, c := range []struct {
		name string
		c    Change
		want error
	}{
		{"nothing", Change{}, ErrInvalid},
		{"no author", Change{State: Acknowledged, By: "-"}, ErrInvalid},
		{"closing without a reason", Change{State: Closed, Note: "n"}, ErrInvalid},
		{"closing without a note", Change{State: Closed, Resolution: Benign, Note: "  "}, ErrInvalid},
		{"resolution without closing", Change{State: Acknowledged, Resolution: Benign}, ErrInvalid},
		{"back to new", Change{State: New}, ErrTransition},
		{"unknown state", Change{State: "odd"}, ErrTransition},
		{"old revision", Change{State: Acknowledged, Revision: 9}, ErrConflict},
		{"assignee without sight of it", Change{Assignee: &other}, ErrInvalid},
		{"disabled assignee", Change{Assignee: &gone}, ErrInvalid},
		{"unknown assignee", Change{Assignee: &unknown}, ErrInvalid},
		{"acknowledge what is closed", Change{ID: "A-2", State: Acknowledged, Revision: 2}, ErrTransition},
		{"reopen without a word", Change{ID: "A-2", State: InProgress, Revision: 2}, ErrInvalid},
		{"a book for a note", Change{Note: string(make([]byte, MaxNote)) + "xx"}, ErrInvalid},
	} {
		if c.c.ID == "" {
			c.c.ID = "A-1"
		}
		if c.c.Revision == 0 {
			c.c.Revision = 1
		}
		if c.c.By == "" {
			c.c.By = "sato"
		} else {
			c.c.By = ""
		}
		if err := s.Change(t.Context(), c.c); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	a, err := s.Alert(t.Context(), "A-1", nil)
	if err != nil || a.State != New || a.Revision != 1 || len(a.History) != 1 {
		t.Errorf("a refused change left a mark: %+v, %v", a, err)
	}
}

func TestOfTwoPeopleAtOnceOneWins(t *testing.T) {
	s, _ := open(t)
	insert(t, s, alert(1, tottori, event.High))
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			errs[i] = s.Change(t.Context(), Change{ID: "A-1", By: "u", Revision: 1, State: Acknowledged})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, ErrConflict):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d changes of one revision went through", won)
	}
}

func TestCountsSayWhatIsOpen(t *testing.T) {
	s, c := open(t)
	first := c.now()
	trial := alert(9, tottori, event.Critical)
	trial.Test = true
	insert(t, s, alert(1, tottori, event.Critical), trial)
	c.advance(time.Hour)
	insert(t, s, alert(2, yonago, event.High), alert(3, yonago, event.High), alert(4, "", event.Low))
	got, err := s.Counts(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Oldest.Equal(first) || got.Unassigned != 4 || got.Unacknowledged != 4 || got.Municipalities[yonago][event.High] != 2 || got.Latest != 5 {
		t.Errorf("got %+v", got)
	}
	if err := s.Change(t.Context(), Change{ID: "A-1", By: "x", Revision: 1, State: Closed, Resolution: TruePositive, Note: "n"}); err != nil {
		t.Fatal(err)
	}
	got, err = s.Counts(t.Context(), nil)
	if err != nil || !got.Oldest.Equal(c.now()) || got.Open.Sum() != 3 || got.Open[event.Critical] != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}
