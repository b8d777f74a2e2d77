package console

import (
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/lang"
	"mimamori/soc"
)

func newTowns() *event.Municipalities { return event.BuiltinMunicipalities() }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestSearchFindsPagesAndOpens(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "bunseki", soc.Analyst)
	_, page := b.get("/search?range=7d")
	wants(t, page, "1,000件見つかりました", "棒1本は", "次の100件")
	seen := map[string]bool{}
	pages := 0
	for next := "/search?range=7d"; next != ""; pages++ {
		_, page = b.get(next)
		for _, m := range regexp.MustCompile(`data-panel[^>]*hx-get="([^"]+)"`).FindAllStringSubmatch(page, -1) {
			if seen[m[1]] {
				t.Errorf("%s is on two pages", m[1])
			}
			seen[m[1]] = true
		}
		next = ""
		if m := regexp.MustCompile(`class="button" href="(/search[^"]*cursor=[^"]*)"`).FindStringSubmatch(page); m != nil {
			next = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if len(seen) != 1000 || pages != 10 {
		t.Errorf("%d events on %d pages", len(seen), pages)
	}
	for u := range seen {
		u = strings.ReplaceAll(u, "&amp;", "&")
		_, page = b.get(u)
		wants(t, page, "原文", "このログの番号", "<html")
		r := b.request(http.MethodGet, u, nil)
		r.Header.Set("HX-Request", "true")
		_, panel := b.do(r)
		lacks(t, panel, "<html")
		wants(t, panel, "このログだけの頁")
		break
	}
}

func TestMistakesAreShownWithACaret(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "bunseki", soc.Analyst)
	status, page := b.get("/search?q=" + url.QueryEscape(`event.action == "deny" && sorce.ip == "10.1.2.3"`))
	if status != http.StatusUnprocessableEntity {
		t.Errorf("got %d", status)
	}
	wants(t, page, "条件の1行27文字目", "source.ip", `<span class="caret-pad">event.action == &#34;deny&#34; &amp;&amp; </span><span class="caret">^</span>`)
}

func TestTopValuesNarrowTheSearch(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "bunseki", soc.Analyst)
	_, page := b.get("/search/fields?range=7d&q=" + url.QueryEscape("example.jp"))
	wants(t, page, "squid.access", url.QueryEscape(`text("example.jp") && event.dataset == "squid.access"`))
	_, page = b.get("/search?range=7d&fields=1")
	wants(t, page, "ログの種類", "fortinet.fortigate.traffic", "鳥取市")
}

// A value clicked is found: the narrowed search is the search and the value.
func TestNarrowMeansWhatItWasAndTheValue(t *testing.T) {
	r := func(s string) *lang.Expr {
		e, err := lang.ParseSearch(s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		return e
	}
	olds := []string{"", "deny", `deny "two words"`, `event.action == "a"`, `event.action == "a" || zone == "lgwan"`, `not has(user.name)`, `has(user.name) ? zone == "a" : zone == "b"`}
	rapid.Check(t, func(rt *rapid.T) {
		old := rapid.SampledFrom(olds).Draw(rt, "old")
		value := rapid.StringN(0, 40, 150).Draw(rt, "value")
		message := rapid.SampledFrom([]string{"deny", "deny two words", "x"}).Draw(rt, "message")
		act := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "action")
		name := rapid.SampledFrom([]string{value, "else"}).Draw(rt, "user")
		for _, exclude := range []bool{false, true} {
			text, ok := narrow(old, "user.name", value, exclude)
			if !ok {
				rt.Fatalf("%q on %q can't be narrowed", value, old)
			}
			b := &event.Builder{}
			b.Set(event.MustLookup("message"), event.String(message))
			b.Set(event.MustLookup("event.action"), event.String(act))
			b.Set(event.MustLookup("user.name"), event.String(name))
			want := r(old).Compile(nil)(b) && (name == value) != exclude
			if got := r(text).Compile(nil)(b); got != want {
				rt.Fatalf("%s: got %v, want %v", text, got, want)
			}
		}
	})
}

func TestNarrowKnowsTypes(t *testing.T) {
	for _, c := range []struct{ field, value, want string }{
		{"destination.port", "445", "destination.port == 445"},
		{"destination.port", "x", ""},
		{"tls.established", "true", "tls.established == true"},
		{"source.ip", "10.1.2.3", `source.ip == "10.1.2.3"`},
		{"source.ip", "no address", ""},
		{"@timestamp", "2026-11-22T00:00:00Z", ""},
		{"message", "x", ""},
		{"no.such", "x", ""},
		{"user.name", strings.Repeat("x", 300), ""},
		{"user.name", "\xff", ""},
	} {
		if got, _ := narrow("", c.field, c.value, false); got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.field, c.value, got, c.want)
		}
	}
}

func FuzzSearchAddress(f *testing.F) {
	f.Add("deny", "2026-11-22T10:00:00", "2026-11-22T11:00:00", "1h")
	f.Add(`source.ip == "`, "x", "", "")
	v := &view{Lang: japanese, Now: time.Unix(1800000000, 0)}
	f.Fuzz(func(t *testing.T, q, from, to, preset string) {
		s := parseSpan(url.Values{"from": {from}, "to": {to}, "range": {preset}}, v.Now)
		if !s.From.Before(s.To) {
			t.Errorf("%q to %q is %v to %v", from, to, s.From, s.To)
		}
		p, a, b := s.params(true)
		if again := parseSpan(url.Values{"from": {a}, "to": {b}, "range": {p}}, v.Now); !again.From.Equal(s.From) || !again.To.Equal(s.To) {
			t.Errorf("%v to %v is said as %s to %s", s.From, s.To, a, b)
		}
		if text, ok := narrow(q, "user.name", q, false); ok {
			if _, err := lang.ParseSearch(text); err != nil {
				t.Errorf("%q narrows to %q: %v", q, text, err)
			}
		}
	})
}
