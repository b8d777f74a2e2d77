package enrich

import (
	"fmt"
	"strings"
	"testing"

	"mimamori/event"
)

func BenchmarkEvent(b *testing.B) {
	traffic := []string{
		"source.ip=10.1.2.3", "destination.ip=198.51.100.7", "source.nat.ip=203.0.113.1", "observer.name=fw1", "network.transport=tcp",
		"source.geo.country_name=Reserved", "destination.geo.country_name=Japan", "rule.id=1", "source.bytes=1",
	}
	for _, c := range []struct {
		name   string
		fields []string
		fresh  bool // every event has an address and a domain that none had
	}{{"FortiGate traffic", traffic, false}, {"FortiGate web filter", fortigate, false}, {"FortiGate web filter, all new", fortigate, true}} {
		b.Run(c.name, func(b *testing.B) {
			k := everything(b, million(1_000_000))
			x, batch := new(event.Builder), new(event.Batch)
			for _, f := range c.fields {
				set(b, x, f)
			}
			e := batch.Append(x, event.Ref{})
			ip, domain := event.MustLookup("destination.ip"), event.MustLookup("url.domain")
			ips, domains := make([]string, 1<<16), make([]string, 1<<16)
			for i := range ips {
				ips[i], domains[i] = fmt.Sprintf("198.51.%d.%d", i>>8, i&255), fmt.Sprintf("www.host%d.co.jp", i)
			}
			load := func(i int) {
				x.Load(e)
				if c.fresh {
					x.Set(ip, event.Addr(ips[i&65535]))
					x.Set(domain, event.String(domains[i&65535]))
				}
			}
			o := Origin{Municipality: code, Zone: "internet"}
			b.Run("enrich", func(b *testing.B) {
				b.ReportAllocs()
				for i := range b.N {
					load(i)
					k.s.Event(x, o)
					x.Reset()
				}
			})
			b.Run("load only", func(b *testing.B) {
				for i := range b.N {
					load(i)
					x.Reset()
				}
			})
		})
	}
}

// BenchmarkIndicators is what a list of a million costs an event of which nothing
// is remembered: with it less without it.
func BenchmarkIndicators(b *testing.B) {
	for _, n := range []int{0, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			k := everything(b, million(n))
			x, ip, domain, url := new(event.Builder), event.MustLookup("destination.ip"), event.MustLookup("url.domain"), event.MustLookup("url.full")
			ips, domains, urls := make([]string, 1<<16), make([]string, 1<<16), make([]string, 1<<16)
			for i := range ips {
				ips[i], domains[i] = fmt.Sprintf("198.51.%d.%d", i>>8, i&255), fmt.Sprintf("www.host%d.co.jp", i)
				urls[i] = "https://" + domains[i] + "/a/path/of/some/length?id=1"
			}
			b.ResetTimer()
			for i := range b.N {
				x.Set(ip, event.Addr(ips[i&65535]))
				x.Set(domain, event.String(domains[i&65535]))
				x.Set(url, event.String(urls[i&65535]))
				k.s.Event(x, Origin{Municipality: code})
				x.Reset()
			}
		})
	}
}

// BenchmarkAgent reads user agents that are all new, one of them made to cost.
func BenchmarkAgent(b *testing.B) {
	for name, text := range map[string]string{
		"usual":   "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
		"hostile": strings.Repeat("a;", maxAgent/2),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				readAgent(text)
			}
		})
	}
}
