package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/a-h/templ"

	"mimamori/soc"
)

// handler serves one page. Its error becomes the error page.
type handler func(w http.ResponseWriter, r *http.Request, v *view) error

// headers puts the security headers on every answer.
func (c *Console) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		// Not no-referrer: browsers would then send "Origin: null" with forms.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("Cache-Control", "no-store")
		if c.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// public serves a page to everybody; v.User is set for who is signed in.
func (c *Console) public(h handler) http.Handler {
	return c.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := Timeout
		if r.URL.Path == "/search/export" {
			limit = exportTime
		}
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		r = r.WithContext(ctx)
		v := c.newView(r)
		if c.switchLanguage(w, r) {
			return
		}
		err := guarded(func() error {
			if err := c.loadUser(r, v); err != nil {
				return err
			}
			return h(w, r, v)
		})
		if err != nil {
			c.fail(w, r, v, err)
		}
	}))
}

// guarded runs f and turns a panic into an error.
func guarded(f func() error) (err error) {
	defer func() {
		p := recover()
		if p == http.ErrAbortHandler { //nolint:errorlint // the server knows it by identity
			panic(p) // what was begun can't be ended well
		}
		if p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// signedIn serves a page to users only; others are asked to sign in, and come
// back to it.
func (c *Console) signedIn(h handler) http.Handler {
	return c.public(func(w http.ResponseWriter, r *http.Request, v *view) error {
		if v.User != nil {
			v.Flash = c.flash(r)
			return h(w, r, v)
		}
		if r.Header.Get("HX-Request") != "" { // a fragment: the page itself stays as it is
			w.WriteHeader(http.StatusUnauthorized)
			return nil
		}
		next := ""
		if r.Method == http.MethodGet && r.URL.RequestURI() != "/" {
			next = r.URL.RequestURI()
		}
		http.Redirect(w, r, link("/signin", "next", next), http.StatusSeeOther)
		return nil
	})
}

func (c *Console) newView(r *http.Request) *view {
	v := &view{Lang: japanese, Now: c.now(), URL: r.URL, Erasable: c.erasure != nil, texts: c.texts, assets: c.assets, towns: c.towns}
	if cookie, err := r.Cookie("lang"); err == nil && cookie.Value == english {
		v.Lang = english
	}
	return v
}

// switchLanguage answers ?lang=en by a cookie and the same page without it.
func (c *Console) switchLanguage(w http.ResponseWriter, r *http.Request) bool {
	q := r.URL.Query()
	lang := q.Get("lang")
	if r.Method != http.MethodGet || lang != japanese && lang != english {
		return false
	}
	http.SetCookie(w, c.cookie("lang", lang, 365*24*time.Hour))
	q.Del("lang")
	http.Redirect(w, r, address(r.URL.Path, q), http.StatusSeeOther)
	return true
}

func (c *Console) cookie(name, value string, life time.Duration) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode}
}

// loadUser finds who is signed in. A session that is void is ended.
func (c *Console) loadUser(r *http.Request, v *view) error {
	name := c.sessions.GetString(r.Context(), "user")
	if name == "" {
		return nil
	}
	u, err := c.soc.User(r.Context(), name)
	if errors.Is(err, soc.ErrNotFound) || err == nil && !c.sessionGood(r, &u) {
		return wrap("end session", c.sessions.Destroy(r.Context()))
	}
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	v.User = &u
	return nil
}

// render writes a page, or an error when the page can't be made.
func (c *Console) render(w http.ResponseWriter, r *http.Request, _ *view, status int, page templ.Component) {
	var buf bytes.Buffer
	if err := page.Render(r.Context(), &buf); err != nil {
		c.log.Error("page can't be rendered", "path", r.URL.Path, "err", err)
		http.Error(w, "この頁を表示できません。 This page can't be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := buf.WriteTo(w); err != nil {
		return // the reader has gone
	}
}

// localPath is a path of this console to go to, "/" for anything else.
func localPath(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\\r\n\t") {
		return "/"
	}
	return s
}

// wrap adds what was being done to an error; nil stays nil.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
