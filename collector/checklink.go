package collector

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"time"
)

const policyHint = "use block or drop-oldest, or leave it out"

func policy(s string) bool { return s == "" || s == whenFullBlock || s == whenFullDrop }

// problem checks the policies of the spool; how small it may be is checked with
// the rest.
func (s *Spool) problem() *problem {
	switch {
	case s.MaxAge != 0 && s.MaxAge < time.Minute:
		return &problem{"$.spool.max_age", fmt.Sprintf("spool.max_age: %s would give up lines that are merely under way", s.MaxAge), "use at least 1m, such as 720h for 30 days"}
	case !policy(s.WhenFull):
		return &problem{"$.spool.when_full", fmt.Sprintf("spool.when_full: there is no policy %q", s.WhenFull), policyHint}
	}
	return nil
}

// problem checks where to send, and how.
func (p *Prefecture) problem() *problem {
	if len(p.URLs) == 0 {
		return &problem{"$.prefecture.urls", "prefecture.urls: there is nowhere to send to", "such as urls: [tls://seccloud.example.jp:4222]"}
	}
	if (p.Cert == "") != (p.Key == "") {
		return &problem{"$.prefecture", "prefecture: cert and key go together", "set both or neither"}
	}
	var scheme string
	for i, s := range p.URLs {
		at := fmt.Sprintf("$.prefecture.urls[%d]", i)
		u, err := url.Parse(s)
		if err != nil || !slices.Contains([]string{"tls", "nats", "wss", "ws"}, u.Scheme) || u.Port() == "" || u.Path != "" && !web(u) {
			return &problem{at, fmt.Sprintf("prefecture.urls: %q is no address of a prefecture", s), "write tls://host:port, or wss://host:port/path where only HTTP may pass"}
		}
		if i > 0 && u.Scheme != scheme {
			return &problem{at, fmt.Sprintf("prefecture.urls: %s:// and %s:// do not go together", scheme, u.Scheme), "write all addresses with the same one"}
		}
		if scheme = u.Scheme; secure(u) {
			continue
		}
		if p.CA != "" || p.Cert != "" {
			return &problem{at, fmt.Sprintf("prefecture.urls: ca and cert say TLS, %s is not", s), "write tls://, or remove them"}
		}
		if !p.Plain && !loopback(u.Hostname()) {
			return &problem{at, fmt.Sprintf("prefecture.urls: %s would send logs unencrypted", s), "write tls://, or set plain: true where the line itself is protected"}
		}
	}
	return p.wayProblem()
}

func web(u *url.URL) bool    { return u.Scheme == "ws" || u.Scheme == "wss" }
func secure(u *url.URL) bool { return u.Scheme == "tls" || u.Scheme == "wss" }

// minRate is the thinnest line that frames still pass in time.
const minRate = 1 << 10

// wayProblem checks what lies between.
func (p *Prefecture) wayProblem() *problem {
	if p.Proxy != "" {
		u, err := url.Parse(p.Proxy)
		if err != nil || u.Scheme != "http" || u.Port() == "" || u.Path != "" && u.Path != "/" {
			return &problem{"$.prefecture.proxy", "prefecture.proxy: this is no address of a proxy", "write http://host:port or http://user:password@host:port"}
		}
	}
	switch {
	case p.Rate != 0 && p.Rate < minRate:
		return &problem{"$.prefecture.rate", fmt.Sprintf("prefecture.rate: %s a second is too little for a frame", p.Rate), "use at least 1KiB"}
	case p.BacklogRate != 0 && p.BacklogRate < minRate/2 || p.Rate != 0 && p.BacklogRate > p.Rate:
		return &problem{"$.prefecture.backlog_rate", fmt.Sprintf("prefecture.backlog_rate: %s a second is out of range", p.BacklogRate), "use at least 1KiB and at most prefecture.rate"}
	}
	return nil
}

// problem checks the exit for others.
func (r *Relay) problem() *problem {
	if r.Listen == "" {
		if len(r.Allow) > 0 {
			return &problem{"$.relay", "relay: allow is of no use without listen", "set listen to host:port"}
		}
		return nil
	}
	if _, port, err := net.SplitHostPort(r.Listen); err != nil || port == "" {
		return &problem{"$.relay.listen", fmt.Sprintf("relay.listen: %q is no address", r.Listen), "write host:port"}
	}
	if len(r.Allow) == 0 {
		return &problem{"$.relay", "relay: nobody may use this exit", "list the other collectors' networks, such as allow: [10.1.0.0/24]"}
	}
	for i, s := range r.Allow {
		if _, err := netip.ParsePrefix(s); err != nil {
			return &problem{fmt.Sprintf("$.relay.allow[%d]", i), fmt.Sprintf("relay.allow: %q is no network", s), "such as 10.1.0.0/24, or 10.1.0.5/32 for one machine"}
		}
	}
	if r.MaxConnections < 1 || r.MaxConnections > 10_000 {
		return &problem{"$.relay.max_connections", fmt.Sprintf("relay.max_connections: %d is out of range", r.MaxConnections), "use 1 to 10000"}
	}
	return nil
}
