package console

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/soc"
	"mimamori/soc/erasure"
)

const password = "correct horse battery"

// site is a whole console over a real SOC and made-up events.
type site struct {
	*httptest.Server
	soc    *soc.Service
	erase  *erasure.Service
	shelf  *shelf
	memory *memory
	clock  *atomic.Int64
	log    *strings.Builder
}

func (s *site) now() time.Time { return time.Unix(0, s.clock.Load()) }

func newSite(t *testing.T) *site {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	s := &site{clock: &atomic.Int64{}, log: &strings.Builder{}}
	var err error
	if s.soc, err = soc.Open(t.Context(), filepath.Join(t.TempDir(), "soc.db"), s.now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.soc.Close(); err != nil {
			t.Error(err)
		}
	})
	var alerts []event.Alert
	s.memory, alerts = made(1000, now)
	for _, a := range alerts {
		s.clock.Store(a.End.Add(time.Second).UnixNano())
		if _, err := s.soc.Insert(t.Context(), []event.Alert{a}); err != nil {
			t.Fatal(err)
		}
	}
	s.clock.Store(now.UnixNano())
	s.openErasures(t)
	c, err := New(Config{
		Events: s.memory, Finder: s.memory, Analysis: s.memory, Health: s.memory, SOC: s.soc, Erasure: s.erase, Municipalities: event.BuiltinMunicipalities(),
		Log: slog.New(slog.NewTextHandler(s.log, nil)), Now: s.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(c.Handler())
	t.Cleanup(s.Close)
	return s
}

func (s *site) user(t *testing.T, name string, role soc.Role, codes ...string) {
	t.Helper()
	if _, err := s.soc.CreateUser(t.Context(), soc.Account{Name: name, Display: "担当 " + name, Password: password}, role, codes); err != nil {
		t.Fatal(err)
	}
}

// browser is one person's browser.
type browser struct {
	t    *testing.T
	site *site
	*http.Client
}

func (s *site) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, s, &http.Client{Jar: jar}}
}

// signedIn makes a user and signs in.
func (s *site) signedIn(t *testing.T, name string, role soc.Role, codes ...string) *browser {
	t.Helper()
	s.user(t, name, role, codes...)
	b := s.browser(t)
	if status, page := b.post("/signin", "name", name, "password", password); status != http.StatusOK || strings.Contains(page, `name="password"`) {
		t.Fatalf("%s can't sign in: %d %s", name, status, page)
	}
	return b
}

func (b *browser) do(r *http.Request) (*http.Response, string) {
	b.t.Helper()
	resp, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp, string(body)
}

func (b *browser) request(method, path string, body io.Reader) *http.Request {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	b.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, b.site.URL+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *browser) get(path string) (int, string) {
	b.t.Helper()
	resp, body := b.do(b.request(http.MethodGet, path, nil))
	return resp.StatusCode, body
}

// post sends a form, as pairs of name and value, and follows redirects.
func (b *browser) post(path string, pairs ...string) (int, string) {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r := b.request(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.site.URL)
	resp, body := b.do(r)
	return resp.StatusCode, body
}

// visible is a page's text without its tags.
func visible(page string) string {
	page = regexp.MustCompile(`(?s)<(script|style|noscript)[^>]*>.*?</(script|style|noscript)>`).ReplaceAllString(page, "")
	page = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(page), " ")
}

// wants fails when the page lacks one of the texts.
func wants(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(visible(page), text) && !strings.Contains(page, text) {
			t.Errorf("the page lacks %q:\n%s", text, cut(visible(page), 1500))
		}
	}
}

// lacks fails when the page has one of the texts, shown or not.
func lacks(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(page, text) {
			t.Errorf("the page has %q:\n%s", text, cut(visible(page), 1500))
		}
	}
}
