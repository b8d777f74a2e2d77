package enrich

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
)

// everything is a kit with all kinds of enrichment on.
func everything(t testing.TB, indicators string) *kit {
	k := newKit(t)
	city := mmdb(t, "City", map[string]m{"198.51.100.0/24": cityRecord("US", "United States", "Oregon", "Portland")})
	asn := mmdb(t, "ASN", map[string]m{"198.51.100.0/24": asnRecord(64500, "Example Net")})
	k.open(map[string][]Network{code: {{"10.0.0.0/8", "lgwan"}, {"10.1.0.0/16", "internet"}, {"10.2.0.0/16", "mynumber"}}}, Files{
		Assets:     map[string]string{code: k.write("assets.csv", "address,host,name,owner,role,criticality\n10.1.0.0/16,,庁内LAN,情報政策課,network,low\n10.1.2.3,pc1,PC-1,税務課,client,low\n")},
		GeoIP:      []string{k.write("city.mmdb", city), k.write("asn.mmdb", asn)},
		Indicators: []List{{Name: "feed", File: k.write("ioc.txt", indicators)}},
	})
	return k
}

// fortigate is what the format makes of a UTM line, as far as it matters here.
var fortigate = []string{
	"source.ip=10.1.2.3", "destination.ip=198.51.100.7", "source.nat.ip=203.0.113.1", "url.domain=www.example.co.jp", "url.path=/index.html",
	"url.original=https://www.example.co.jp/index.html", "observer.name=fw1", "network.transport=tcp", "source.geo.country_name=Reserved", "destination.geo.country_name=Japan",
	"user_agent.original=Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
}

func TestEverythingOnOneEvent(t *testing.T) {
	k := everything(t, "example.co.jp\n")
	want(t, k.event(Origin{Municipality: code, Zone: "internet"}, fortigate...),
		"source.zone=internet", "source.asset.name=PC-1", "source.asset.criticality=low", "destination.zone=", "network.direction=outbound", "network.type=ipv4",
		"source.geo.country_name=Reserved", "source.geo.country_iso_code=", "destination.geo.country_name=Japan", "destination.geo.country_iso_code=US", "destination.geo.city_name=Portland", "destination.as.number=64500",
		"url.registered_domain=example.co.jp", "url.subdomain=www", "user_agent.name=Chrome", "user_agent.os.full=Windows 10", "tags=ioc", "threat.indicator.name=example.co.jp")
}

// TestWhatTheDeviceSaidStays gives every field that enrichment sets to the event
// beforehand, any of them, and expects them as they were.
func TestWhatTheDeviceSaidStays(t *testing.T) {
	k := everything(t, "example.co.jp\n198.51.100.7\n")
	bare := k.event(Origin{Municipality: code, Zone: "internet"}, fortigate...)
	var set []event.Field
	for _, f := range event.Fields() {
		if _, ok := bare.Get(f); ok && f.Type() != event.List {
			set = append(set, f)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		x, said := new(event.Builder), map[event.Field]event.Value{}
		for _, f := range set {
			v, _ := bare.Get(f)
			if rapid.Bool().Draw(t, f.Name()) {
				if f.Type() == event.Keyword && !strings.HasSuffix(f.Name(), ".original") {
					v = event.String("said." + f.Name())
				}
				said[f] = v
				x.Set(f, v)
			}
		}
		k.s.Event(x, Origin{Municipality: code, Zone: "internet"})
		for f, v := range said {
			if now, _ := x.Get(f); !now.Equal(v) {
				t.Fatalf("%s was %q and is %q", f.Name(), v.Text(), now.Text())
			}
		}
	})
}

func TestWhatIsRememberedCostsNoAllocation(t *testing.T) {
	k := everything(t, million(1000))
	x := new(event.Builder)
	for _, f := range fortigate {
		set(t, x, f)
	}
	var batch event.Batch
	e := batch.Append(x, event.Ref{})
	if n := testing.AllocsPerRun(100, func() {
		x.Load(e)
		k.s.Event(x, Origin{Municipality: code, Zone: "internet"})
		x.Reset()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTablesAreExchangedUnderRunningSessions reads lists anew while sessions
// work: each event sees the old tables or the new ones, whole.
func TestTablesAreExchangedUnderRunningSessions(t *testing.T) {
	k := newKit(t)
	path := k.write("a.csv", "indicator,description\n203.0.113.9,0\n203.0.113.10,0\n")
	k.open(nil, Files{Indicators: []List{{Name: "a", File: path}}})
	stop := make(chan struct{})
	var running sync.WaitGroup
	for range 3 {
		running.Go(func() {
			s, x := k.e.Session(), new(event.Builder)
			for {
				select {
				case <-stop:
					return
				default:
				}
				set(t, x, "source.ip=203.0.113.9")
				set(t, x, "destination.ip=203.0.113.10")
				s.Event(x, Origin{})
				want(t, x, "tags=ioc", "threat.enrichments.matched.field=source.ip, destination.ip")
				x.Reset()
			}
		})
	}
	for i := range 50 {
		k.write("a.csv", fmt.Sprintf("indicator,description\n203.0.113.9,%d\n203.0.113.10,%d\n", i, i))
		k.e.Reload()
		want(t, k.event(Origin{}, "source.ip=203.0.113.9"), fmt.Sprintf("threat.indicator.description=%d", i))
	}
	close(stop)
	running.Wait()
}

func TestCachesStayWithinTheirBound(t *testing.T) {
	c := newCache[int](8)
	for i := range 100 {
		key := strings.Repeat("x", i)
		v, hit := c.at(1, key)
		if hit {
			t.Fatalf("%q is known", key)
		}
		*v = i
		if v, hit = c.at(1, key); !hit || *v != i {
			t.Fatalf("%q is forgotten at once", key)
		}
		if v, hit = c.at(2, key); hit || *v != 0 {
			t.Fatalf("%q is known in another scope", key)
		}
	}
	if len(c.slots) != 8 {
		t.Errorf("%d slots", len(c.slots))
	}
}

func FuzzEvent(f *testing.F) {
	k := everything(f, "example.co.jp\n198.51.100.7\nhttp://a.example/x\na@example.com\n")
	f.Add("198.51.100.7", "www.example.co.jp", "http://u@a.example:80/x?y#z", "Mozilla/5.0 (Windows NT 10.0) Chrome/1")
	f.Add("::ffff:10.1.2.3", "例え.jp.", "x://[::1]:99999/", "MD5="+strings.Repeat("aB", 16)+",SHA256=00 (((((/[;")
	f.Fuzz(func(t *testing.T, ip, domain, url, rest string) {
		for _, at := range []string{code, "", "999999"} {
			x := new(event.Builder)
			for name, v := range map[string]string{"source.ip": ip, "destination.domain": domain, "url.original": url, "user_agent.original": rest, "process.hash.md5": rest, "email.sender.address": "x@" + domain, "host.name": domain, "dns.question.name": url} {
				x.Set(event.MustLookup(name), event.String(v))
			}
			x.Set(event.MustLookup("host.ip"), event.Strings([]string{ip, domain}))
			k.s.Event(x, Origin{Municipality: at, Zone: domain})
			if x.Str(event.MustLookup("user_agent.original")) != rest || x.Str(event.MustLookup("url.original")) != url {
				t.Fatal("the device's words changed")
			}
		}
	})
}

// FuzzLists reads a text as a list of indicators and of assets: what is taken is
// found again, and nothing else is said than with a place.
func FuzzLists(f *testing.F) {
	f.Add("203.0.113.9\nhxxp://a[.]example/x\n# c\n*.b.example\na@b.example\n")
	f.Add("indicator,expires\n\"203.0.113.9\",2027-01-01\n\"x\ny\",\n")
	f.Add("indicator\n\"")
	f.Add("address,name\n10.0.0.1,a\nhost.example,b\n")
	dir := newKit(f)
	f.Fuzz(func(t *testing.T, text string) {
		path := dir.write("a.csv", text)
		report := func(err error) {
			if !strings.HasPrefix(err.Error(), path+":") {
				t.Errorf("without a place: %v", err)
			}
		}
		if set, err := readIndicators(path, &indicators{name: "a"}, report); err == nil {
			for i := range set.entries {
				e := &set.entries[i]
				if got, ok := set.find(e.kind, set.key(e)); !ok || got.at != uint32(i) {
					t.Fatalf("entry %d is not found", i)
				}
				_ = finding{set, uint32(i)}.indicatorName() + finding{set, uint32(i)}.indicatorType()
			}
		}
		_, _ = readAssets(path, report)
	})
}
