package enrich

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"github.com/oschwald/maxminddb-golang/v2"

	"mimamori/event"
)

// placeOf is what databases say of an address, in the order of placeASN and the
// others; the zero value is nothing.
type placeOf struct {
	values [places]event.Value
	known  [places]bool
}

func (p *placeOf) set(x *event.Builder, fields *[places]event.Field) {
	for i := range p.values {
		if p.known[i] {
			add(x, fields[i], p.values[i])
		}
	}
}

func (p *placeOf) text(i int, s string) {
	if s != "" && !p.known[i] {
		p.values[i], p.known[i] = event.String(s), true
	}
}

func (p *placeOf) number(s string) {
	if n, err := strconv.ParseUint(strings.TrimPrefix(s, "AS"), 10, 32); err == nil && n > 0 && !p.known[placeASN] {
		p.values[placeASN], p.known[placeASN] = event.Int(int64(n)), true
	}
}

func (p *placeOf) location(lat, lon float64) {
	if lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180 && !p.known[placeLatitude] {
		p.values[placeLatitude], p.values[placeLongitude] = event.Float(lat), event.Float(lon)
		p.known[placeLatitude], p.known[placeLongitude] = true, true
	}
}

// database is one MMDB file. It is held in memory and not mapped: a file that is
// copied over in place would take the mapping away under a running program.
type database struct {
	path   string
	reader *maxminddb.Reader
	flat   bool // IPinfo's layout, else MaxMind's, which DB-IP uses too
	broken sync.Once
}

// nested is the layout of GeoIP2/GeoLite2 City, Country and ASN, and of DB-IP's.
type nested struct {
	Number       uint32 `maxminddb:"autonomous_system_number"`
	Organization string `maxminddb:"autonomous_system_organization"`
	Country      struct {
		Code  string `maxminddb:"iso_code"`
		Names names  `maxminddb:"names"`
	} `maxminddb:"country"`
	Regions []struct {
		Names names `maxminddb:"names"`
	} `maxminddb:"subdivisions"`
	City struct {
		Names names `maxminddb:"names"`
	} `maxminddb:"city"`
	Location *struct {
		Latitude  *float64 `maxminddb:"latitude"`
		Longitude *float64 `maxminddb:"longitude"`
	} `maxminddb:"location"`
}

type names struct {
	English string `maxminddb:"en"`
}

// flat is the layout of IPinfo: Lite and the older country_asn (country is a code
// where country_name stands beside it), standard_location, and asn.
type flat struct {
	ASN         string `maxminddb:"asn"`
	ASName      string `maxminddb:"as_name"`
	Name        string `maxminddb:"name"`
	Country     string `maxminddb:"country"`
	CountryCode string `maxminddb:"country_code"`
	CountryName string `maxminddb:"country_name"`
	Region      string `maxminddb:"region"`
	City        string `maxminddb:"city"`
	Latitude    string `maxminddb:"lat"`
	Longitude   string `maxminddb:"lng"`
}

// probe tells the layouts apart: they differ in the type of the same keys.
type probe struct {
	ASN         any `maxminddb:"asn"`
	Country     any `maxminddb:"country"`
	CountryCode any `maxminddb:"country_code"`
}

// openDatabase reads a file and finds its layout by looking at records, since
// names of databases change.
func openDatabase(path string) (*database, error) {
	b, err := readWhole(path, maxDatabase)
	if err != nil {
		return nil, err
	}
	r, err := maxminddb.OpenBytes(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	d, n := &database{path: path, reader: r}, 0
	for rec := range r.Networks() {
		var p probe
		if err := rec.Decode(&p); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		_, word := p.Country.(string)
		if d.flat = word || p.ASN != nil || p.CountryCode != nil; d.flat {
			break
		}
		if n++; n == 64 {
			break
		}
	}
	return d, nil
}

// look adds what the database says of an address.
func (d *database) look(ip netip.Addr, p *placeOf) error {
	if ip.Is6() && d.reader.Metadata.IPVersion == 4 {
		return nil
	}
	rec := d.reader.Lookup(ip)
	if !rec.Found() {
		return rec.Err()
	}
	if d.flat {
		var f flat
		if err := rec.Decode(&f); err != nil {
			return err
		}
		f.put(p)
		return nil
	}
	var n nested
	if err := rec.Decode(&n); err != nil {
		return err
	}
	n.put(p)
	return nil
}

func (n *nested) put(p *placeOf) {
	if n.Number > 0 {
		p.number(strconv.FormatUint(uint64(n.Number), 10))
	}
	p.text(placeOrganization, n.Organization)
	p.text(placeCountryCode, n.Country.Code)
	p.text(placeCountry, n.Country.Names.English)
	if len(n.Regions) > 0 {
		p.text(placeRegion, n.Regions[0].Names.English)
	}
	p.text(placeCity, n.City.Names.English)
	if l := n.Location; l != nil && l.Latitude != nil && l.Longitude != nil {
		p.location(*l.Latitude, *l.Longitude)
	}
}

func (f *flat) put(p *placeOf) {
	p.number(f.ASN)
	p.text(placeOrganization, f.ASName)
	if f.ASN != "" {
		p.text(placeOrganization, f.Name)
	}
	code, country := f.CountryCode, f.Country
	if code == "" && len(country) == 2 {
		code, country = country, f.CountryName
	}
	p.text(placeCountryCode, code)
	p.text(placeCountry, country)
	p.text(placeRegion, f.Region)
	p.text(placeCity, f.City)
	lat, err1 := strconv.ParseFloat(f.Latitude, 64)
	lon, err2 := strconv.ParseFloat(f.Longitude, 64)
	if err1 == nil && err2 == nil {
		p.location(lat, lon)
	}
}

// lookUpPlace asks every database; nil when none knows the address. A record that
// cannot be read is reported once for each file.
func lookUpPlace(list []*database, ip netip.Addr, log *slog.Logger) *placeOf {
	var p placeOf
	for _, d := range list {
		if err := d.look(ip, &p); err != nil {
			d.broken.Do(func() { log.Error("enrichment: a record is broken", "file", d.path, "address", ip, "err", err) })
		}
	}
	if p == (placeOf{}) {
		return nil
	}
	return &p
}
