package erasure

import (
	"errors"
	"testing"
	"time"

	"mimamori/soc"
)

func TestAStandingApprovalErasesMonthAfterMonth(t *testing.T) {
	w := newWorld(t, "keys")
	p, err := w.service.Propose(t.Context(), "kanri", "", 2, "保存期間は2か月")
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(2 * DefaultWait)
	w.mustRun()
	w.gone() // nobody has approved
	if err := w.service.Consent(t.Context(), "yonago", p, yonago); err != nil {
		t.Fatal(err)
	}
	w.mustRun()
	w.gone() // the waiting time counts here too
	w.now = w.now.Add(DefaultWait)
	w.mustRun()
	august, september := Scope{yonago, "2026-08"}, Scope{yonago, "2026-09"}
	w.gone(august, september) // on 13 December October is the oldest that stays
	if len(w.certificates) != 2 || w.certificates[0].Standing != p || w.certificates[0].Requested.By != "kanri" || w.certificates[0].Approved.By != "yonago" {
		t.Errorf("%+v", w.certificates)
	}
	w.now = w.now.AddDate(0, 1, 0)
	w.mustRun()
	var waiting int64
	list, err := w.service.List(t.Context(), &soc.User{Role: soc.Admin})
	if err != nil || list[0].State != Approved || list[0].Month != "2026-10" {
		t.Fatalf("%+v %v", list, err)
	}
	waiting = list[0].ID
	if err := w.service.Withdraw(t.Context(), "yonago", waiting, "調査に要る"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.now = w.now.Add(DefaultWait)
		w.mustRun()
	}
	w.gone(august, september) // what was withdrawn is not proposed again
}

func TestForbiddenStandingApprovals(t *testing.T) {
	w := newWorld(t, "keys")
	propose := func(by, town string, months int) error {
		_, err := w.service.Propose(t.Context(), by, town, months, "保存期間")
		return err
	}
	consent := func(by string, id int64, town string) error { return w.service.Consent(t.Context(), by, id, town) }
	for i, c := range []struct{ got, want error }{
		{propose("tottori", "", 1), Stranger},
		{propose("bunseki", "", 1), NoRight},
		{propose("yonago", tottori, 1), Stranger},
		{propose("kanri", tottori, 0), NoMonth},
		{propose("kanri", "312012", 1), NoMonth},
		{propose("tottori", tottori, 1), nil}, // 1
		{propose("kanri", tottori, 24), UnderWay},
		{propose("kanri", "", 1), nil}, // 2
		{consent("tottori", 1, tottori), SamePerson},
		{consent("tottori2", 1, tottori), SameSide},
		{consent("bunseki", 1, tottori), NoRight},
		{consent("yonago", 1, tottori), Stranger},
		{consent("kanri", 1, yonago), NoMonth},
		{consent("kanri2", 2, tottori), SameSide},
		{consent("yonago", 2, tottori), Stranger},
		{consent("tottori-off", 2, tottori), Disabled},
		{consent("kanri", 9, tottori), soc.ErrNotFound},
		{w.service.Revoke(t.Context(), "yonago", 1, tottori), Stranger},
		{w.service.Revoke(t.Context(), "tottori", 2, tottori), soc.ErrNotFound}, // it has not approved
		{w.service.Revoke(t.Context(), "bunseki", 2, ""), NoRight},
	} {
		if c.want == nil && c.got != nil || !errors.Is(c.got, c.want) {
			t.Errorf("%d: %v, want %v", i, c.got, c.want)
		}
	}
	w.mustRun()
	w.now = w.now.Add(30 * 24 * time.Hour)
	w.mustRun()
	w.gone()
}

func TestAStandingApprovalEndsByEitherSideWithWhatWaits(t *testing.T) {
	for name, c := range map[string]struct {
		town       string // proposed for
		by         string
		stillErase []Scope
	}{
		"the prefecture ends all":              {"", "kanri2", nil},
		"a municipality ends its own part":     {"", "tottori2", []Scope{{yonago, "2026-08"}, {yonago, "2026-09"}}},
		"the municipality ends what it has":    {tottori, "tottori2", nil},
		"the prefecture ends a municipality's": {tottori, "kanri", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "keys")
			p, err := w.service.Propose(t.Context(), "kanri", c.town, 1, "保存期間")
			err = errors.Join(err, w.service.Consent(t.Context(), "tottori", p, tottori))
			if c.town == "" {
				err = errors.Join(err, w.service.Consent(t.Context(), "yonago", p, yonago))
			}
			if err != nil {
				t.Fatal(err)
			}
			w.mustRun()
			if err := w.service.Revoke(t.Context(), c.by, p, tottori); err != nil {
				t.Fatal(err)
			}
			w.now = w.now.Add(DefaultWait)
			w.mustRun()
			w.gone(c.stillErase...)
		})
	}
}

func TestAHeldMonthIsNotProposedUntilTheHoldIsLifted(t *testing.T) {
	w := newWorld(t, "keys")
	p, err := w.service.Propose(t.Context(), "tottori", tottori, 2, "保存期間")
	if err := errors.Join(err, w.service.Consent(t.Context(), "kanri", p, tottori), w.service.SetHold(t.Context(), "tottori", Scope{tottori, "2026-08"}, "監査")); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.AddDate(0, 1, 0)
	for range 2 {
		w.mustRun()
		w.now = w.now.Add(DefaultWait)
	}
	w.mustRun()
	w.gone(Scope{tottori, "2026-09"})
	if err := w.service.LiftHold(t.Context(), "kanri", 1); err != nil {
		t.Fatal(err)
	}
	w.mustRun()
	w.now = w.now.Add(DefaultWait)
	w.mustRun()
	if w.held["keys"][Scope{tottori, "2026-08"}] != 0 {
		t.Error("it stays after the hold was lifted")
	}
}
