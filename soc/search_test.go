package soc

import (
	"errors"
	"strings"
	"testing"
)

func TestSearchesAreSeenByWhomTheyAreFor(t *testing.T) {
	s, _ := open(t)
	make := func(name string, role Role, codes ...string) *User {
		u, err := s.CreateUser(t.Context(), Account{Name: name, Password: "correct horse battery"}, role, codes)
		if err != nil {
			t.Fatal(err)
		}
		return &u
	}
	admin, analyst := make("admin", Admin), make("bunseki", Analyst)
	tot, tot2, yon := make("tot1", Municipality, tottori), make("tot2", Municipality, tottori), make("yon", Municipality, yonago)
	save := func(u *User, name, shared string) {
		t.Helper()
		if err := s.SaveSearch(t.Context(), u, Search{Name: name, Shared: shared, Text: "deny", Span: "24h", Columns: "user.name"}); err != nil {
			t.Fatal(err)
		}
	}
	save(tot, "own", "")
	save(tot, "town", tottori)
	save(analyst, "all", Everybody)
	save(analyst, "for yonago", yonago)
	save(analyst, "private", "")
	for u, want := range map[*User]string{tot: "own town all", tot2: "all town", yon: "all for yonago", analyst: "all for yonago private town", admin: "all for yonago town"} {
		list, err := s.Searches(t.Context(), u)
		var names []string
		for _, q := range list {
			names = append(names, q.Name)
		}
		if err != nil || strings.Join(names, " ") != want {
			t.Errorf("%s sees %q, want %q (%v)", u.Name, names, want, err)
		}
	}
	for _, q := range []Search{{Name: " "}, {Name: strings.Repeat("長", 81)}, {Name: "x", Shared: Everybody}, {Name: "x", Shared: yonago}, {Name: "x", Text: strings.Repeat("x", 9<<10)}} {
		if err := s.SaveSearch(t.Context(), tot, q); !errors.Is(err, ErrInvalid) {
			t.Errorf("%.40q to %q: %v", q.Name, q.Shared, err)
		}
	}
	save(tot, "own", tottori) // in place of the first
	list, err := s.Searches(t.Context(), tot2)
	if err != nil || len(list) != 3 || list[1].Name != "own" || list[1].Columns != "user.name" || list[1].Span != "24h" || list[1].Created.IsZero() {
		t.Fatal(list, err)
	}
	own := list[1].ID
	for _, u := range []*User{tot2, yon, analyst} {
		if err := s.DeleteSearch(t.Context(), u, own); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s deletes another's search: %v", u.Name, err)
		}
	}
	if err := errors.Join(s.DeleteSearch(t.Context(), tot, own), s.DeleteSearch(t.Context(), admin, list[0].ID)); err != nil {
		t.Error(err)
	}
	if list, err := s.Searches(t.Context(), tot2); err != nil || len(list) != 1 {
		t.Error(list, err)
	}
}
