package enrich

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPartsOfDomainNames(t *testing.T) {
	k := newKit(t)
	k.open(nil, Files{})
	for _, c := range []struct{ name, registered, sub, top string }{
		{"www.example.com", "example.com", "www", "com"},
		{"a.b.example.co.jp", "example.co.jp", "a.b", "co.jp"},
		{"example.co.jp", "example.co.jp", "", "co.jp"},
		{"co.jp", "", "", "co.jp"}, // a suffix itself
		{"jp", "", "", ""},         // one label: the name of a host
		{"www.city.example.lg.jp", "example.lg.jp", "www.city", "lg.jp"},
		{"www.city.kawasaki.jp", "city.kawasaki.jp", "www", "kawasaki.jp"}, // an exception of the list
		{"a.b.foo.ck", "b.foo.ck", "a", "foo.ck"},                          // *.ck
		{"www.ck", "www.ck", "", "ck"},                                     // !www.ck
		{"www.example.com.", "example.com", "www", "com"},
		{"WWW.Example.COM", "Example.COM", "WWW", "COM"},
		{"tenant.github.io", "github.io", "tenant", "io"}, // private suffixes are registered by somebody too
		{"x.blogspot.co.uk", "blogspot.co.uk", "x", "co.uk"},
		{"b.s3.amazonaws.com", "amazonaws.com", "b.s3", "com"},
		{"www.例え.jp", "例え.jp", "www", "jp"},
		{"www.xn--r8jz45g.jp", "xn--r8jz45g.jp", "www", "jp"},
		{"www.食狮.公司.cn", "食狮.公司.cn", "www", "公司.cn"},
		{"_ldap._tcp.example.com", "example.com", "_ldap._tcp", "com"},
		{"pc1.town.local", "", "", ""},
		{"localhost", "", "", ""},
		{"192.0.2.1", "", "", ""},
		{"2001:db8::1", "", "", ""},
		{"user@example.com", "", "", ""},
		{"a..example.com", "", "", ""},
		{".example.com", "", "", ""},
		{"1.2.0.192.in-addr.arpa", "192.in-addr.arpa", "1.2.0", "in-addr.arpa"},
		{strings.Repeat("a.", 200) + "com", "", "", ""},
	} {
		for range 2 { // found out, and remembered
			x := k.event(Origin{}, "url.domain="+c.name, "dns.question.name="+c.name, "source.domain="+c.name)
			for _, f := range []string{"url", "dns.question", "source"} {
				want(t, x, f+".registered_domain="+c.registered, f+".subdomain="+c.sub, f+".top_level_domain="+c.top)
			}
			if t.Failed() {
				t.Fatalf("%q", c.name)
			}
		}
	}
	want(t, k.event(Origin{}, "url.domain=a.example.com", "url.registered_domain=as.the.device.said"), "url.registered_domain=as.the.device.said", "url.subdomain=a")
}

func TestPartsAreThePiecesOfTheName(t *testing.T) {
	k := newKit(t)
	k.open(nil, Files{})
	label := rapid.SampledFrom([]string{"a", "www", "Example", "co", "com", "jp", "uk", "ck", "github", "io", "local", "xn--r8jz45g", "例え", "_x", "9"})
	rapid.Check(t, func(t *rapid.T) {
		name := strings.Join(rapid.SliceOfN(label, 1, 6).Draw(t, "labels"), ".")
		p := partsAt(name)
		if p.suffix == 0 {
			return
		}
		top := name[p.suffix-1:]
		if p.registered == 0 {
			if top != name {
				t.Fatalf("%q: suffix %q without a registered domain", name, top)
			}
			return
		}
		registered := name[p.registered-1:]
		if rest, ok := strings.CutSuffix(registered, "."+top); !ok || strings.Contains(rest, ".") || rest == "" {
			t.Fatalf("%q: %q is not one label below %q", name, registered, top)
		}
		if registered != name && !strings.HasSuffix(name, "."+registered) {
			t.Fatalf("%q: %q", name, registered)
		}
		if q := partsAt(strings.ToUpper(name)); q != p && strings.ToUpper(name) == strings.ToLower(strings.ToUpper(name)) {
			t.Fatalf("%q: case changes the parts", name)
		}
	})
}

func TestURLsThatWereLeftWholeAreCut(t *testing.T) {
	k := newKit(t)
	k.open(nil, Files{})
	want(t, k.event(Origin{}, "url.original=HTTPS://u:p@www.Example.co.jp:8443/a/b?q=1#f"),
		"url.full=HTTPS://u:p@www.Example.co.jp:8443/a/b?q=1#f", "url.scheme=https", "url.domain=www.Example.co.jp", "url.port=8443",
		"url.path=/a/b", "url.query=q=1", "url.fragment=f", "url.registered_domain=Example.co.jp")
	want(t, k.event(Origin{}, "url.full=http://[2001:db8::1]:80/"), "url.domain=2001:db8::1", "url.port=80", "url.path=/", "url.registered_domain=")
	want(t, k.event(Origin{}, "url.full=http://192.0.2.1"), "url.domain=192.0.2.1", "url.path=")
	want(t, k.event(Origin{}, "url.full=http://a.example.com/x", "url.domain=said", "url.path=/said"), "url.domain=said", "url.path=/said", "url.scheme=")
	want(t, k.event(Origin{}, "url.original=/only/a/path"), "url.domain=", "url.full=")
	want(t, k.event(Origin{}, "url.original=http://a b/"), "url.domain=", "url.full=")
}

func TestUserAgents(t *testing.T) {
	k := newKit(t)
	k.open(nil, Files{})
	for text, w := range map[string][]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0":           {"user_agent.name=Edge", "user_agent.version=130.0.0.0", "user_agent.os.name=Windows", "user_agent.os.version=10", "user_agent.os.full=Windows 10", "user_agent.device.name="},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1": {"user_agent.name=Safari", "user_agent.os.name=iOS", "user_agent.os.full=iOS 17.5", "user_agent.device.name=iPhone"},
		"Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0":                                                                  {"user_agent.name=Firefox", "user_agent.version=131.0", "user_agent.os.name=Linux", "user_agent.os.version=", "user_agent.os.full="},
		"curl/8.5.0":                         {"user_agent.name=curl", "user_agent.version=8.5.0", "user_agent.os.name="},
		"-":                                  {"user_agent.name="},
		strings.Repeat("Mozilla/5.0 (", 100): {"user_agent.name="},
	} {
		for range 2 {
			want(t, k.event(Origin{}, "user_agent.original="+text), w...)
		}
	}
	want(t, k.event(Origin{}, "user_agent.original=curl/8.5.0", "user_agent.name=said"), "user_agent.name=said", "user_agent.version=8.5.0")
}

func TestChecksumsAreSpelledAlike(t *testing.T) {
	k := newKit(t)
	k.open(nil, Files{})
	md5, sha := strings.Repeat("aB", 16), strings.Repeat("0C", 32)
	x := k.event(Origin{}, "process.hash.md5="+md5, "file.hash.sha256="+sha, "related.hash="+md5+","+sha+",other")
	want(t, x, "process.hash.md5="+strings.ToLower(md5), "file.hash.sha256="+strings.ToLower(sha), "related.hash="+strings.ToLower(md5+", "+sha)+", other")
	x = k.event(Origin{}, "process.hash.md5=MD5="+md5+",SHA256="+sha+",IMPHASH="+md5)
	want(t, x, "process.hash.md5="+strings.ToLower(md5), "process.hash.sha256="+strings.ToLower(sha), "file.hash.sha256=")
	want(t, k.event(Origin{}, "file.hash.sha256=56kywEn8DgSwr6Ud3KeTlIvCRIP8avsYlT6LftefQn0="), "file.hash.sha256=56kywEn8DgSwr6Ud3KeTlIvCRIP8avsYlT6LftefQn0=") // a key's fingerprint
	want(t, k.event(Origin{}, "file.hash.md5="+sha), "file.hash.md5="+sha)                                                                                       // another kind
}
