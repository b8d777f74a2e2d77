package console

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"mimamori/soc"
)

// usersPage lists the accounts and makes invitations; for administrators only.
type usersPage struct {
	Users   []soc.User
	Towns   []string // codes that an invitation can be for
	Link    string   // the invitation just made
	Expires time.Time
	For     string
	Problem string
}

// admin refuses everybody but administrators: for others the page does not exist.
func admin(v *view) error {
	if v.User.Role != soc.Admin {
		return errNotFound()
	}
	return nil
}

func (c *Console) users(w http.ResponseWriter, r *http.Request, v *view) error {
	if err := admin(v); err != nil {
		return err
	}
	return c.showUsers(w, r, v, usersPage{})
}

func (c *Console) showUsers(w http.ResponseWriter, r *http.Request, v *view, p usersPage) error {
	var err error
	if p.Users, err = c.soc.Users(r.Context()); err != nil {
		return err
	}
	for _, code := range c.towns.Codes() {
		if m, _ := c.towns.Get(code); m.Name != "" {
			p.Towns = append(p.Towns, code)
		}
	}
	status := http.StatusOK
	if p.Problem != "" {
		status = http.StatusUnprocessableEntity
	}
	c.render(w, r, v, status, usersTempl(v, &p))
	return nil
}

func (c *Console) changeUsers(w http.ResponseWriter, r *http.Request, v *view) error {
	if err := errors.Join(admin(v), parseForm(r)); err != nil {
		return err
	}
	name := r.PostFormValue("name")
	switch do := r.PostFormValue("do"); do {
	case "invite":
		return c.invite(w, r, v)
	case "disable", "enable":
		err := c.soc.SetDisabled(r.Context(), name, do == "disable")
		if errors.Is(err, soc.ErrLastAdmin) {
			return c.showUsers(w, r, v, usersPage{Problem: v.T("users.lastadmin")})
		}
		if err != nil {
			return err
		}
		c.log.Info("account changed", "do", do, "name", name, "by", v.User.Name)
		c.setFlash(r, v.T("users."+do+"d", name))
		http.Redirect(w, r, "/users", http.StatusSeeOther)
		return nil
	}
	return &pageError{status: http.StatusBadRequest, key: "error.invalid"}
}

// invite shows the new link once, in the answer itself: it is kept nowhere.
func (c *Console) invite(w http.ResponseWriter, r *http.Request, v *view) error {
	role := soc.Role(r.PostFormValue("role"))
	var codes []string
	if code := strings.TrimSpace(r.PostFormValue("municipality")); role == soc.Municipality && code != "" {
		codes = []string{code}
	}
	token, expires, err := c.soc.Invite(r.Context(), v.User.Name, role, codes)
	if errors.Is(err, soc.ErrInvalid) {
		return c.showUsers(w, r, v, usersPage{Problem: v.T("users.badinvite")})
	}
	if err != nil {
		return err
	}
	base := c.base
	if base == "" {
		base = "http://" + r.Host
	}
	p := usersPage{Link: base + link("/setup", "token", token), Expires: expires, For: v.T("role." + string(role))}
	if len(codes) > 0 {
		p.For += " " + v.Town(codes[0])
	}
	return c.showUsers(w, r, v, p)
}
