package soc

import (
	"errors"
	"strings"
	"testing"

	"mimamori/event"
)

func TestAnAlertThatIsOverIsClosedUnlessSomebodyHasIt(t *testing.T) {
	s, _ := open(t)
	user(t, s, "bunseki", Analyst)
	insert(t, s, alert(1, tottori, event.Medium), alert(2, tottori, event.Medium))
	if err := s.Change(t.Context(), Change{ID: "A-2", By: "bunseki", Revision: 1, State: InProgress}); err != nil {
		t.Fatal(err)
	}
	note := event.Localized{JA: "また届き始めました。", EN: "It arrives again."}
	for _, c := range []struct {
		id    string
		state State
	}{{"A-1", Closed}, {"A-2", InProgress}} {
		for range 2 { // again does no harm
			if err := s.Settle(t.Context(), c.id, note); err != nil {
				t.Fatal(err)
			}
		}
		a, err := s.Alert(t.Context(), c.id, nil)
		if err != nil {
			t.Fatal(err)
		}
		last := a.History[len(a.History)-1]
		if a.State != c.state || last.By != "" || !strings.Contains(last.Note, note.JA) || !strings.Contains(last.Note, note.EN) {
			t.Errorf("%s: %s, %+v", c.id, a.State, last)
		}
	}
	if err := s.Settle(t.Context(), "A-9", note); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
