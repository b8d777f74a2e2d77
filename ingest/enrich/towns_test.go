package enrich

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mimamori/event"
)

// drawNetwork draws a private network out of a few, so that towns overlap.
func drawNetwork(t *rapid.T) netip.Prefix {
	bits := rapid.SampledFrom([]int{8, 16, 20, 24, 31, 32}).Draw(t, "bits")
	return netip.PrefixFrom(drawAddress(t), bits).Masked()
}

func drawAddress(t *rapid.T) netip.Addr {
	b := rapid.SliceOfN(rapid.ByteRange(0, 2), 3, 3).Draw(t, "address")
	return netip.AddrFrom4([4]byte{10, b[0], b[1], b[2]})
}

// naive looks for the longest network by trying all, and lets the collector's
// zone decide among equals.
func naive(list []Network, ip netip.Addr, zone string) string {
	best, found := -1, map[string]bool{}
	for _, n := range list {
		p := netip.MustParsePrefix(n.CIDR)
		if !p.Contains(ip) || p.Bits() < best {
			continue
		}
		if p.Bits() > best {
			best, found = p.Bits(), map[string]bool{}
		}
		found[n.Zone] = true
	}
	if found[zone] {
		return zone
	}
	if len(found) == 1 {
		for z := range found {
			return z
		}
	}
	return ""
}

// TestOverlappingRangesOfTownsNeverMix draws towns with the same private ranges
// and sends their events through one session in any order: each address gets the
// zone and the asset that its own town's tables give, and no other's.
func TestOverlappingRangesOfTownsNeverMix(t *testing.T) {
	towns := []string{"312011", "312029", "312037", ""} // the last has no tables
	zones := []string{event.ZoneMyNumber, event.ZoneLGWAN, event.ZoneInternet}
	dir := newKit(t)
	rapid.Check(t, func(t *rapid.T) {
		tables, owned, files := map[string][]Network{}, map[string]map[netip.Addr]string{}, map[string]string{}
		for _, code := range towns[:3] {
			for range rapid.IntRange(0, 8).Draw(t, "networks") {
				tables[code] = append(tables[code], Network{drawNetwork(t).String(), rapid.SampledFrom(zones).Draw(t, "zone")})
			}
			owned[code] = map[netip.Addr]string{}
			rows := "address,name\n"
			for i := range rapid.IntRange(0, 5).Draw(t, "assets") {
				ip := drawAddress(t)
				if owned[code][ip] == "" {
					owned[code][ip] = fmt.Sprintf("%s-%d", code, i)
					rows += ip.String() + "," + owned[code][ip] + "\n"
				}
			}
			files[code] = dir.write(code+".csv", rows)
		}
		k := &kit{t: dir.t, now: dir.now}
		k.open(tables, Files{Assets: files})
		for range 60 {
			code := rapid.SampledFrom(towns).Draw(t, "town")
			zone := rapid.SampledFrom(append(zones, "")).Draw(t, "collector's zone")
			from, to := drawAddress(t), drawAddress(t)
			x := k.event(Origin{Municipality: code, Zone: zone}, "source.ip="+from.String(), "destination.ip="+to.String(), "client.ip="+to.String(), "host.ip="+from.String())
			want(dir.t, x,
				"source.zone="+naive(tables[code], from, zone), "destination.zone="+naive(tables[code], to, zone), "client.zone="+naive(tables[code], to, zone),
				"source.asset.name="+owned[code][from], "destination.asset.name="+owned[code][to], "host.asset.name="+owned[code][from])
			if dir.t.Failed() {
				t.Fatalf("town %q zone %q: %v -> %v, tables %v", code, zone, from, to, tables[code])
			}
		}
	})
}

func TestMistakesInZonesNameTheTownAndTheEntry(t *testing.T) {
	for bad, says := range map[Network]string{{"10.0.0.0/33", "lgwan"}: "312011, entry 2", {"10.1.0.0/16", "office"}: `"office"`} {
		_, err := New(Config{Zones: map[string][]Network{code: {{"10.0.0.0/8", "lgwan"}, bad}}})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestAssetsComeFromFilesAsTownsWriteThem(t *testing.T) {
	k := newKit(t)
	yaml := k.write("a.yaml", "assets:\n  - {address: 10.1.0.0/16, name: 庁舎LAN}\n  - {address: 10.1.2.3, name: 住民記録サーバー, owner: 市民課, role: server, criticality: 高}\n  - {address: dc1.town.local, name: ドメインコントローラー}\n  - {address: 10.1.2.4, criticality: immense}\n")
	// The same in the encoding that Excel writes: 名称, 所管課, 税務課.
	csv := k.write("b.csv", "\x96\xbc\x8f\xcc,IP\x83A\x83h\x83\x8c\x83X,\x8f\x8a\x8a\xc7\x89\xdb,\x83z\x83X\x83g\x96\xbc,memo\r\npc7,10.1.2.3,\x90\xc5\x96\xb1\x89\xdb,PC7,x\r\nbad,10.1.2.300,,,\r\n")
	k.open(nil, Files{Assets: map[string]string{code: yaml, "312029": csv}})
	k.reported("a.yaml:5:")
	want(t, k.event(Origin{Municipality: code}, "source.ip=10.1.2.3", "destination.ip=10.1.9.9", "host.name=DC1.town.local"),
		"source.asset.name=住民記録サーバー", "source.asset.owner=市民課", "source.asset.role=server", "source.asset.criticality=high",
		"destination.asset.name=庁舎LAN", "host.asset.name=ドメインコントローラー", "network.direction=internal", "network.type=ipv4")
	want(t, k.event(Origin{Municipality: "312029"}, "source.ip=10.1.2.3", "destination.ip=10.1.2.4", "host.hostname=pc7.town.local", "destination.domain=pc7"),
		"source.asset.name=pc7", "source.asset.owner=税務課", "source.asset.role=", "destination.asset.name=pc7", "host.asset.owner=税務課")
	k.write("b.csv", "address,name\n10.1.2.3,neu\n10.1.2.300,x\n10.1.2.4\n")
	k.e.Reload()
	k.reported("b.csv:3: ")
	want(t, k.event(Origin{Municipality: "312029"}, "source.ip=10.1.2.3"), "source.asset.name=neu")
	k.write("b.csv", "name\nx\n")
	k.e.Reload()
	k.reported("no column address or host")
	want(t, k.event(Origin{Municipality: "312029"}, "source.ip=10.1.2.3"), "source.asset.name=neu")
}

func TestDirectionAndTypeFollowFromTheAddresses(t *testing.T) {
	k := newKit(t)
	k.open(map[string][]Network{code: {{"203.0.113.0/24", "internet"}}}, Files{})
	for _, c := range []struct{ from, to, direction, typ string }{
		{"10.0.0.1", "10.0.0.2", "internal", "ipv4"},
		{"10.0.0.1", "198.51.100.7", "outbound", "ipv4"},
		{"198.51.100.7", "192.168.1.1", "inbound", "ipv4"},
		{"198.51.100.7", "198.51.100.8", "external", "ipv4"},
		{"10.0.0.1", "203.0.113.5", "internal", "ipv4"}, // public, but the town's
		{"198.51.100.7", "203.0.113.5", "inbound", "ipv4"},
		{"fd00::1", "2001:db8::1", "outbound", "ipv6"},
		{"169.254.1.1", "224.0.0.251", "internal", "ipv4"},
		{"100.64.0.1", "10.0.0.1", "inbound", "ipv4"},
		{"10.0.0.1", "", "", "ipv4"},
	} {
		fields := []string{"source.ip=" + c.from}
		if c.to != "" {
			fields = append(fields, "destination.ip="+c.to)
		}
		want(t, k.event(Origin{Municipality: code}, fields...), "network.direction="+c.direction, "network.type="+c.typ)
	}
	want(t, k.event(Origin{}, "source.ip=10.0.0.1", "destination.ip=203.0.113.5", "network.direction=ingress"), "network.direction=ingress")
	want(t, k.event(Origin{}, "client.ip=10.0.0.1", "server.ip=203.0.113.5"), "network.direction=outbound")
	want(t, k.event(Origin{}, "message=x"), "network.direction=", "network.type=")
}
