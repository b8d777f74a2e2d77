package console

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"mimamori/soc"
)

func TestPagesAskForASignInAndComeBack(t *testing.T) {
	s := newSite(t)
	s.user(t, "bunseki", soc.Analyst)
	b := s.browser(t)
	for _, path := range []string{"/", "/alerts", "/alerts/A-1", "/search", "/search/fields", "/event?c=a&s=b&e=1&n=1", "/status", "/live", "/password", "/users"} {
		status, page := b.get(path)
		if status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
		wants(t, page, `name="password"`)
		lacks(t, page, "鳥取市")
	}
	_, page := b.get("/alerts?state=all&q=USB")
	next := regexp.MustCompile(`name="next" value="([^"]*)"`).FindStringSubmatch(page)
	if len(next) != 2 {
		t.Fatal("the page does not say where to come back to")
	}
	_, page = b.post("/signin", "name", "bunseki", "password", password, "next", strings.ReplaceAll(next[1], "&amp;", "&"))
	wants(t, page, `value="USB"`, "USBへの書込み")
}

func TestFragmentsDoNotReplaceAPageByTheSignIn(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	r := b.request(http.MethodGet, "/live", nil)
	r.Header.Set("HX-Request", "true")
	if resp, body := b.do(r); resp.StatusCode != http.StatusUnauthorized || body != "" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
}

func TestOnlyLocalPathsAreComeBackTo(t *testing.T) {
	for in, want := range map[string]string{
		"/alerts?state=new": "/alerts?state=new", "": "/", "//evil.example": "/", "https://evil.example": "/", "/\\evil.example": "/",
		"javascript:alert(1)": "/", "/\tevil": "/", "evil": "/", "/a%2fb": "/a%2fb", "\\\\evil": "/", "/%zz": "/",
	} {
		if got := localPath(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	f.Add("/alerts?x=1")
	f.Add("//evil.example/")
	f.Add("/\\evil")
	base, err := url.Parse("http://here.example/signin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := base.Parse(localPath(s))
		if err != nil || got.Host != "here.example" || got.Scheme != "http" {
			t.Errorf("%q leads to %v, %v", s, got, err)
		}
	})
}

func TestWrongPasswordsAreToldAndThrottled(t *testing.T) {
	s := newSite(t)
	s.user(t, "bunseki", soc.Analyst)
	b := s.browser(t)
	for range 5 {
		status, page := b.post("/signin", "name", "bunseki", "password", "not the password")
		if status != http.StatusUnprocessableEntity {
			t.Fatalf("got %d", status)
		}
		wants(t, page, "利用者名かパスワードが違います", `value="bunseki"`)
	}
	status, page := b.post("/signin", "name", "bunseki", "password", password)
	if status != http.StatusTooManyRequests {
		t.Errorf("got %d, want throttled", status)
	}
	wants(t, page, "約16分後") // the wait, rounded up
}

func TestFirstAdministratorIsSetUpByALink(t *testing.T) {
	s := newSite(t)
	token, _, err := s.soc.FirstAdminLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := s.browser(t)
	status, page := b.get("/setup?token=" + token)
	if status != http.StatusOK {
		t.Fatalf("got %d", status)
	}
	wants(t, page, "最初の管理者を作ります")
	for _, c := range []struct{ name, password, again, want string }{
		{"kanri", password, "another password", "2つのパスワードが一致しません"},
		{"kanri", "short", "short", "このパスワードは使えません"},
		{"管理者", password, password, "この利用者名は使えません"},
	} {
		status, page = b.post("/setup", "token", token, "name", c.name, "password", c.password, "again", c.again)
		if status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", c.want, status)
		}
		wants(t, page, c.want)
	}
	_, page = b.post("/setup", "token", token, "name", "kanri", "display", "管理 花子", "password", password, "again", password)
	wants(t, page, "管理 花子さん、ようこそ", "利用者")
	if status, page = s.browser(t).get("/setup?token=" + token); status != http.StatusGone {
		t.Errorf("the link works twice: %d", status)
	}
	wants(t, page, "このリンクは使えません")

	_, page = b.post("/users", "do", "invite", "role", "municipality", "municipality", yonago)
	link := regexp.MustCompile(`/setup\?token=[A-Za-z0-9_-]+`).FindString(page)
	if link == "" {
		t.Fatal("no invitation")
	}
	invited := s.browser(t)
	_, page = invited.get(link)
	wants(t, page, "自治体の担当", "米子市")
	_, page = invited.post("/setup", "token", strings.TrimPrefix(link, "/setup?token="), "name", "yonago", "password", password, "again", password)
	wants(t, page, "米子市")
	lacks(t, page, "鳥取市")
	_, page = b.get("/users")
	lacks(t, page, link)
	_, page = b.post("/users", "do", "disable", "name", "yonago")
	wants(t, page, "yonagoを停止しました")
	_, page = invited.get("/")
	wants(t, page, `name="password"`)
	_, page = b.post("/users", "do", "disable", "name", "kanri")
	wants(t, page, "最後の管理者は停止できません")
}

func TestSessionsOutliveARestartButNotSignOutIdlenessOrANewPassword(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "bunseki", soc.Analyst)
	other := s.browser(t)
	other.post("/signin", "name", "bunseki", "password", password)

	c, err := New(Config{Events: s.memory, Finder: s.memory, Analysis: s.memory, Health: s.memory, SOC: s.soc, Municipalities: newTowns(), Log: discard(), Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	s.Config.Handler = c.Handler() // as after a restart
	_, page := b.get("/")
	wants(t, page, "概況", "サインアウト")

	_, page = b.post("/password", "current", "not the password", "password", "a new good password", "again", "a new good password")
	wants(t, page, "利用者名かパスワードが違います")
	_, page = b.post("/password", "current", password, "password", "a new good password", "again", "a new good password")
	wants(t, page, "パスワードを変更しました")
	_, page = other.get("/")
	wants(t, page, `name="password"`)

	for range 3 { // a reader who comes back now and then stays signed in
		s.clock.Add(int64(sessionIdle - time.Minute))
		_, page = b.get("/")
		wants(t, page, "サインアウト")
	}
	for range 3 { // what the page asks for by itself does not keep it alive
		s.clock.Add(int64(sessionIdle/2 + time.Minute))
		_, page = b.get("/live")
	}
	wants(t, page, `name="password"`)

	_, page = b.post("/signin", "name", "bunseki", "password", "a new good password")
	wants(t, page, "サインアウト")
	b.post("/signout")
	_, page = b.get("/")
	wants(t, page, `name="password"`)
}
