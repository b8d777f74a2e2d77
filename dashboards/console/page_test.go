package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"mimamori/event"
	"mimamori/soc"
)

func TestEveryLinkLeadsSomewhereInBothLanguages(t *testing.T) {
	s := newSite(t)
	s.user(t, "kanri", soc.Admin)
	for _, who := range []string{"kanri", "tottori"} {
		b := s.browser(t)
		if who == "tottori" {
			s.user(t, who, soc.Municipality, tottori)
			s.madeErasures(t)
		}
		b.post("/signin", "name", who, "password", password)
		for _, lang := range []string{"ja", "en"} {
			b.get("/?lang=" + lang)
			crawl(t, b, lang)
		}
	}
}

var hrefs = regexp.MustCompile(`(?:href|hx-get|src|action)="([^"]*)"`)

// crawl opens what the pages link to; of many addresses of one kind it opens some.
func crawl(t *testing.T, b *browser, lang string) {
	t.Helper()
	queue, seen, kinds := []string{"/"}, map[string]bool{"/": true}, map[string]int{}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		status, page := b.get(path)
		if status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
		if strings.HasPrefix(path, "/assets/") {
			continue
		}
		if key := regexp.MustCompile(`\b(now|alert|alerts|search|status|figures|error|done|history|state|level|severity|users|cell|overview|erasure)\.[a-z]+\b`).FindString(visible(page)); key != "" && !strings.Contains(path, "q=") {
			t.Errorf("%s shows the key %s instead of a text", path, key)
		}
		if strings.Contains(page, "<html") && !strings.Contains(page, `<html lang="`+lang+`"`) {
			t.Errorf("%s is not in %s", path, lang)
		}
		for _, m := range hrefs.FindAllStringSubmatch(page, -1) {
			u, err := url.Parse(strings.ReplaceAll(m[1], "&amp;", "&"))
			if err != nil || u.IsAbs() || u.Host != "" {
				t.Errorf("%s links to %s", path, m[1])
				continue
			}
			next := u.RequestURI()
			kind := regexp.MustCompile(`[0-9]+`).ReplaceAllString(u.Path, "0")
			if u.Path == "" || u.Path == "/signout" || seen[next] || kinds[kind] > 12 || u.Query().Get("lang") != "" {
				continue
			}
			seen[next] = true
			kinds[kind]++
			queue = append(queue, next)
		}
	}
	if len(seen) < 40 {
		t.Errorf("only %d addresses were found: the test would pass on nothing", len(seen))
	}
}

func TestPagesObeyTheirOwnSecurityPolicy(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "kanri", soc.Admin)
	for _, path := range []string{"/", "/alerts", "/alerts/A-1", "/search", "/search?q=has(quarantine)", "/status", "/users", "/erasure", "/password", "/signin", "/none"} {
		resp, page := b.do(b.request(http.MethodGet, path, nil))
		csp := resp.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'self'", "frame-ancestors 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q lacks %q", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", path, resp.Header)
		}
		if bad := regexp.MustCompile(`(?i)<style|\sstyle="|\son[a-z]+="|<script>|<script [^>]*>[^<]|javascript:|hx-on|(?:href|src|action|hx-get)="(?:https?:)?//`).FindString(page); bad != "" {
			t.Errorf("%s has %q", path, bad)
		}
	}
	for _, c := range b.Jar.Cookies(must(url.Parse(s.URL))) {
		if c.Name != "session" && c.Name != "device" {
			t.Errorf("cookie %s", c.Name)
		}
	}
	resp, _ := b.do(b.request(http.MethodGet, "/signin", nil))
	for _, c := range resp.Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %v", c)
		}
	}
}

func TestFormsFromElsewhereAreRefused(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "bunseki", soc.Analyst)
	for name, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
		r := b.request(http.MethodPost, "/alerts/A-1", strings.NewReader("do=acknowledge&revision=1"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set(name, value)
		resp, page := b.do(r)
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
		wants(t, page, "安全のため受け取りませんでした")
	}
	if a, err := s.soc.Alert(t.Context(), "A-1", nil); err != nil || a.State != soc.New {
		t.Errorf("got %v, %v", a.State, err)
	}
}

func TestHostileTextIsShownAsText(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "bunseki", soc.Analyst)
	for _, path := range []string{"/search?range=7d&q=has(quarantine)", "/search?q=" + url.QueryEscape(`"><script>alert(1)</script>`), "/alerts?q=" + url.QueryEscape(`"><script>alert(1)</script>`)} {
		_, page := b.get(path)
		lacks(t, page, "<script>alert")
		wants(t, page, "&lt;script&gt;alert(1)")
	}
}

func TestErrorsSayWhatWhyWhatNowWithAnIDFromTheLog(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "bunseki", soc.Analyst)
	for _, c := range []struct {
		err    error
		status int
		texts  []string
	}{
		{errors.New("disk on fire"), http.StatusInternalServerError, []string{"画面を表示できませんでした", "ログの受信と検知は別に続いています", "お問い合わせ番号"}},
		{fmt.Errorf("wrapped: %w", context.DeadlineExceeded), http.StatusGatewayTimeout, []string{"時間がかかりすぎたため中止しました", "期間を短くして"}},
	} {
		s.memory.fail = c.err
		status, page := b.get("/search")
		if status != c.status {
			t.Errorf("%v: %d", c.err, status)
		}
		wants(t, page, c.texts...)
		lacks(t, page, "disk on fire")
		id := regexp.MustCompile(`<code>([0-9a-f]{8})</code>`).FindStringSubmatch(page)
		if len(id) != 2 || !strings.Contains(s.log.String(), "id="+id[1]) || !strings.Contains(s.log.String(), c.err.Error()) {
			t.Errorf("id %v is not in the log:\n%s", id, s.log)
		}
	}
	_, page := b.get("/") // alerts matter most when the logs can't be told
	wants(t, page, "USBへの書込み", "ログの届き方を確認できません")
}

func TestEventWithoutAnyFieldCanBeShown(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "bunseki", soc.Analyst)
	s.memory.events = make([]event.Event, 1)
	status, page := b.get("/event?c=&s=&e=0&n=0")
	if status != http.StatusOK {
		t.Errorf("got %d", status)
	}
	wants(t, page, "原文は残っていません")
}

func TestPanicInAPageIsAnErrorPage(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "bunseki", soc.Analyst)
	s.memory.panics = true
	status, page := b.get("/search")
	if status != http.StatusInternalServerError {
		t.Errorf("got %d", status)
	}
	wants(t, page, "画面を表示できませんでした")
	lacks(t, page, "boom", "goroutine")
	if !strings.Contains(s.log.String(), "boom") {
		t.Error("the log does not tell of the panic")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
