package enrich

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/internal/calendar"
)

func TestIndicatorsOfEachKindAreFound(t *testing.T) {
	sha := strings.Repeat("0c", 32)
	k := newKit(t)
	k.open(nil, Files{Indicators: []List{
		{Name: "県SOC", File: k.write("a.txt", "# indicators\n203.0.113.9\n198.51.100.0/24 # a net\nhxxp://Bad[.]example[.]com:80/Drop/x?id=1\n*.evil.example\nmail.example.org\n"+strings.ToUpper(sha)+"\nPhish@Example.net\n2001:db8::bad\n192.0.2.7:443\nco.jp\n10.1.2.3\n0.0.0.0/0\nnot an indicator\n例え.jp\n")},
		{Name: "feed", File: k.write("b.csv", "type,Value,Description,valid_until\nip,203.0.113.9,second,\nip,203.0.113.10,\"C2, port 443\",2026-11-23\nip,203.0.113.11,,2026-13-01\n")},
	}})
	for _, line := range []string{"a.txt:10:", "a.txt:11:", "a.txt:12:", "a.txt:13:", "a.txt:14:", "b.csv:4:"} {
		if !strings.Contains(k.log.String(), line) {
			t.Errorf("%s is not reported: %s", line, k.log.String())
		}
	}
	k.log.Reset()
	for _, c := range []struct{ field, name, typ string }{
		{"source.ip=203.0.113.9", "203.0.113.9", "ipv4-addr"},
		{"destination.ip=198.51.100.77", "198.51.100.0/24", "ipv4-addr"},
		{"server.ip=2001:db8::bad", "2001:db8::bad", "ipv6-addr"},
		{"source.nat.ip=203.0.113.9", "203.0.113.9", "ipv4-addr"},
		{"dns.resolved_ip=192.0.2.1,203.0.113.9", "203.0.113.9", "ipv4-addr"},
		{"url.domain=198.51.100.1", "198.51.100.0/24", "ipv4-addr"},
		{"url.full=https://bad.example.com/Drop/x?id=1#f", "bad.example.com/Drop/x?id=1", "url"},
		{"url.domain=A.b.EVIL.example", "evil.example", "domain-name"},
		{"dns.question.name=evil.example.", "evil.example", "domain-name"},
		{"destination.domain=mail.example.org", "mail.example.org", "domain-name"},
		{"url.domain=www.xn--r8jz45g.jp", "xn--r8jz45g.jp", "domain-name"},
		{"url.domain=www.例え.jp", "xn--r8jz45g.jp", "domain-name"},
		{"process.hash.sha256=" + sha, sha, "file"},
		{"file.hash.sha256=" + strings.ToUpper(sha), sha, "file"},
		{"email.from.address=phish@example.NET", "phish@example.net", "email-addr"},
		{"email.sender.address=x@sub.evil.example", "evil.example", "domain-name"},
	} {
		for range 2 {
			x := k.event(Origin{}, c.field)
			field, _, _ := strings.Cut(c.field, "=")
			want(t, x, "threat.indicator.name="+c.name, "threat.indicator.type="+c.typ, "threat.feed.name=県SOC", "tags=ioc", "threat.enrichments.matched.field="+field, "event.kind=")
			if t.Failed() {
				t.Fatal(c)
			}
		}
	}
	for _, field := range []string{
		"source.ip=203.0.113.8", "url.domain=notevil.example", "url.domain=example.org", "url.domain=bad.example.com", "url.full=http://bad.example.com/drop/x?id=1",
		"url.full=http://bad.example.com/Drop/x", "file.hash.sha1=" + sha[:40], "email.to.address=a@example.net", "source.ip=10.1.2.3", "source.ip=203.0.113.11", "source.ip=192.0.2.7",
	} {
		want(t, k.event(Origin{}, field), "tags=", "threat.indicator.name=")
		if t.Failed() {
			t.Fatal(field)
		}
	}
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, calendar.JST())
	want(t, k.event(Origin{Received: day.Add(-time.Second).UnixNano()}, "source.ip=203.0.113.10"), "tags=ioc", "threat.feed.name=feed", "threat.indicator.description=C2, port 443")
	want(t, k.event(Origin{Received: day.UnixNano()}, "source.ip=203.0.113.10"), "tags=")
	want(t, k.event(Origin{}, "source.ip=203.0.113.9", "threat.indicator.name=the device's", "tags=a"), "threat.indicator.name=the device's", "tags=a, ioc", "threat.feed.name=")
	want(t, k.event(Origin{}, "source.ip=203.0.113.9", "destination.ip=203.0.113.9"), "threat.enrichments.matched.field=source.ip, destination.ip", "threat.enrichments.matched.atomic=203.0.113.9")
}

func TestAURLWithoutQueryCountsWithEveryQuery(t *testing.T) {
	k := newKit(t)
	k.open(nil, Files{Indicators: []List{{Name: "a", File: k.write("a.txt", "http://a.example/x\nb.example/\n")}}})
	want(t, k.event(Origin{}, "url.full=http://a.example/x?y=1"), "threat.indicator.name=a.example/x")
	want(t, k.event(Origin{}, "url.domain=A.example", "url.path=/x", "url.query=z"), "threat.indicator.name=a.example/x")
	want(t, k.event(Origin{}, "url.full=https://b.example"), "threat.indicator.name=b.example")
	want(t, k.event(Origin{}, "url.full=http://a.example/x/y"), "tags=")
}

func TestListsAreReadAgainWhenTheyChange(t *testing.T) {
	k := newKit(t)
	path := k.write("a.txt", "203.0.113.9\n")
	k.open(nil, Files{Indicators: []List{{Name: "a", File: path, Expires: "2027-03-31"}}})
	want(t, k.event(Origin{}, "source.ip=203.0.113.9"), "tags=ioc")
	want(t, k.event(Origin{}, "source.ip=203.0.113.10"), "tags=")
	want(t, k.event(Origin{Received: time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC).UnixNano()}, "source.ip=203.0.113.9"), "tags=")
	k.write("a.txt", "203.0.113.10\n")
	k.e.Reload()
	want(t, k.event(Origin{}, "source.ip=203.0.113.9"), "tags=")
	want(t, k.event(Origin{}, "source.ip=203.0.113.10"), "tags=ioc")
	if _, err := New(Config{Files: Files{Indicators: []List{{Name: "a", File: path, Expires: "soon"}}}}); err == nil {
		t.Error("a list that expires soon is taken")
	}
}

// TestIndicatorsAreFoundAsByTrying compares the compact list with a look at every
// entry.
func TestIndicatorsAreFoundAsByTrying(t *testing.T) {
	dir := newKit(t)
	rapid.Check(t, func(t *rapid.T) {
		var nets []netip.Prefix
		domains := map[string]bool{}
		text := ""
		for range rapid.IntRange(0, 40).Draw(t, "entries") {
			if rapid.Bool().Draw(t, "net") {
				b := rapid.SliceOfN(rapid.ByteRange(1, 3), 2, 2).Draw(t, "b")
				p := netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, b[0], b[1]}), rapid.SampledFrom([]int{8, 24, 30, 32}).Draw(t, "bits")).Masked()
				nets = append(nets, p)
				text += p.String() + "\n"
			} else {
				name := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3).Draw(t, "labels"), ".") + ".example"
				domains[name] = true
				text += name + "\n"
			}
		}
		k := &kit{t: dir.t, dir: dir.dir, now: dir.now}
		k.open(nil, Files{Indicators: []List{{Name: "a", File: dir.write("a.txt", text)}}})
		for range 40 {
			b := rapid.SliceOfN(rapid.ByteRange(0, 4), 2, 2).Draw(t, "b")
			ip := netip.AddrFrom4([4]byte{203, 0, b[0], b[1]})
			best := ""
			bits := -1
			for _, p := range nets {
				if p.Contains(ip) && p.Bits() > bits {
					bits, best = p.Bits(), strings.TrimSuffix(p.String(), "/32")
				}
			}
			want(dir.t, k.event(Origin{}, "source.ip="+ip.String()), "threat.indicator.name="+best)
			name := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "ab"}), 1, 4).Draw(t, "labels"), ".") + ".example"
			best = ""
			for d := range domains {
				if (name == d || strings.HasSuffix(name, "."+d)) && len(d) > len(best) {
					best = d
				}
			}
			want(dir.t, k.event(Origin{}, "url.domain="+name), "threat.indicator.name="+best)
			if dir.t.Failed() {
				t.Fatalf("%v %s in\n%s", ip, name, text)
			}
		}
	})
}

// million is a list of a million indicators of all kinds.
func million(n int) string {
	var b strings.Builder
	for i := range n {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&b, "%d.%d.%d.%d\n", 1+i>>20%9, i>>16&255, i>>8&255, i&255)
		case 1:
			fmt.Fprintf(&b, "host%d.evil%d.example\n", i, i%1000)
		case 2:
			fmt.Fprintf(&b, "%064x\n", i*2654435761)
		default:
			fmt.Fprintf(&b, "http://www%d.example/drop/%d.exe\n", i%5000, i)
		}
	}
	return b.String()
}

// TestIndicatorsTakeModestMemory reads an eighth of a million: the table doubles,
// so that a million takes eight times as much.
func TestIndicatorsTakeModestMemory(t *testing.T) {
	const n = 125_000
	k := newKit(t)
	set, err := readIndicators(k.write("a.txt", million(n)), &indicators{name: "a"}, func(err error) { t.Error(err) })
	if err != nil || len(set.entries) != n {
		t.Fatal(err, len(set.entries))
	}
	t.Logf("%d bytes each", set.bytes()/n)
	if set.bytes() > 64*n {
		t.Errorf("%d indicators take %d bytes each", n, set.bytes()/n)
	}
}
