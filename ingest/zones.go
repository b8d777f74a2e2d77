package ingest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"mimamori/event"
)

// Network says which zone of a municipality a network belongs to.
type Network struct {
	CIDR string `yaml:"cidr"`
	Zone string `yaml:"zone"`
}

// Zones finds the zone of an address within one municipality. Private ranges
// of different municipalities overlap, so there is no table across them.
type Zones struct{ byTown map[string]*zoneTable }

// zoneTable holds the IPv4 networks cut into disjoint spans, and IPv6 ones by
// falling length.
type zoneTable struct {
	spans []zoneSpan
	six   []zonePrefix
}

type zoneSpan struct {
	first, last uint32
	zone        string
}

type zonePrefix struct {
	prefix netip.Prefix
	zone   string
}

// NewZones makes the tables; the most specific network wins. The error names
// the municipality and the entry.
func NewZones(networks map[string][]Network) (*Zones, error) {
	z := &Zones{byTown: map[string]*zoneTable{}}
	for town, list := range networks {
		var prefixes []zonePrefix
		for i, n := range list {
			p, err := netip.ParsePrefix(n.CIDR)
			if err != nil {
				return nil, fmt.Errorf("zones of %s, entry %d: %w", town, i+1, err)
			}
			if !event.ValidZone(n.Zone) {
				return nil, fmt.Errorf("zones of %s, entry %d: zone %q is none of mynumber, lgwan, internet", town, i+1, n.Zone)
			}
			prefixes = append(prefixes, zonePrefix{p.Masked(), n.Zone})
		}
		slices.SortStableFunc(prefixes, func(a, b zonePrefix) int { return cmp.Compare(b.prefix.Bits(), a.prefix.Bits()) })
		z.byTown[town] = newZoneTable(prefixes)
	}
	return z, nil
}

func newZoneTable(longestFirst []zonePrefix) *zoneTable {
	t := &zoneTable{}
	var bounds []uint64
	for _, p := range longestFirst {
		if !p.prefix.Addr().Is4() {
			t.six = append(t.six, p)
			continue
		}
		first, last := span4(p.prefix)
		bounds = append(bounds, uint64(first), uint64(last)+1)
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	for i := 0; i+1 < len(bounds); i++ {
		for _, p := range longestFirst {
			if !p.prefix.Addr().Is4() {
				continue
			}
			if first, last := span4(p.prefix); uint64(first) <= bounds[i] && bounds[i+1]-1 <= uint64(last) {
				t.spans = append(t.spans, zoneSpan{uint32(bounds[i]), uint32(bounds[i+1] - 1), p.zone})
				break
			}
		}
	}
	return t
}

func span4(p netip.Prefix) (first, last uint32) {
	b := p.Addr().As4()
	first = uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	return first, first | uint32(uint64(1)<<(32-p.Bits())-1)
}

// Of returns the zone of an address in a municipality, "" when no table names it.
func (z *Zones) Of(town string, addr netip.Addr) string {
	if z == nil {
		return ""
	}
	t := z.byTown[town]
	if t == nil {
		return ""
	}
	addr = addr.Unmap()
	if !addr.Is4() {
		for _, p := range t.six {
			if p.prefix.Contains(addr) {
				return p.zone
			}
		}
		return ""
	}
	b := addr.As4()
	n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	i, found := slices.BinarySearchFunc(t.spans, n, func(s zoneSpan, n uint32) int { return cmp.Compare(s.first, n) })
	if !found {
		i--
	}
	if i >= 0 && n <= t.spans[i].last {
		return t.spans[i].zone
	}
	return ""
}
