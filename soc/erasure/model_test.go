package erasure

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/soc"
)

// wish is what the naive model knows of one request.
type wish struct {
	id              int64
	scope           Scope
	asked, approved string // sign-in names
	from            time.Time
	state           State
}

// model says what may happen, as the rules are written, without a database.
type model struct {
	w      *world
	wishes []*wish
	holds  []Scope // lifted ones are empty
}

func (m *model) speaksFor(name string, s Scope) string {
	switch {
	case name == "kanri" || name == "kanri2":
		return "県"
	case name == "kouiki", name[:3] == "tot" && name != "tottori-off" && s.Municipality == tottori, name == "yonago" && s.Municipality == yonago:
		return s.Municipality
	}
	return ""
}

func (m *model) held(s Scope) bool {
	return slices.Contains(m.holds, s) || slices.Contains(m.holds, Scope{s.Municipality, ""})
}

func (m *model) open(s Scope) bool {
	return slices.ContainsFunc(m.wishes, func(x *wish) bool {
		return x.scope == s && (x.state == Requested || x.state == Approved || x.state == Running)
	})
}

func (m *model) over(s Scope) bool { return s.Month < m.w.now.Format("2006-01") }

// may tells whether a place may be emptied now.
func (m *model) may(s Scope) bool {
	return !m.held(s) && slices.ContainsFunc(m.wishes, func(x *wish) bool {
		if x.approved == "" {
			return false
		}
		a, b := m.speaksFor(x.asked, s), m.speaksFor(x.approved, s)
		return x.scope == s && (x.state == Approved || x.state == Running) && a != "" && b != "" && a != b && !m.w.now.Before(x.from.Add(DefaultWait))
	})
}

// TestNothingGoesThatTheRulesDoNotLetGo lets people do anything in any order,
// places fail and the program crash, and compares with the model.
func TestNothingGoesThatTheRulesDoNotLetGo(t *testing.T) {
	names := []string{"kanri", "kanri2", "yameta", "bunseki", "tottori", "tottori2", "yonago", "kouiki", "tottori-off", "nobody"}
	erased := 0
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, "keys", "store")
		defer w.service.Close()
		m := &model{w: w}
		w.before = func(place string, s Scope) {
			if !m.may(s) {
				r.Fatalf("%s was emptied of %v", place, s)
			}
		}
		expect := func(err error, want bool, what string) {
			if (err == nil) != want {
				r.Fatalf("%s: %v, want %v", what, err, want)
			}
		}
		if rapid.Bool().Draw(r, "one waits") {
			m.wishes = append(m.wishes, &wish{w.ask(october, "kanri", "tottori"), october, "kanri", "tottori", w.now, Approved})
		}
		for range rapid.IntRange(4, 14).Draw(r, "acts") {
			by := rapid.SampledFrom(names).Draw(r, "by")
			s := Scope{rapid.SampledFrom([]string{tottori, yonago}).Draw(r, "town"), rapid.SampledFrom([]string{"2026-10", "2026-11"}).Draw(r, "month")}
			side := m.speaksFor(by, s)
			var x *wish
			if len(m.wishes) > 0 {
				x = rapid.SampledFrom(m.wishes).Draw(r, "of")
			}
			switch rapid.SampledFrom([]string{"request", "approve", "approve", "refuse", "withdraw", "hold", "lift", "run", "run", "run"}).Draw(r, "act") {
			case "request":
				id, err := w.service.Request(t.Context(), by, s, "x")
				expect(err, side != "" && m.over(s) && !m.held(s) && !m.open(s), "request")
				if err == nil {
					m.wishes = append(m.wishes, &wish{id: id, scope: s, asked: by, state: Requested})
				}
			case "approve":
				if x == nil {
					continue
				}
				side = m.speaksFor(by, x.scope)
				err := w.service.Approve(t.Context(), by, x.id)
				expect(err, x.state == Requested && side != "" && by != x.asked && side != m.speaksFor(x.asked, x.scope) && !m.held(x.scope), "approve")
				if err == nil {
					x.state, x.approved, x.from = Approved, by, w.now
				}
			case "refuse":
				if x == nil {
					continue
				}
				side = m.speaksFor(by, x.scope)
				err := w.service.Refuse(t.Context(), by, x.id, "x")
				expect(err, x.state == Requested && side != "" && side != m.speaksFor(x.asked, x.scope), "refuse")
				if err == nil {
					x.state = Refused
				}
			case "withdraw":
				if x == nil {
					continue
				}
				err := w.service.Withdraw(t.Context(), by, x.id, "x")
				expect(err, (x.state == Requested || x.state == Approved) && m.speaksFor(by, x.scope) != "", "withdraw")
				if err == nil {
					x.state = Withdrawn
				}
			case "hold":
				if rapid.Bool().Draw(r, "all months") {
					s.Month = ""
				}
				err := w.service.SetHold(t.Context(), by, s, "x")
				expect(err, side != "", "hold")
				if err == nil {
					m.holds = append(m.holds, s)
				}
			case "lift":
				n := rapid.IntRange(0, 3).Draw(r, "hold")
				err := w.service.LiftHold(t.Context(), by, int64(n)+1)
				can := n < len(m.holds) && m.holds[n] != Scope{} && (by == "kanri" || by == "kanri2")
				expect(err, can, "lift")
				if err == nil {
					for _, x := range m.wishes {
						if x.state == Approved && x.scope.Municipality == m.holds[n].Municipality && (m.holds[n].Month == "" || m.holds[n].Month == x.scope.Month) {
							x.from = w.now // the waiting time begins anew
						}
					}
					m.holds[n] = Scope{}
				}
			case "run":
				w.now = w.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 6, 7, 8}).Draw(r, "days")) * 24 * time.Hour)
				failure, at, n := rapid.SampledFrom([]error{nil, nil, errRefused, errCrash}).Draw(r, "failure"), rapid.IntRange(0, 12).Draw(r, "step"), -1
				w.step = func(string) error {
					if n++; n == at {
						return failure
					}
					return nil
				}
				killed, _ := w.run()
				if killed {
					w.restart()
				}
			}
			for _, x := range m.wishes { // running and done are the service's own acts
				e := w.get(x.id)
				if x.state == Approved && (e.State == Running || e.State == Done) || x.state == Running && e.State == Done {
					x.state = e.State
				}
				if e.State != x.state || e.Held != m.held(x.scope) {
					r.Fatalf("%+v, the model says %s, held %v", e, x.state, m.held(x.scope))
				}
				if e.State == Done && (w.held["keys"][x.scope] != 0 || w.held["store"][x.scope] != 0) {
					r.Fatalf("done, and it can still be read: %+v", e)
				}
				if e.State == Done {
					erased++
				}
			}
			if n := len(w.certificates); n > len(m.wishes) {
				r.Fatalf("%d certificates", n)
			}
		}
	})
	if erased == 0 {
		t.Error("nothing was ever erased: the test would pass on nothing")
	}
}

func TestTheJournalTellsEveryActAndIsOnlyAddedTo(t *testing.T) {
	w := newWorld(t, "keys")
	id := w.ask(october, "kanri", "")
	if err := w.service.Approve(t.Context(), "kanri", id); !errors.Is(err, SamePerson) {
		t.Fatal(err)
	}
	if err := errors.Join(w.service.Approve(t.Context(), "tottori", id), w.service.SetHold(t.Context(), "kanri", Scope{yonago, ""}, "監査"), w.service.LiftHold(t.Context(), "kanri2", 1)); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(DefaultWait)
	w.mustRun()
	list, err := w.service.Journal(t.Context(), &soc.User{Role: soc.Admin}, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range list {
		got = append(got, e.By+" "+e.What)
	}
	slices.Reverse(got)
	want := []string{"kanri request", "kanri refused:approve", "tottori approve", "kanri hold", "kanri2 lift", " begin", " done"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, statement := range []string{`UPDATE journal SET by_user = 'nobody'`, `DELETE FROM journal`} {
		if _, err := w.service.db.Write.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s was done", statement)
		}
	}
}

func TestAMunicipalitySeesItsOwnOnly(t *testing.T) {
	w := newWorld(t, "keys")
	mine, foreign := w.ask(october, "tottori", "kanri"), w.ask(Scope{yonago, "2026-10"}, "yonago", "kanri")
	if err := errors.Join(w.service.SetHold(t.Context(), "yonago", Scope{yonago, "2026-09"}, "監査")); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(DefaultWait)
	w.mustRun()
	for _, c := range []struct {
		user                 soc.User
		erasures, holds, log int
		sees, not            int64
	}{
		{w.users["tottori"], 1, 0, 4, mine, foreign},
		{w.users["yonago"], 1, 1, 5, foreign, mine},
		{w.users["kanri"], 2, 1, 9, mine, 99},
		{soc.User{Role: soc.Municipality}, 0, 0, 0, 0, mine},
	} {
		list, err := w.service.List(t.Context(), &c.user)
		holds, errHolds := w.service.Holds(t.Context(), &c.user)
		journal, errJournal := w.service.Journal(t.Context(), &c.user, 100)
		if err := errors.Join(err, errHolds, errJournal); err != nil || len(list) != c.erasures || len(holds) != c.holds || len(journal) != c.log {
			t.Errorf("%s: %d erasures, %d holds, %d acts, %v", c.user.Name, len(list), len(holds), len(journal), err)
		}
		if c.sees > 0 {
			if name, text, err := w.service.Certificate(t.Context(), &c.user, c.sees); err != nil || name == "" || len(text) == 0 {
				t.Errorf("%s: %v", c.user.Name, err)
			}
		}
		if _, _, err := w.service.Certificate(t.Context(), &c.user, c.not); !errors.Is(err, soc.ErrNotFound) {
			t.Errorf("%s sees another's certificate: %v", c.user.Name, err)
		}
	}
}
