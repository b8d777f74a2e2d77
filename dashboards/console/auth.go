package console

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"mimamori/soc"
)

// authForm is what the sign-in, set-up and password pages show.
type authForm struct {
	Name, Display, Next, Token string
	Link                       soc.Link
	Problem                    string // what is wrong with what was entered
}

func (c *Console) signInPage(w http.ResponseWriter, r *http.Request, v *view) error {
	next := localPath(r.URL.Query().Get("next"))
	if v.User != nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	c.render(w, r, v, http.StatusOK, signInTempl(v, authForm{Next: next}))
	return nil
}

// attempt is who tries to sign in, from where, on which browser.
func (c *Console) attempt(r *http.Request, name, password string) soc.Attempt {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	a := soc.Attempt{Name: name, Password: password, Address: host}
	if cookie, err := r.Cookie("device"); err == nil {
		a.Device = cookie.Value
	}
	return a
}

func (c *Console) signIn(w http.ResponseWriter, r *http.Request, v *view) error {
	if err := parseForm(r); err != nil {
		return err
	}
	f := authForm{Name: strings.TrimSpace(r.PostFormValue("name")), Next: localPath(r.PostFormValue("next"))}
	u, device, err := c.soc.SignIn(r.Context(), c.attempt(r, f.Name, r.PostFormValue("password")))
	if err != nil {
		return c.authProblem(w, r, v, &f, err)
	}
	http.SetCookie(w, c.cookie("device", device, 180*24*time.Hour))
	if err := c.beginSession(r, &u); err != nil {
		return err
	}
	http.Redirect(w, r, f.Next, http.StatusSeeOther)
	return nil
}

// authProblem shows the form again with what was wrong; other errors go on.
func (c *Console) authProblem(w http.ResponseWriter, r *http.Request, v *view, f *authForm, err error) error {
	var throttled *soc.ThrottledError
	status := http.StatusUnprocessableEntity
	switch {
	case errors.As(err, &throttled):
		status = http.StatusTooManyRequests
		f.Problem = v.T("auth.throttled", v.Span(throttled.Until.Sub(v.Now)+time.Minute))
	case errors.Is(err, soc.ErrSignIn):
		f.Problem = v.T("auth.wrong")
	case errors.Is(err, soc.ErrWeak):
		f.Problem = v.T("auth.weak")
	case errors.Is(err, soc.ErrName):
		f.Problem = v.T("auth.name")
	case errors.Is(err, soc.ErrInvalid):
		f.Problem = v.T("auth.display")
	case errors.Is(err, soc.ErrLink), errors.Is(err, soc.ErrSetUp):
		return &pageError{http.StatusGone, "error.link", err}
	default:
		return err
	}
	page := signInTempl(v, *f)
	switch r.URL.Path {
	case "/setup":
		page = setupTempl(v, *f)
	case "/password":
		page = passwordTempl(v, *f)
	}
	c.render(w, r, v, status, page)
	return nil
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request, _ *view) error {
	if err := c.sessions.Destroy(r.Context()); err != nil {
		return wrap("sign out", err)
	}
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
	return nil
}

func (c *Console) setupPage(w http.ResponseWriter, r *http.Request, v *view) error {
	f := authForm{Token: r.URL.Query().Get("token")}
	var err error
	if f.Link, err = c.soc.Link(r.Context(), f.Token); err != nil {
		return c.authProblem(w, r, v, &f, err)
	}
	c.render(w, r, v, http.StatusOK, setupTempl(v, f))
	return nil
}

func (c *Console) setup(w http.ResponseWriter, r *http.Request, v *view) error {
	if err := parseForm(r); err != nil {
		return err
	}
	f := authForm{Name: r.PostFormValue("name"), Display: r.PostFormValue("display"), Token: r.PostFormValue("token")}
	var err error
	if f.Link, err = c.soc.Link(r.Context(), f.Token); err != nil {
		return c.authProblem(w, r, v, &f, err)
	}
	if r.PostFormValue("password") != r.PostFormValue("again") {
		f.Problem = v.T("auth.again")
		c.render(w, r, v, http.StatusUnprocessableEntity, setupTempl(v, f))
		return nil
	}
	u, err := c.soc.Accept(r.Context(), f.Token, soc.Account{Name: f.Name, Display: f.Display, Password: r.PostFormValue("password")})
	if err != nil {
		return c.authProblem(w, r, v, &f, err)
	}
	if err := c.beginSession(r, &u); err != nil {
		return err
	}
	c.setFlash(r, v.T("auth.welcome", u.Display))
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (c *Console) passwordPage(w http.ResponseWriter, r *http.Request, v *view) error {
	c.render(w, r, v, http.StatusOK, passwordTempl(v, authForm{}))
	return nil
}

func (c *Console) password(w http.ResponseWriter, r *http.Request, v *view) error {
	if err := parseForm(r); err != nil {
		return err
	}
	var f authForm
	next := r.PostFormValue("password")
	if next != r.PostFormValue("again") {
		f.Problem = v.T("auth.again")
		c.render(w, r, v, http.StatusUnprocessableEntity, passwordTempl(v, f))
		return nil
	}
	u, err := c.soc.ChangePassword(r.Context(), c.attempt(r, v.User.Name, r.PostFormValue("current")), next)
	if err != nil {
		return c.authProblem(w, r, v, &f, err)
	}
	if err := c.beginSession(r, &u); err != nil { // this session lives on, the others end
		return err
	}
	c.setFlash(r, v.T("auth.changed"))
	http.Redirect(w, r, "/password", http.StatusSeeOther)
	return nil
}
