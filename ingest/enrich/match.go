package enrich

import (
	"net/netip"
	"strings"

	"mimamori/event"
)

var (
	fIndicatorType = event.MustLookup("threat.indicator.type")
	fIndicatorName = event.MustLookup("threat.indicator.name")
	fDescription   = event.MustLookup("threat.indicator.description")
	fFeed          = event.MustLookup("threat.feed.name")
	fMatchedField  = event.MustLookup("threat.enrichments.matched.field")
	fMatchedAtomic = event.MustLookup("threat.enrichments.matched.atomic")
)

// tagIOC marks an event in which an indicator was found.
const tagIOC = "ioc"

// mark says on the event which indicator was found where. Of several the first
// describes the event, unless the device named one itself; every field in which
// one was found is listed.
func (s *Session) mark(f finding, field event.Field, text string) {
	e := f.entry()
	if e.until != 0 && s.received >= int64(e.until) {
		return
	}
	x := s.x
	x.Add(fTags, tagIOC)
	x.Add(fMatchedField, field.Name())
	x.Add(fMatchedAtomic, text)
	for _, said := range [...]event.Field{fIndicatorName, fIndicatorType, fFeed, fDescription} {
		if _, ok := x.Get(said); ok {
			return
		}
	}
	x.Set(fIndicatorName, event.String(f.indicatorName()))
	x.Set(fIndicatorType, event.String(f.indicatorType()))
	x.Set(fFeed, event.String(f.list.name))
	if e.note > 0 {
		x.Set(fDescription, event.String(f.list.notes[e.note-1]))
	}
}

// address looks for an address in every list.
func (t *tables) address(ip netip.Addr) finding {
	for _, l := range t.lists {
		if f, ok := l.address(ip); ok {
			return f
		}
	}
	return finding{}
}

// domain looks for a name, or one that it lies below, in every list, down to what
// is registered: no list has a public suffix or a single label.
func (t *tables) domain(text string, p parts) finding {
	if len(t.lists) == 0 {
		return finding{}
	}
	name, ok := canonical(strings.TrimSuffix(text, "."))
	if !ok {
		return finding{}
	}
	key, suffix := []byte(name), 1
	if p.suffix > 0 {
		suffix = 1 + strings.Count(strings.TrimSuffix(text, ".")[p.suffix-1:], ".")
	}
	for _, l := range t.lists {
		at := 0
		for dots := strings.Count(name, "."); dots >= suffix; dots-- {
			if f, ok := l.find(kindDomain, key[at:]); ok {
				return f
			}
			at += strings.IndexByte(name[at:], '.') + 1
		}
	}
	return finding{}
}

// search looks for the key in s.buf in every list.
func (s *Session) search(k kind, field event.Field, text string) {
	for _, l := range s.tables.lists {
		if f, ok := l.find(k, s.buf); ok {
			s.mark(f, field, text)
			return
		}
	}
}

// addressIndicator looks for an address that is no end of the traffic.
func (s *Session) addressIndicator(f event.Field, text string) {
	if a := s.address(strings.Trim(text, "[]")); a != nil && a.found.list != nil {
		s.mark(a.found, f, text)
	}
}

// moreAddresses looks for indicators among translated and resolved addresses.
func (s *Session) moreAddresses() {
	for _, f := range moreAddresses {
		s.addressIndicator(f, s.x.Str(f))
	}
	for _, f := range addressLists {
		if v, ok := s.x.Get(f); ok && v.Kind() == event.List {
			for _, text := range v.List() {
				s.addressIndicator(f, text)
			}
		}
	}
}

// urlIndicators looks for the URL, with and without its query.
func (s *Session) urlIndicators() {
	for _, f := range [...]event.Field{fURLFull, fURLOrig} {
		text := s.x.Str(f)
		if text == "" || len(text) > maxKey || !strings.Contains(text, "://") {
			continue
		}
		var ok bool
		if s.buf, ok = appendURL(s.buf[:0], text); ok {
			s.url(f, text)
		}
		return
	}
	domain, path := s.x.Str(fURLDomain), s.x.Str(fURLPath)
	if domain == "" || len(domain)+len(path) > maxKey {
		return
	}
	s.buf = append(appendLower(s.buf[:0], domain), path...)
	if query := s.x.Str(fURLQuery); query != "" && len(s.buf)+len(query) < maxKey {
		s.buf = append(append(s.buf, '?'), query...)
	}
	s.buf = trimURL(s.buf)
	s.url(fURLDomain, domain)
}

// url looks for the URL in s.buf.
func (s *Session) url(f event.Field, text string) {
	s.search(kindURL, f, text)
	for i, c := range s.buf {
		if c == '?' {
			s.buf = trimURL(s.buf[:i])
			s.search(kindURL, f, text)
			return
		}
	}
}

// mailIndicators looks for mail addresses and their domains.
func (s *Session) mailIndicators() {
	for _, f := range mails {
		s.mail(f, s.x.Str(f))
	}
	for _, f := range mailLists {
		if v, ok := s.x.Get(f); ok && v.Kind() == event.List {
			for _, text := range v.List() {
				s.mail(f, text)
			}
		}
	}
}

func (s *Session) mail(f event.Field, text string) {
	at := strings.LastIndexByte(text, '@')
	if at < 0 || len(text) > 320 {
		return
	}
	s.buf = appendLower(s.buf[:0], text)
	s.search(kindMail, f, text)
	if n := s.name(text[at+1:]); n != nil && n.found.list != nil {
		s.mark(n.found, f, text)
	}
}
