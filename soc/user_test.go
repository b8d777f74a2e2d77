package soc

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const password = "correct horse battery"

func TestSignInNeedsTheRightPassword(t *testing.T) {
	s, _ := open(t)
	user(t, s, " SATO ", Municipality, tottori)
	u, device, err := s.SignIn(t.Context(), Attempt{Name: "Sato", Password: password, Address: "192.0.2.1"})
	if err != nil || device == "" || u.Name != "sato" || u.SignedIn.IsZero() {
		t.Fatalf("got %+v, %v", u, err)
	}
	if got := u.Tenants(); len(got) != 1 || got[0] != tottori || u.Sees("") || u.Sees(yonago) || !u.Sees(tottori) {
		t.Errorf("tenants %v", got)
	}
	for _, a := range []Attempt{{Name: "sato", Password: password + "x"}, {Name: "sato"}, {Name: "nobody", Password: password}, {Name: "", Password: ""}, {Name: "sato", Password: strings.Repeat("x", 1000)}} {
		if _, _, err := s.SignIn(t.Context(), a); !errors.Is(err, ErrSignIn) {
			t.Errorf("%q: got %v", a.Name, err)
		}
	}
	if err := s.SetDisabled(t.Context(), "sato", true); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.SignIn(t.Context(), Attempt{Name: "sato", Password: password, Address: "192.0.2.2"}); !errors.Is(err, ErrSignIn) {
		t.Errorf("disabled: got %v", err)
	}
}

func TestMunicipalityUserWithoutCodesSeesNothing(t *testing.T) {
	u := User{Role: Municipality}
	if got := u.Tenants(); got == nil || len(got) != 0 {
		t.Errorf("tenants %#v: nil would be all", got)
	}
	if got := (&User{Role: "odd"}).Tenants(); got == nil {
		t.Error("an unknown role sees all")
	}
	if got := (&User{Role: Analyst}).Tenants(); got != nil {
		t.Errorf("analyst: %v", got)
	}
}

func TestPasswordIsKeptAsArgon2idOnly(t *testing.T) {
	s, _ := open(t)
	user(t, s, "sato", Analyst)
	var phc string
	if err := s.db.Read.QueryRow(`SELECT password FROM users`).Scan(&phc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("got %s", phc)
	}
	s.cost = standardCost() // hashes made with other parameters stay good
	if ok, err := s.verify(t.Context(), password, phc); !ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	if c := standardCost(); c.memory < 19<<10 || c.time < 2 {
		t.Errorf("weaker than OWASP's minimum: %+v", c)
	}
}

func TestFailuresAreThrottledAndRecover(t *testing.T) {
	s, c := open(t)
	user(t, s, "sato", Analyst)
	bad := Attempt{Name: "sato", Password: "wrong wrong wrong", Address: "192.0.2.1"}
	good := bad
	good.Password = password
	for range 5 {
		if _, _, err := s.SignIn(t.Context(), bad); !errors.Is(err, ErrSignIn) {
			t.Fatal(err)
		}
		c.advance(time.Second)
	}
	var te *ThrottledError
	if _, _, err := s.SignIn(t.Context(), good); !errors.As(err, &te) {
		t.Fatalf("got %v, want throttled", err)
	}
	if wait := te.Until.Sub(c.now()); wait <= 0 || wait > throttleWindow {
		t.Errorf("wait %v", wait)
	}
	elsewhere := good
	elsewhere.Address = "192.0.2.9"
	if _, _, err := s.SignIn(t.Context(), elsewhere); err != nil {
		t.Errorf("another address waits too: %v", err)
	}
	for range 20 { // what is tried while throttled does not prolong it
		_, _, _ = s.SignIn(t.Context(), bad)
	}
	c.advance(te.Until.Sub(c.now()))
	if _, _, err := s.SignIn(t.Context(), good); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

func TestNobodyCanLockAnotherOut(t *testing.T) {
	s, c := open(t)
	user(t, s, "sato", Analyst)
	_, device, err := s.SignIn(t.Context(), Attempt{Name: "sato", Password: password, Address: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 { // from everywhere, sato's own address too
		a := Attempt{Name: "sato", Password: "guess guess guess", Address: fmt.Sprintf("198.51.100.%d", i)}
		if i%4 == 0 {
			a.Address = "192.0.2.1"
		}
		if i%8 == 0 {
			a.Device = "made up"
		}
		_, _, _ = s.SignIn(t.Context(), a)
		c.advance(time.Second)
	}
	var te *ThrottledError
	if _, _, err := s.SignIn(t.Context(), Attempt{Name: "sato", Password: password, Address: "203.0.113.7"}); !errors.As(err, &te) {
		t.Errorf("the account is not throttled: %v", err)
	}
	if _, _, err := s.SignIn(t.Context(), Attempt{Name: "sato", Password: password, Address: "192.0.2.1", Device: device}); err != nil {
		t.Errorf("sato's own browser is locked out: %v", err)
	}
}

func TestGuessesSideBySideCountEach(t *testing.T) {
	s, _ := open(t)
	user(t, s, "sato", Analyst)
	var wg sync.WaitGroup
	errs := make([]error, 40)
	for i := range errs {
		wg.Go(func() {
			_, _, errs[i] = s.SignIn(t.Context(), Attempt{Name: "sato", Password: "wrong wrong wrong", Address: "192.0.2.1"})
		})
	}
	wg.Wait()
	checked := 0
	for _, err := range errs {
		if errors.Is(err, ErrSignIn) {
			checked++
		}
	}
	if checked != 5 {
		t.Errorf("%d guesses were checked, want 5", checked)
	}
}

func TestIPv6NeighboursShareAnAllowance(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "": "unknown", "fe80::1%eth0": "fe80::/64",
	} {
		if got := network(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestFirstAdminLinkWorksOnce(t *testing.T) {
	s, c := open(t)
	void, _, err := s.FirstAdminLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, expires, err := s.FirstAdminLink(t.Context())
	if err != nil || !expires.Equal(c.now().Add(LinkLifetime)) {
		t.Fatal(err)
	}
	acc := Account{Name: "admin", Display: "管理者", Password: password}
	for _, bad := range []string{"", void, token + "x"} {
		if _, err := s.Accept(t.Context(), bad, acc); !errors.Is(err, ErrLink) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	if _, err := s.Accept(t.Context(), token, Account{Name: "admin", Password: "short"}); !errors.Is(err, ErrWeak) {
		t.Errorf("weak password: %v", err)
	}
	u, err := s.Accept(t.Context(), token, acc)
	if err != nil || u.Role != Admin {
		t.Fatalf("got %+v, %v", u, err)
	}
	if _, err := s.Accept(t.Context(), token, Account{Name: "second", Password: password}); !errors.Is(err, ErrLink) {
		t.Errorf("used twice: %v", err)
	}
	if _, _, err := s.FirstAdminLink(t.Context()); !errors.Is(err, ErrSetUp) {
		t.Errorf("a second first admin: %v", err)
	}
	var kept int
	if err := s.db.Read.QueryRow(`SELECT count(*) FROM links WHERE hash = ?`, token).Scan(&kept); err != nil || kept != 0 {
		t.Errorf("the token is in the file: %d, %v", kept, err)
	}
	if err := s.SetDisabled(t.Context(), "admin", true); !errors.Is(err, ErrLastAdmin) {
		t.Errorf("the last admin was disabled: %v", err)
	}
}

func TestLinksExpireAndCarryTheRole(t *testing.T) {
	s, c := open(t)
	token, _, err := s.Invite(t.Context(), "admin", Municipality, []string{yonago})
	if err != nil {
		t.Fatal(err)
	}
	old, _, err := s.Invite(t.Context(), "admin", Analyst, nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := s.Accept(t.Context(), token, Account{Name: "yonago-it", Password: password})
	if err != nil || u.Role != Municipality || u.Municipalities[0] != yonago {
		t.Errorf("got %+v, %v", u, err)
	}
	c.advance(LinkLifetime)
	if _, err := s.Accept(t.Context(), old, Account{Name: "late", Password: password}); !errors.Is(err, ErrLink) {
		t.Errorf("expired: %v", err)
	}
}

func TestBadAccountsAreRefused(t *testing.T) {
	s, _ := open(t)
	user(t, s, "taken", Analyst)
	for _, c := range []struct {
		a     Account
		role  Role
		codes []string
		want  error
	}{
		{Account{Name: "", Password: password}, Analyst, nil, ErrName},
		{Account{Name: "a b", Password: password}, Analyst, nil, ErrName},
		{Account{Name: "Taken", Password: password}, Analyst, nil, ErrName},
		{Account{Name: "x", Password: "tooshort"}, Analyst, nil, ErrWeak},
		{Account{Name: "x", Password: ""}, Analyst, nil, ErrWeak},
		{Account{Name: "yamada", Password: "Yamada-2026-11"}, Analyst, nil, ErrWeak},
		{Account{Name: "q", Password: "aaaaaaaaaaaaaaa"}, Analyst, nil, ErrWeak},
		{Account{Name: "w", Password: "コレハ長イ合言葉デスヨネ"}, Municipality, nil, ErrRole},
		{Account{Name: "w", Password: password}, Analyst, []string{tottori}, ErrRole},
		{Account{Name: "w", Password: password}, Municipality, []string{"312012"}, ErrInvalid},
		{Account{Name: "w", Password: password}, "root", nil, ErrInvalid},
	} {
		if _, err := s.CreateUser(t.Context(), c.a, c.role, c.codes); !errors.Is(err, c.want) || !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: got %v, want %v", c.a, err, c.want)
		}
	}
}

func TestPasswordChangeVoidsOtherSessions(t *testing.T) {
	s, _ := open(t)
	before := user(t, s, "sato", Analyst)
	a := Attempt{Name: "sato", Password: "wrong wrong wrong", Address: "192.0.2.1"}
	if _, err := s.ChangePassword(t.Context(), a, "another good password"); !errors.Is(err, ErrSignIn) {
		t.Errorf("wrong current password: %v", err)
	}
	a.Password = password
	u, err := s.ChangePassword(t.Context(), a, "another good password")
	if err != nil || u.Generation == before.Generation {
		t.Fatalf("got %+v, %v", u, err)
	}
	a.Password = "another good password"
	if _, _, err := s.SignIn(t.Context(), a); err != nil {
		t.Error(err)
	}
}

func TestSessionsSurviveARestartUntilTheyExpire(t *testing.T) {
	path := filepath.Join(t.TempDir(), "soc.db")
	s, c := openAt(t, path)
	x := s.Sessions()
	if err := x.Commit("t1", []byte("one"), c.now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := x.Commit("t1", []byte("two"), c.now().Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	again, c2 := openAt(t, path)
	data, ok, err := again.Sessions().Find("t1")
	if err != nil || !ok || string(data) != "two" {
		t.Fatalf("got %q, %v, %v", data, ok, err)
	}
	c2.advance(2 * time.Hour)
	if _, ok, err := again.Sessions().Find("t1"); ok || err != nil {
		t.Errorf("expired: %v, %v", ok, err)
	}
	if err := x.Delete("t1"); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := x.Find("t1"); ok {
		t.Error("deleted session is there")
	}
	if _, ok, err := x.Find("unknown"); ok || err != nil {
		t.Errorf("unknown: %v, %v", ok, err)
	}
}
