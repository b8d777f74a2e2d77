package format

import (
	"slices"

	"mimamori/event"
)

// related gathers the values of other fields, as ECS asks for: a search for an
// address, a user, a host or a hash then needs one field.
type related struct {
	to   event.Field
	from []event.Field
}

// newRelated finds the fields.
func newRelated() []related {
	set := func(to string, from ...string) related {
		r := related{to: event.MustLookup(to)}
		for _, name := range from {
			r.from = append(r.from, event.MustLookup(name))
		}
		return r
	}
	return []related{
		set("related.ip", "source.ip", "destination.ip", "client.ip", "server.ip", "host.ip", "source.nat.ip", "destination.nat.ip", "dns.resolved_ip"),
		set("related.user", "user.name", "source.user.name", "destination.user.name", "user.target.name", "user.effective.name", "process.user.name"),
		set("related.hosts", "host.name", "host.hostname", "observer.hostname", "source.domain", "destination.domain", "client.domain", "server.domain", "url.domain"),
		set("related.hash", "file.hash.md5", "file.hash.sha1", "file.hash.sha256", "process.hash.md5", "process.hash.sha1", "process.hash.sha256"),
	}
}

// relate fills related.*.
func (p *Parser) relate() {
	for i := range p.fields.related {
		r := &p.fields.related[i]
		list := p.list[:0]
		if old, ok := p.x.Get(r.to); ok { // the line itself has it
			list = append(list, old.List()...)
		}
		for _, f := range r.from {
			v, ok := p.x.Get(f)
			switch {
			case !ok:
			case v.Kind() == event.List:
				for _, s := range v.List() {
					list = addOnce(list, s)
				}
			default:
				list = addOnce(list, v.Str())
			}
		}
		if p.list = list; len(list) > 0 {
			p.x.Set(r.to, event.Strings(p.arena.list(list)))
		}
	}
}

// addOnce appends a text that the list does not hold yet.
func addOnce(list []string, s string) []string {
	if s == "" || len(list) >= maxList || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
