package erasure

import (
	"errors"
	"slices"
	"testing"
	"time"
)

var errRefused = errors.New("it answers 503")

// TestAnErasureSurvivesACrashAtEveryStep ends the program at each step, or lets the
// step fail, once and again soon after, and then lets it work.
func TestAnErasureSurvivesACrashAtEveryStep(t *testing.T) {
	for _, failure := range []error{errCrash, errRefused} {
		for first := 0; ; first++ {
			reached := false
			for _, second := range []int{first, first + 1, first + 5} {
				w := newWorld(t, "keys", "store", "engine")
				id := w.ask(october, "kanri", "tottori")
				w.now = w.now.Add(DefaultWait)
				n := -1
				w.step = func(string) error {
					if n++; n == first || n == second {
						reached = true
						return failure
					}
					return nil
				}
				for range 4 {
					if killed, _ := w.run(); killed {
						w.restart()
					}
					w.now = w.now.Add(maxRetry)
				}
				w.gone(october)
				if e := w.get(id); e.State != Done || len(w.certificates) != 1 || e.Certificate == "" {
					t.Fatalf("steps %d and %d: %+v, %d certificates", first, second, e, len(w.certificates))
				}
			}
			if !reached {
				if first < 11 { // 3 places of 3 steps, and the certificate's 2
					t.Fatalf("only %d steps were tried", first)
				}
				break
			}
		}
	}
}

func TestAPlaceThatFailsIsToldAndTriedAgainFromTheFirst(t *testing.T) {
	w := newWorld(t, "keys", "store", "engine")
	id := w.ask(october, "kanri", "tottori")
	w.now = w.now.Add(DefaultWait)
	w.step = func(what string) error {
		if what == "store first half" {
			return errRefused
		}
		return nil
	}
	if _, err := w.run(); !errors.Is(err, errRefused) {
		t.Fatal(err)
	}
	if !slices.Equal(w.log, []string{"keys", "store", "engine"}) {
		t.Errorf("asked %v: a place that fails holds back the others, or their order changed", w.log)
	}
	e := w.get(id)
	if e.State != Running || e.Tries != 1 || e.Trouble != "store: it answers 503" || !e.Retry.Equal(w.now.Add(firstRetry)) {
		t.Errorf("%+v", e)
	}
	w.held["engine"][october] = 3 // filled again from the store meanwhile
	w.mustRun()                   // not before its time
	if len(w.log) != 3 {
		t.Errorf("tried at once: %v", w.log)
	}
	w.step = func(string) error { return nil }
	w.now = w.now.Add(firstRetry)
	w.mustRun()
	w.gone(october)
	if e := w.get(id); e.State != Done || e.Trouble != "" || e.Removed[2] != (Removal{"engine", 13}) || e.Removed[0].Count != 10 {
		t.Errorf("%+v", e)
	}
	if err := w.service.Withdraw(t.Context(), "kanri", id, "x"); !errors.Is(err, TooLate) {
		t.Error(err)
	}
}

func TestAHoldStopsWhatARunningErasureHasNotReached(t *testing.T) {
	w := newWorld(t, "keys", "store", "engine")
	id := w.ask(october, "kanri", "tottori")
	w.now = w.now.Add(DefaultWait)
	w.before = func(place string, _ Scope) {
		if place == "store" && len(w.log) == 1 {
			if err := w.service.SetHold(t.Context(), "tottori", october, "監査"); err != nil {
				t.Error(err)
			}
		}
	}
	w.mustRun()
	w.now = w.now.Add(time.Hour)
	w.mustRun()
	if e := w.get(id); e.State != Running || !e.Held || w.held["engine"][october] != 10 || w.held["store"][october] != 0 {
		t.Errorf("%+v, %v", e, w.held)
	}
	if err := w.service.LiftHold(t.Context(), "kanri", 1); err != nil {
		t.Fatal(err)
	}
	w.mustRun()
	w.gone(october)
}
