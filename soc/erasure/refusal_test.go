package erasure

import (
	"errors"
	"strings"
	"testing"
	"time"

	"mimamori/soc"
)

// TestForbiddenPathsAreRefused goes each way that must not lead to an erasure,
// and then sees that a month later nothing is gone.
func TestForbiddenPathsAreRefused(t *testing.T) {
	type act = func(w *world) error
	request := func(by string, s Scope, why string) act {
		return func(w *world) error { _, err := w.service.Request(t.Context(), by, s, why); return err }
	}
	approve := func(asks, approves string) act {
		return func(w *world) error { return w.service.Approve(t.Context(), approves, w.ask(october, asks, "")) }
	}
	for name, c := range map[string]struct {
		do   act
		want error
	}{
		"the prefecture's person approves their own":         {approve("kanri", "kanri"), SamePerson},
		"a municipality's person approves their own":         {approve("tottori", "tottori"), SamePerson},
		"a colleague at the prefecture approves":             {approve("kanri", "kanri2"), SameSide},
		"a colleague at the municipality approves":           {approve("tottori", "tottori2"), SameSide},
		"one who works for two towns approves a colleague's": {approve("tottori", "kouiki"), SameSide},
		"another municipality approves":                      {approve("kanri", "yonago"), Stranger},
		"an analyst approves":                                {approve("tottori", "bunseki"), NoRight},
		"nobody's account approves":                          {approve("kanri", "nobody"), Stranger},
		"a disabled account of the municipality approves":    {approve("kanri", "tottori-off"), Disabled},
		"a disabled account of the prefecture approves":      {approve("tottori", "yameta"), Disabled},
		"another municipality asks":                          {request("yonago", october, "x"), Stranger},
		"an analyst asks":                                    {request("bunseki", october, "x"), NoRight},
		"a disabled account asks":                            {request("yameta", october, "x"), Disabled},
		"nobody's account asks":                              {request("nobody", october, "x"), Stranger},
		"the running month":                                  {request("kanri", Scope{tottori, "2026-11"}, "x"), NotOver},
		"a month to come":                                    {request("kanri", Scope{tottori, "2027-01"}, "x"), NotOver},
		"a month that is none":                               {request("kanri", Scope{tottori, "2026-13"}, "x"), NoMonth},
		"a day":                                              {request("kanri", Scope{tottori, "2026-10-01"}, "x"), NoMonth},
		"a municipality that is none":                        {request("kanri", Scope{"312012", "2026-10"}, "x"), NoMonth},
		"no reason":                                          {request("kanri", october, " \n"), NoReason},
		"too long a reason":                                  {request("kanri", october, strings.Repeat("あ", 401)), NoReason},
		"the requester was disabled meanwhile": {func(w *world) error {
			id := w.ask(october, "kanri", "")
			w.users["kanri"] = soc.User{Name: "kanri", Role: soc.Admin, Disabled: true}
			return w.service.Approve(t.Context(), "tottori", id)
		}, AskerGone},
		"the requester changed sides meanwhile": {func(w *world) error {
			id := w.ask(october, "kanri", "")
			w.users["kanri"] = soc.User{Name: "kanri", Role: soc.Municipality, Municipalities: []string{tottori}}
			return w.service.Approve(t.Context(), "tottori", id)
		}, AskerGone},
		"a hold on the municipality": {func(w *world) error {
			return errors.Join(w.service.SetHold(t.Context(), "kanri", Scope{tottori, ""}, "訴訟"), request("kanri", october, "x")(w))
		}, OnHold},
		"a hold on the month": {func(w *world) error {
			return errors.Join(w.service.SetHold(t.Context(), "tottori", october, "訴訟"), request("kanri", october, "x")(w))
		}, OnHold},
		"a hold before the approval": {func(w *world) error {
			id := w.ask(october, "kanri", "")
			return errors.Join(w.service.SetHold(t.Context(), "kanri", october, "訴訟"), w.service.Approve(t.Context(), "tottori", id))
		}, OnHold},
		"a hold by an analyst": {func(w *world) error { return w.service.SetHold(t.Context(), "bunseki", october, "x") }, NoRight},
		"a hold on nothing":    {func(w *world) error { return w.service.SetHold(t.Context(), "kanri", Scope{"", ""}, "x") }, NoMonth},
		"a hold without why":   {func(w *world) error { return w.service.SetHold(t.Context(), "kanri", october, "") }, NoReason},
		"the municipality lifts a hold": {func(w *world) error {
			return errors.Join(w.service.SetHold(t.Context(), "tottori", october, "訴訟"), w.service.LiftHold(t.Context(), "tottori", 1))
		}, NoRight},
		"a second request": {func(w *world) error {
			w.ask(october, "kanri", "")
			return request("tottori", october, "x")(w)
		}, UnderWay},
		"refusing one's own": {func(w *world) error { return w.service.Refuse(t.Context(), "kanri2", w.ask(october, "kanri", ""), "x") }, SameSide},
		"approving what was withdrawn": {func(w *world) error {
			id := w.ask(october, "kanri", "")
			return errors.Join(w.service.Withdraw(t.Context(), "kanri2", id, "誤り"), w.service.Approve(t.Context(), "tottori", id))
		}, TooLate},
		"approving what was refused": {func(w *world) error {
			id := w.ask(october, "kanri", "")
			return errors.Join(w.service.Refuse(t.Context(), "tottori", id, "監査中"), w.service.Approve(t.Context(), "tottori2", id))
		}, TooLate},
		"withdrawing another's": {func(w *world) error {
			return w.service.Withdraw(t.Context(), "yonago", w.ask(october, "kanri", ""), "x")
		}, Stranger},
		"approving what is not there":    {func(w *world) error { return w.service.Approve(t.Context(), "kanri", 99) }, soc.ErrNotFound},
		"lifting a hold that is not":     {func(w *world) error { return w.service.LiftHold(t.Context(), "kanri", 99) }, soc.ErrNotFound},
		"withdrawing without saying why": {func(w *world) error { return w.service.Withdraw(t.Context(), "kanri", w.ask(october, "kanri", ""), "") }, NoReason},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "keys", "store")
			err := c.do(w)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			refusal, ok := c.want.(Refusal) //nolint:errorlint // the table's own
			if journal, err := w.service.Journal(t.Context(), &soc.User{Role: soc.Admin}, 1); ok && (err != nil || len(journal) != 1 || !strings.HasPrefix(journal[0].What, "refused:") || journal[0].Detail != string(refusal)) {
				t.Errorf("the journal lacks the refusal: %+v, %v", journal, err)
			}
			if ok && (refusal.Error() == string(refusal) || !strings.Contains(err.Error(), refusal.Error())) {
				t.Errorf("%q has no plain words", refusal)
			}
			w.now = w.now.Add(40 * 24 * time.Hour)
			w.mustRun()
			w.gone()
		})
	}
}

func TestBothWaysRoundLeadToAnErasure(t *testing.T) {
	for _, c := range [][2]string{{"kanri", "tottori"}, {"tottori", "kanri"}, {"kouiki", "kanri2"}, {"kanri", "kouiki"}} {
		w := newWorld(t, "keys", "store")
		id := w.ask(october, c[0], c[1])
		w.now = w.now.Add(DefaultWait - time.Second)
		w.mustRun()
		w.gone()
		if e := w.get(id); e.State != Approved {
			t.Errorf("%+v", e)
		}
		w.now = w.now.Add(time.Second)
		w.mustRun()
		w.gone(october)
		e := w.get(id)
		if e.State != Done || e.Requested.By != c[0] || e.Approved.By != c[1] || e.Certificate != "erasures/000001.certificate" || len(e.Removed) != 2 || e.Removed[0] != (Removal{"keys", 10}) {
			t.Errorf("%+v", e)
		}
		if got := w.certificates; len(got) != 1 || got[0].Scope != october || len(got[0].Removed) != 2 || got[0].Begun.IsZero() || got[0].Approved.Side == got[0].Requested.Side {
			t.Errorf("%+v", got)
		}
		if err := w.service.Withdraw(t.Context(), "kanri", id, "遅い"); !errors.Is(err, TooLate) {
			t.Errorf("withdrawn after it was done: %v", err)
		}
	}
}

func TestTheWaitingTimeEndsByWithdrawalOrHold(t *testing.T) {
	w := newWorld(t, "keys")
	first, second := w.ask(october, "kanri", "tottori"), w.ask(Scope{yonago, "2026-10"}, "yonago", "kanri")
	w.now = w.now.Add(DefaultWait / 2)
	if err := errors.Join(w.service.Withdraw(t.Context(), "tottori2", first, "思い直した"), w.service.SetHold(t.Context(), "kanri2", Scope{yonago, ""}, "監査")); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(10 * DefaultWait)
	w.mustRun()
	w.gone()
	if e := w.get(first); e.State != Withdrawn || e.EndedBy != "tottori2" || e.Note != "思い直した" {
		t.Errorf("%+v", e)
	}
	if e := w.get(second); e.State != Approved || !e.Held {
		t.Errorf("%+v", e)
	}
	if held, err := w.service.OnHold(t.Context()); err != nil || len(held) != 1 || !held[yonago] {
		t.Errorf("%v %v", held, err)
	}
	if err := w.service.LiftHold(t.Context(), "kanri", 1); err != nil {
		t.Fatal(err)
	}
	w.mustRun()
	w.gone() // the waiting time begins anew
	w.now = w.now.Add(DefaultWait)
	w.mustRun()
	w.gone(Scope{yonago, "2026-10"})
	if held, err := w.service.OnHold(t.Context()); err != nil || len(held) != 0 {
		t.Errorf("%v %v", held, err)
	}
}
