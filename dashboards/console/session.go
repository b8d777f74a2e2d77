package console

import (
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"mimamori/soc"
)

const (
	sessionLife = 12 * time.Hour
	sessionIdle = 2 * time.Hour
	seenEvery   = 5 * time.Minute // how exactly idleness is measured
)

// newSessions keeps sessions in the SOC's database, by the hash of their token.
func (c *Console) newSessions() *scs.SessionManager {
	m := scs.New()
	m.Store = c.soc.Sessions()
	m.HashTokenInStore = true
	m.Lifetime = sessionLife
	m.Cookie.Name = "session"
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode
	m.Cookie.Secure = c.secure
	m.Cookie.Persist = false
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		c.fail(w, r, c.newView(r), wrap("session", err))
	}
	return m
}

// beginSession signs a user in, under a new token.
func (c *Console) beginSession(r *http.Request, u *soc.User) error {
	if err := c.sessions.RenewToken(r.Context()); err != nil {
		return wrap("session", err)
	}
	c.sessions.Put(r.Context(), "user", u.Name)
	c.sessions.Put(r.Context(), "generation", u.Generation)
	c.sessions.Put(r.Context(), "seen", c.now().Unix())
	return nil
}

// sessionGood tells whether the session still holds for the user as he is now:
// not idle, not disabled, no new password since. What a page asks for by itself
// (/live, /search/live) is no sign of life.
func (c *Console) sessionGood(r *http.Request, u *soc.User) bool {
	idle := c.now().Sub(time.Unix(c.sessions.GetInt64(r.Context(), "seen"), 0))
	if u.Disabled || c.sessions.GetInt64(r.Context(), "generation") != u.Generation || idle > sessionIdle {
		return false
	}
	if idle > seenEvery && r.URL.Path != "/live" && r.URL.Path != "/search/live" {
		c.sessions.Put(r.Context(), "seen", c.now().Unix())
	}
	return true
}

// setFlash leaves a line for the next page to show.
func (c *Console) setFlash(r *http.Request, text string) {
	c.sessions.Put(r.Context(), "flash", text)
}

func (c *Console) flash(r *http.Request) string {
	if r.Header.Get("HX-Request") != "" || !c.sessions.Exists(r.Context(), "flash") {
		return ""
	}
	return c.sessions.PopString(r.Context(), "flash")
}
