package enrich

import (
	"net/netip"
	"strings"

	"mimamori/event"
)

// How many addresses, names and user agents a session remembers, and how many
// pairs of town and zone.
const (
	addressSlots = 8192
	nameSlots    = 4096
	agentSlots   = 1024
	maxViews     = 1024
)

// Session enriches the events of one goroutine.
type Session struct {
	enricher *Enricher
	tables   *tables // that the caches speak of

	addressCache cache[address]
	nameCache    cache[name]
	agentCache   cache[agent]
	views        map[viewKey]*view

	x        *event.Builder // the event at hand
	view     *view
	received int64 // seconds
	buf      []byte
}

// viewKey is a town and the zone of a collector in it.
type viewKey struct{ town, zone string }

// view is what a collector's place lets one see.
type view struct {
	viewKey
	scope uint32 // in the cache of addresses
	known *town  // nil for a town without tables
}

// address is what is known of an address in a view.
type address struct {
	ip     netip.Addr
	inside bool
	zone   string
	asset  *asset
	place  *placeOf
	found  finding
}

// name is what is known of a domain name.
type name struct {
	parts parts
	found finding
}

// Session makes a session.
func (e *Enricher) Session() *Session {
	s := &Session{
		enricher: e, addressCache: newCache[address](addressSlots),
		nameCache: newCache[name](nameSlots), agentCache: newCache[agent](agentSlots),
	}
	s.begin(e.tables.Load())
	return s
}

// begin forgets what older tables said.
func (s *Session) begin(t *tables) {
	s.tables = t
	s.addressCache.forget()
	s.nameCache.forget()
	s.views, s.view = map[viewKey]*view{}, nil
}

// enter takes the view of a collector.
func (s *Session) enter(town, zone string) {
	key := viewKey{town, zone}
	if s.view != nil && s.view.viewKey == key {
		return
	}
	v := s.views[key]
	if v == nil {
		if len(s.views) == maxViews {
			s.begin(s.tables)
		}
		key = viewKey{strings.Clone(town), strings.Clone(zone)}
		v = &view{viewKey: key, scope: uint32(len(s.views) + 1), known: s.tables.towns[town]}
		s.views[key] = v
	}
	s.view = v
}

// address looks an address up in the view; nil when the text is none.
func (s *Session) address(text string) *address {
	if text == "" || len(text) > 64 {
		return nil
	}
	a, hit := s.addressCache.at(s.view.scope, text)
	if !hit {
		s.lookUp(a, text)
	}
	if !a.ip.IsValid() {
		return nil
	}
	return a
}

// lookUp fills what is known of an address.
func (s *Session) lookUp(a *address, text string) {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return
	}
	ip = ip.Unmap().WithZone("")
	a.ip = ip
	if t := s.view.known; t != nil {
		a.zone, _ = t.zones.of(ip, s.view.zone)
		if t.assets != nil {
			a.asset, _ = t.assets.byAddress.of(ip, s.view.zone)
		}
	}
	a.inside = a.zone != "" || a.asset != nil || !leavesSite(ip)
	if isPublic(ip) {
		a.place = lookUpPlace(s.tables.geo, ip, s.enricher.log)
		a.found = s.tables.address(ip)
	}
}

// leavesSite tells whether packets to an address go beyond the site.
func leavesSite(ip netip.Addr) bool {
	return !(ip.IsPrivate() || ip.IsLoopback() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}))
}

// isPublic tells whether an address is one host's in the whole Internet. The
// shared range of carriers (RFC 6598) is not.
func isPublic(ip netip.Addr) bool {
	if !leavesSite(ip) {
		return false
	}
	b := ip.As16()
	return !(ip.Is4() && (b[12] == 100 && b[13]&0xC0 == 64 || b[12] == 0 || b[12] >= 240))
}

// name looks a domain name up; nil when the text is none.
func (s *Session) name(text string) *name {
	if text == "" || len(text) > maxDomain+1 {
		return nil
	}
	n, hit := s.nameCache.at(1, text)
	if !hit {
		n.parts = partsAt(text)
		n.found = s.tables.domain(text, n.parts)
	}
	return n
}

// domains cuts names, and looks for indicators among them.
func (s *Session) domains() {
	s.domain(fURLDomain, &urlParts)
	s.domain(fQuestion, &questionParts)
	for i := range ends {
		s.domain(ends[i].domain, &ends[i].parts)
	}
}

func (s *Session) domain(f event.Field, to *[3]event.Field) {
	v, ok := s.x.Get(f)
	if !ok {
		return
	}
	text := v.Str()
	n := s.name(text)
	if n == nil {
		return
	}
	n.parts.set(s.x, text, to)
	if n.found.list != nil {
		s.mark(n.found, f, text)
	} else if f == fURLDomain && n.parts == (parts{}) {
		s.addressIndicator(f, text) // a URL may name an address
	}
}

// addresses adds what is known of both ends, and what follows for the traffic.
func (s *Session) addresses() {
	var seen [len(ends)]struct{ known, inside, six bool }
	for i := range ends {
		e := &ends[i]
		text := s.x.Str(e.ip)
		if a := s.address(text); a != nil {
			seen[i].known, seen[i].inside, seen[i].six = true, a.inside, a.ip.Is6()
			s.end(e, a, text)
		} else if e.assets {
			s.named(e.domain, &e.asset)
		}
	}
	s.host()
	from, to := seen[0], seen[1]
	if !from.known {
		from = seen[2]
	}
	if !to.known {
		to = seen[3]
	}
	if from.known && to.known {
		add(s.x, fDirection, direction(from.inside, to.inside))
	}
	if from.known || to.known {
		typ := "ipv4"
		if from.six || to.six {
			typ = "ipv6"
		}
		add(s.x, fType, event.String(typ))
	}
	if len(s.tables.lists) > 0 {
		s.moreAddresses()
	}
}

// direction is ECS's, as a perimeter sees it.
func direction(from, to bool) event.Value {
	switch {
	case from && to:
		return event.String("internal")
	case from:
		return event.String("outbound")
	case to:
		return event.String("inbound")
	}
	return event.String("external")
}

// end adds what is known of the address of one end.
func (s *Session) end(e *end, a *address, text string) {
	addText(s.x, e.zone, a.zone)
	if a.asset != nil && e.assets {
		a.asset.set(s.x, &e.asset)
	} else if e.assets {
		s.named(e.domain, &e.asset)
	}
	if a.place != nil {
		a.place.set(s.x, &e.place)
	}
	if a.found.list != nil {
		s.mark(a.found, e.ip, text)
	}
}

// named adds the asset that a field names.
func (s *Session) named(f event.Field, to *[assetFields]event.Field) bool {
	t := s.view.known
	if t == nil || t.assets == nil {
		return false
	}
	it := t.assets.named(s.x.Str(f), s.view.zone)
	if it != nil {
		it.set(s.x, to)
	}
	return it != nil
}

// host adds zone and asset of the machine that the event is about.
func (s *Session) host() {
	if s.view.known == nil {
		return
	}
	if v, ok := s.x.Get(fHostIP); ok && v.Kind() == event.List {
		for _, text := range v.List() {
			if a := s.address(text); a != nil && (a.zone != "" || a.asset != nil) {
				addText(s.x, fHostZone, a.zone)
				if a.asset != nil {
					a.asset.set(s.x, &hostAssets)
				}
				return
			}
		}
	}
	if !s.named(fHostName, &hostAssets) {
		s.named(fHostname, &hostAssets)
	}
}
