package format

import "slices"

// verdict completes event.category where event.type says allowed or denied,
// which ECS expects of network, intrusion_detection and api only: what an
// endpoint decides about a file, a program or a device is intrusion_detection,
// what a server decides about a request, a mail or a sign-in is network.
func (p *Parser) verdict() {
	v, ok := p.x.Get(p.fields.types)
	if !ok || !slices.ContainsFunc(v.List(), func(t string) bool { return t == "denied" || t == "allowed" }) {
		return
	}
	server, local := false, false
	c, _ := p.x.Get(p.fields.category)
	for _, name := range c.List() {
		switch name {
		case "network", "intrusion_detection", "api":
			return
		case "web", "email", "authentication", "session":
			server = true
		case "file", "process", "host", "malware", "driver", "library", "registry", "package":
			local = true
		}
	}
	if local && !server {
		p.x.Add(p.fields.category, "intrusion_detection")
	} else {
		p.x.Add(p.fields.category, "network")
	}
}
