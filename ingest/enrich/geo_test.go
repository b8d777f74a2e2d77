package enrich

import (
	"bytes"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

type (
	m = mmdbtype.Map
	w = mmdbtype.String
)

// mmdb makes a database of networks and what it says of them.
func mmdb(t testing.TB, kind string, records map[string]m) string {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for cidr, rec := range records {
		_, network, err := net.ParseCIDR(cidr)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(network, rec); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func english(s string) m { return m{"names": m{"en": w(s), "ja": w("別名")}} }

// cityRecord and asnRecord are as GeoLite2 and DB-IP lay them out.
func cityRecord(code, country, region, city string) m {
	c := english(country)
	c["iso_code"] = w(code)
	return m{
		"country": c, "subdivisions": mmdbtype.Slice{english(region)}, "city": english(city),
		"location": m{"latitude": mmdbtype.Float64(35.5), "longitude": mmdbtype.Float64(134.25), "accuracy_radius": mmdbtype.Uint16(10)},
	}
}

func asnRecord(n uint32, org string) m {
	return m{"autonomous_system_number": mmdbtype.Uint32(n), "autonomous_system_organization": w(org)}
}

func TestPlacesFromDatabasesOfEachLayout(t *testing.T) {
	japan := cityRecord("JP", "Japan", "Tottori", "Tottori")
	for layout, c := range map[string]struct {
		files []map[string]m
		want  string // of source.*
	}{
		"GeoLite2-City, GeoLite2-ASN": {
			[]map[string]m{{"203.0.113.0/24": japan}, {"203.0.113.0/25": asnRecord(64500, "Example Net")}},
			"as.number=64500 as.organization.name=Example_Net geo.country_iso_code=JP geo.country_name=Japan geo.region_name=Tottori geo.city_name=Tottori geo.location.lat=35.5 geo.location.lon=134.25",
		},
		"GeoLite2-Country": {
			[]map[string]m{{"203.0.113.0/24": {"country": japan["country"]}}},
			"as.number= geo.country_iso_code=JP geo.country_name=Japan geo.city_name= geo.location.lat=",
		},
		"ipinfo lite": {
			[]map[string]m{{"203.0.113.0/24": {"asn": w("AS64500"), "as_name": w("Example Net"), "as_domain": w("example.net"), "country": w("Japan"), "country_code": w("JP"), "continent": w("Asia")}}},
			"as.number=64500 as.organization.name=Example_Net geo.country_iso_code=JP geo.country_name=Japan",
		},
		"ipinfo country_asn": {
			[]map[string]m{{"203.0.113.0/24": {"asn": w("AS64500"), "as_name": w("Example Net"), "country": w("JP"), "country_name": w("Japan")}}},
			"as.number=64500 as.organization.name=Example_Net geo.country_iso_code=JP geo.country_name=Japan",
		},
		"ipinfo standard_location, asn": {
			[]map[string]m{{"203.0.113.0/24": {"city": w("Tottori"), "region": w("Tottori"), "country": w("JP"), "lat": w("35.5"), "lng": w("134.25")}}, {"203.0.113.0/24": {"asn": w("AS64500"), "name": w("Example Net"), "domain": w("example.net")}}},
			"as.number=64500 as.organization.name=Example_Net geo.country_iso_code=JP geo.country_name= geo.region_name=Tottori geo.city_name=Tottori geo.location.lat=35.5 geo.location.lon=134.25",
		},
		"odd values": {
			[]map[string]m{{"203.0.113.0/24": {"country": w("JP"), "lat": w("95"), "lng": w("x"), "asn": w("none")}}, {"203.0.113.0/24": {"country": english("")}}},
			"as.number= geo.country_iso_code=JP geo.location.lat=",
		},
	} {
		t.Run(layout, func(t *testing.T) {
			k := newKit(t)
			var f Files
			for i, records := range c.files {
				f.GeoIP = append(f.GeoIP, k.write(string(rune('a'+i))+".mmdb", mmdb(t, layout, records)))
			}
			k.open(nil, f)
			for _, end := range []string{"source", "destination", "client", "server"} {
				for range 2 {
					x := k.event(Origin{}, end+".ip=203.0.113.9")
					for text := range strings.FieldsSeq(c.want) {
						want(t, x, end+"."+strings.ReplaceAll(text, "_Net", " Net"))
					}
				}
			}
			if k.log.Len() > 0 {
				t.Errorf("reported: %s", k.log.String())
			}
		})
	}
}

func TestPlacesAreForPublicAddressesThatTheDeviceLeftOpen(t *testing.T) {
	k := newKit(t)
	all := cityRecord("JP", "Japan", "Tottori", "Tottori")
	k.open(nil, Files{GeoIP: []string{k.write("a.mmdb", mmdb(t, "City", map[string]m{"0.0.0.0/1": all, "128.0.0.0/1": all, "2000::/3": all}))}})
	for _, ip := range []string{"10.0.0.1", "172.16.9.9", "192.168.1.1", "127.0.0.1", "169.254.0.1", "100.64.0.1", "0.0.0.1", "224.0.0.1", "240.0.0.1", "fd00::1", "fe80::1", "::1"} {
		want(t, k.event(Origin{}, "source.ip="+ip), "source.geo.country_name=")
	}
	for _, ip := range []string{"198.51.100.1", "2001:db8::1", "::ffff:198.51.100.1"} {
		want(t, k.event(Origin{}, "source.ip="+ip), "source.geo.country_name=Japan")
	}
	want(t, k.event(Origin{}, "source.ip=198.51.100.1", "source.geo.country_name=Reserved"), "source.geo.country_name=Reserved", "source.geo.country_iso_code=JP")
}

func TestADatabaseIsReadAgainWhenItChangesAndABrokenOneIsNot(t *testing.T) {
	k := newKit(t)
	with := func(city string) string {
		return mmdb(t, "City", map[string]m{"203.0.113.0/24": cityRecord("JP", "Japan", city, city)})
	}
	path := k.write("a.mmdb", with("Tottori"))
	k.open(nil, Files{GeoIP: []string{path}})
	city := func(name string) {
		t.Helper()
		want(t, k.event(Origin{}, "source.ip=203.0.113.9"), "source.geo.city_name="+name)
	}
	city("Tottori")
	good := with("Yonago")
	for _, bad := range []string{"", "no database", good[:len(good)/2], good[:len(good)-1]} {
		k.write("a.mmdb", bad)
		k.e.Reload()
		k.reported("a.mmdb")
		k.e.Reload()
		if k.log.Len() > 0 {
			t.Fatalf("reported twice: %s", k.log.String())
		}
		city("Tottori")
	}
	k.write("a.mmdb", good)
	k.e.Reload()
	city("Yonago")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	k.e.Reload()
	k.reported("a.mmdb")
	city("Yonago")
	k.write("a.mmdb", with("Kurayoshi"))
	k.e.Reload()
	city("Kurayoshi")
}

func TestAMissingFileDoesNotKeepTheProgramFromStarting(t *testing.T) {
	k := newKit(t)
	k.open(nil, Files{GeoIP: []string{k.dir + "/none.mmdb"}, Assets: map[string]string{code: k.dir + "/none.csv"}, Indicators: []List{{Name: "a", File: k.dir + "/none.txt"}}})
	for _, name := range []string{"none.mmdb", "none.csv", "none.txt"} {
		if !strings.Contains(k.log.String(), name) {
			t.Errorf("%s is not reported", name)
		}
	}
	if n := k.e.Failed(); n != 3 {
		t.Errorf("%d files failed", n)
	}
	k.log.Reset()
	k.e.Reload()
	if k.log.Len() > 0 {
		t.Errorf("reported again: %s", k.log.String())
	}
	want(t, k.event(Origin{Municipality: code}, "source.ip=203.0.113.9", "url.domain=a.example.com"), "url.registered_domain=example.com")
	k.write("none.csv", "address,name\n203.0.113.9,found\n")
	k.e.Reload()
	want(t, k.event(Origin{Municipality: code}, "source.ip=203.0.113.9"), "source.asset.name=found")
}
