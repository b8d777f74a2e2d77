package fleet

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a hand-set clock.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(0, c.ns.Load()) }

func open(t *testing.T, path string) (*Fleet, *clock) {
	t.Helper()
	c := &clock{}
	c.ns.Store(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC).UnixNano())
	f, err := Open(t.Context(), path, c.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f, c
}

func invite(t *testing.T, f *Fleet, id, collector string) {
	t.Helper()
	if err := f.Invite(t.Context(), Invitation{
		ID: id, Public: "U" + id, Collector: collector, Municipality: "312011", Zone: "internet", CreatedBy: "sato", Expires: f.now().Add(time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
}

func use(t *testing.T, f *Fleet, id, public string) {
	t.Helper()
	if _, err := f.Use(t.Context(), id, public); err != nil {
		t.Fatal(err)
	}
}

func TestOneOfManyAtTheSameTimeUsesAnInvitation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fleet.db")
	a, _ := open(t, path)
	b, _ := open(t, path) // as another process
	invite(t, a, "i", "c")
	var wg sync.WaitGroup
	var won atomic.Int64
	for n := range 16 {
		wg.Go(func() {
			f := a
			if n%2 == 1 {
				f = b
			}
			_, err := f.Use(t.Context(), "i", fmt.Sprintf("UKEY%d", n))
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ErrToken):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := a.Collectors(t.Context())
	if err != nil || won.Load() != 1 || len(all) != 1 || all[0].ID != "c" || all[0].EnrolledBy != "sato" {
		t.Fatalf("%d won: %+v %v", won.Load(), all, err)
	}
	if again, err := b.Use(t.Context(), "i", all[0].Public); err != nil || again.Public != all[0].Public {
		t.Errorf("the winner's answer was lost, and it does not get another: %v", err)
	}
}

func TestAnInvitationEndsAndIsForOneName(t *testing.T) {
	f, c := open(t, filepath.Join(t.TempDir(), "fleet.db"))
	invite(t, f, "i", "c")
	taken := Invitation{ID: "j", Public: "Uj", Collector: "c", Municipality: "312011", Zone: "internet", CreatedBy: "sato", Expires: f.now().Add(time.Hour)}
	if err := f.Invite(t.Context(), taken); !errors.Is(err, ErrTaken) {
		t.Errorf("a second good invitation for a name: %v", err)
	}
	c.ns.Add(int64(time.Hour))
	if _, err := f.Use(t.Context(), "i", "U1"); !errors.Is(err, ErrToken) {
		t.Errorf("used after its end: %v", err)
	}
	if _, err := f.Use(t.Context(), "nobody", "U1"); !errors.Is(err, ErrToken) {
		t.Errorf("never made: %v", err)
	}
	taken.Expires = f.now().Add(time.Hour)
	if err := f.Invite(t.Context(), taken); err != nil {
		t.Errorf("the first has expired: %v", err)
	}
	use(t, f, "j", "U1")
	taken.ID, taken.Public = "k", "Uk"
	if err := f.Invite(t.Context(), taken); !errors.Is(err, ErrTaken) {
		t.Errorf("the name is in use: %v", err)
	}
	if err := f.Withdraw(t.Context(), "c", "sato"); !errors.Is(err, ErrToken) {
		t.Errorf("withdrew a used one: %v", err)
	}
	taken.Collector = "d"
	if err := errors.Join(f.Invite(t.Context(), taken), f.Withdraw(t.Context(), "d", "sato")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Use(t.Context(), "k", "U2"); !errors.Is(err, ErrToken) {
		t.Errorf("used after it was withdrawn: %v", err)
	}
}

func TestARevokedKeyNeverComesBackAndItsNameMay(t *testing.T) {
	f, _ := open(t, filepath.Join(t.TempDir(), "fleet.db"))
	invite(t, f, "i", "c")
	use(t, f, "i", "U1")
	if err := f.Revoke(t.Context(), "c", "suzuki", ""); !errors.Is(err, ErrMissing) {
		t.Errorf("no reason: %v", err)
	}
	if err := f.Revoke(t.Context(), "c", "suzuki", "stolen"); err != nil {
		t.Fatal(err)
	}
	if err := f.Revoke(t.Context(), "c", "suzuki", "stolen"); !errors.Is(err, ErrUnknown) {
		t.Errorf("twice: %v", err)
	}
	if _, err := f.Use(t.Context(), "i", "U1"); !errors.Is(err, ErrToken) {
		t.Errorf("asking again after it was revoked: %v", err)
	}
	invite(t, f, "j", "c")
	if _, err := f.Use(t.Context(), "j", "U1"); !errors.Is(err, ErrTaken) {
		t.Errorf("the revoked key came back: %v", err)
	}
	use(t, f, "j", "U2")
	if err := errors.Join(f.CutOff(t.Context(), "U1", 41), f.CutOff(t.Context(), "U1", 99), f.CutOff(t.Context(), "U2", 7)); err != nil {
		t.Fatal(err)
	}
	all, err := f.Collectors(t.Context())
	if err != nil || len(all) != 2 || all[0].Why != "stolen" || all[0].RevokedBy != "suzuki" || all[0].LastFrame != 41 || all[1].LastFrame != 0 || !all[1].Revoked.IsZero() {
		t.Errorf("%+v %v", all, err)
	}
	journal, err := f.Journal(t.Context(), "c", 10)
	if err != nil || len(journal) != 5 || journal[0].What != "enrol" || journal[2].What != "revoke" || journal[2].By != "suzuki" || journal[2].Detail != "stolen" {
		t.Errorf("%+v %v", journal, err)
	}
}

func TestConfigurationsKnowWhatBecameOfThem(t *testing.T) {
	f, _ := open(t, filepath.Join(t.TempDir(), "fleet.db"))
	if _, err := f.SetConfig(t.Context(), Config{Collector: "c", Text: "x", CreatedBy: "sato"}); !errors.Is(err, ErrUnknown) {
		t.Errorf("nobody is enrolled: %v", err)
	}
	invite(t, f, "i", "c")
	use(t, f, "i", "U1")
	set := func(text string) {
		t.Helper()
		if _, err := f.SetConfig(t.Context(), Config{Collector: "c", Text: text, CreatedBy: "sato", Note: text}); err != nil {
			t.Fatal(err)
		}
	}
	beat := func(o Outcome) {
		t.Helper()
		if err := f.Beat(t.Context(), Beat{Collector: "c", At: f.now(), JSON: []byte("{}")}, o); err != nil {
			t.Fatal(err)
		}
	}
	states := func(want ...State) {
		t.Helper()
		all, err := f.Configs(t.Context(), "c")
		if err != nil || len(all) != len(want) {
			t.Fatalf("%+v %v", all, err)
		}
		for i, c := range all {
			if c.State != want[len(want)-1-i] {
				t.Errorf("version %d is %s, want %s", c.Version, c.State, want[len(want)-1-i])
			}
		}
	}
	set("one")
	beat(Outcome{})
	states(Pending)
	beat(Outcome{Running: 1})
	set("two")
	states(Running, Pending)
	beat(Outcome{Running: 1, Tried: 2, Reason: "port taken"})
	states(Running, Failed)
	set("three")
	set("four") // before three was tried
	states(Running, Failed, Replaced, Pending)
	beat(Outcome{Running: 4, Tried: 2})
	states(Replaced, Failed, Replaced, Running)
	before, err := f.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 10 { // a collector that says now this, now that
		beat(Outcome{Running: 1})
		beat(Outcome{Running: 4})
		beat(Outcome{Running: 1 << 63, Tried: 1 << 63})
	}
	states(Replaced, Failed, Replaced, Running)
	if after, err := f.Revision(t.Context()); err != nil || after != before {
		t.Errorf("heartbeats wrote %d lines of the journal, %v", after-before, err)
	}
	newest, err := f.Newest(t.Context(), "c")
	if err != nil || newest.Version != 4 || newest.Text != "four" || newest.CreatedBy != "sato" {
		t.Errorf("%+v %v", newest, err)
	}
	if _, err := f.Newest(t.Context(), "d"); !errors.Is(err, ErrNoConfig) {
		t.Error(err)
	}
	all, err := f.Newests(t.Context())
	if err != nil || len(all) != 1 || all["c"] != 4 {
		t.Errorf("%v %v", all, err)
	}
	beats, err := f.Beats(t.Context())
	if err != nil || string(beats["c"].JSON) != "{}" || !beats["c"].At.Equal(f.now()) {
		t.Errorf("%v %v", beats, err)
	}
}
