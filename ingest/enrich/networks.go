package enrich

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"mimamori/event"
)

// Network says which zone of a municipality a network belongs to.
type Network struct {
	CIDR string `yaml:"cidr"`
	Zone string `yaml:"zone"`
}

// networks finds the most specific network that holds an address. The zones of
// a town are separate nets, and two of them may use the same range: a network
// can stand in it once for each zone, and the zone of the collector that saw the
// address decides. Where that does not decide, the answer is none.
type networks[V any] struct {
	four, six []int // the lengths in use, longest first
	entries   map[netip.Prefix][]inZone[V]
}

type inZone[V any] struct {
	zone  string
	value V
}

// add puts a network; what was there for the same zone stays.
func (n *networks[V]) add(p netip.Prefix, zone string, v V) {
	p = unmapped(p)
	if n.entries == nil {
		n.entries = map[netip.Prefix][]inZone[V]{}
	}
	lengths := &n.six
	if p.Addr().Is4() {
		lengths = &n.four
	}
	if !slices.Contains(*lengths, p.Bits()) {
		*lengths = append(*lengths, p.Bits())
		slices.SortFunc(*lengths, func(a, b int) int { return b - a })
	}
	for _, e := range n.entries[p] {
		if e.zone == zone {
			return
		}
	}
	n.entries[p] = append(n.entries[p], inZone[V]{zone, v})
}

// of returns the value for an address that a collector of a zone saw.
func (n *networks[V]) of(addr netip.Addr, zone string) (v V, ok bool) {
	lengths := n.six
	if addr.Is4() {
		lengths = n.four
	}
	for _, bits := range lengths {
		p, err := addr.Prefix(bits)
		if err != nil {
			return v, false // the zero address
		}
		if e := n.entries[p]; e != nil {
			return choose(e, zone)
		}
	}
	return v, false
}

// choose takes the value of the collector's zone, or the only one.
func choose[V any](list []inZone[V], zone string) (v V, ok bool) {
	for i := range list {
		if list[i].zone == zone {
			return list[i].value, true
		}
	}
	if len(list) == 1 {
		return list[0].value, true
	}
	return v, false
}

// unmapped is the network without host bits, IPv4 in IPv6 as IPv4.
func unmapped(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// parseNetwork reads a network or a single address.
func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fmt.Errorf("%q is no address and no network such as 10.1.0.0/16: %w", s, err)
	}
	return unmapped(p), nil
}

// CheckZones finds the first entry that is no zone's network. The error names the
// municipality and the entry.
func CheckZones(zones map[string][]Network) error {
	for _, town := range slices.Sorted(maps.Keys(zones)) {
		if _, err := zonesOf(town, zones[town]); err != nil {
			return err
		}
	}
	return nil
}

// zonesOf makes the table of one town.
func zonesOf(town string, list []Network) (networks[string], error) {
	var n networks[string]
	for i, x := range list {
		p, err := parseNetwork(x.CIDR)
		if err != nil {
			return n, fmt.Errorf("zones of %s, entry %d: %w", town, i+1, err)
		}
		if !event.ValidZone(x.Zone) {
			return n, fmt.Errorf("zones of %s, entry %d: zone %q is none of mynumber, lgwan, internet", town, i+1, x.Zone)
		}
		n.add(p, x.Zone, x.Zone)
	}
	return n, nil
}
