package collector

import (
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"mimamori/event"
)

// problem is a contradiction in a configuration; path is where, as YAML path.
type problem struct{ path, msg, hint string }

var nameRE = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

const nameHint = "use 1 to 64 of the characters a-z, 0-9 and -"

// problem finds the first contradiction, nil when there is none. It looks at
// everything but where to send, which an embedder may decide otherwise.
func (c *Config) problem() *problem {
	switch {
	case !nameRE.MatchString(c.Collector):
		return &problem{"$.collector", fmt.Sprintf("collector: the name %q does not do", c.Collector), nameHint}
	case !event.ValidZone(c.Zone):
		return &problem{"$.zone", fmt.Sprintf("zone: %q is no zone", c.Zone), "use mynumber, lgwan or internet"}
	case len(c.Inputs) == 0:
		return &problem{"$.inputs", "inputs: there is nothing to collect", "add at least one input"}
	case c.Seal.Bytes < 1<<10 || c.Seal.Bytes > 2<<20:
		return &problem{"$.seal.bytes", fmt.Sprintf("seal.bytes: %s is out of range", c.Seal.Bytes), "use 1KiB to 2MiB"}
	case c.Seal.Interval < time.Millisecond || c.Seal.Interval > time.Minute:
		return &problem{"$.seal.interval", fmt.Sprintf("seal.interval: %s is out of range", c.Seal.Interval), "use 1ms to 1m"}
	case c.Spool.MaxBytes < 16<<20:
		return &problem{"$.spool.max_bytes", fmt.Sprintf("spool.max_bytes: %s is too small to hold frames", c.Spool.MaxBytes), "use at least 16MiB"}
	}
	if err := event.CheckCode(c.Municipality); err != nil {
		return &problem{"$.municipality", "municipality: " + err.Error(), `write the six digits between quotes, such as "312011"`}
	}
	names, listens := map[string]bool{}, map[string]bool{}
	for i := range c.Inputs {
		in, at := &c.Inputs[i], fmt.Sprintf("$.inputs[%d]", i)
		if names[in.Source] {
			return &problem{at + ".source", fmt.Sprintf("source: %q is there twice", in.Source), "give each input its own name"}
		}
		if p := in.problem(at); p != nil {
			return p
		}
		if in.Listen != "" && listens[in.Listen] && !strings.HasSuffix(in.Listen, ":0") {
			return &problem{at + ".listen", fmt.Sprintf("listen: %s is taken by another input", in.Listen), "use another port"}
		}
		names[in.Source], listens[in.Listen] = true, true
	}
	return nil
}

func (in *Input) problem(at string) *problem {
	switch {
	case !nameRE.MatchString(in.Source):
		return &problem{at + ".source", fmt.Sprintf("source: the name %q does not do", in.Source), nameHint}
	case !event.ValidZone(in.Zone):
		return &problem{at + ".zone", fmt.Sprintf("zone: %q is no zone", in.Zone), "use mynumber, lgwan or internet"}
	case in.MaxConnections < 1 || in.MaxConnections > 100_000:
		return &problem{at + ".max_connections", fmt.Sprintf("max_connections: %d is out of range", in.MaxConnections), "use 1 to 100000"}
	case in.Idle < time.Second:
		return &problem{at + ".idle", fmt.Sprintf("idle: %s would cut senders off", in.Idle), "use at least 1s"}
	case in.Type == "file":
		return in.fileProblem(at)
	case in.Type == "syslog":
		return in.syslogProblem(at)
	}
	return &problem{at + ".type", fmt.Sprintf("type: there is no input of type %q", in.Type), "use syslog or file"}
}

func (in *Input) fileProblem(at string) *problem {
	if in.Listen != "" {
		return &problem{at + ".listen", "listen: an input of type file reads, it does not listen", "remove it, or use type: syslog"}
	}
	if in.Cert != "" || in.Key != "" || in.ClientCA != "" {
		return &problem{at + ".type", "cert, key and client_ca belong to a tls:// listener", "remove them"}
	}
	if len(in.Paths) == 0 {
		return &problem{at + ".paths", "paths: an input of type file needs at least one path", "such as paths: [/var/log/squid/access.log]"}
	}
	for i, p := range in.Paths {
		if _, err := filepath.Match(p, "x"); err != nil || p == "" {
			return &problem{fmt.Sprintf("%s.paths[%d]", at, i), fmt.Sprintf("paths: %q is no path and no glob", p), "brackets must be closed"}
		}
	}
	return nil
}

func (in *Input) syslogProblem(at string) *problem {
	if len(in.Paths) > 0 {
		return &problem{at + ".paths", "paths: an input of type syslog listens, it reads no files", "remove it, or use type: file"}
	}
	scheme, _, err := in.endpoint()
	if err != nil {
		return &problem{at + ".listen", "listen: " + err.Error(), "such as listen: udp://0.0.0.0:514"}
	}
	secured := in.Cert != "" || in.Key != "" || in.ClientCA != ""
	switch {
	case scheme == "tls" && (in.Cert == "" || in.Key == ""):
		return &problem{at + ".listen", "listen: tls:// needs a certificate", "set cert and key to PEM files"}
	case scheme != "tls" && secured:
		return &problem{at + ".listen", fmt.Sprintf("listen: cert, key and client_ca say TLS, %s:// is not", scheme), "use tls://, or remove them"}
	}
	return nil
}

// endpoint takes the listen URL apart.
func (in *Input) endpoint() (scheme, hostport string, err error) {
	u, err := url.Parse(in.Listen)
	if err != nil {
		return "", "", fmt.Errorf("%q is no address: %w", in.Listen, err)
	}
	if u.Scheme != "udp" && u.Scheme != "tcp" && u.Scheme != "tls" || u.Port() == "" || u.Path != "" {
		return "", "", fmt.Errorf("%q is not udp://host:port, tcp://host:port or tls://host:port", in.Listen)
	}
	return u.Scheme, u.Host, nil
}

// problem checks where to send.
func (p *Prefecture) problem() *problem {
	if len(p.URLs) == 0 {
		return &problem{"$.prefecture.urls", "prefecture.urls: there is nowhere to send to", "such as urls: [tls://seccloud.example.jp:4222]"}
	}
	if (p.Cert == "") != (p.Key == "") {
		return &problem{"$.prefecture", "prefecture: cert and key go together", "set both or neither"}
	}
	for i, s := range p.URLs {
		at := fmt.Sprintf("$.prefecture.urls[%d]", i)
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "tls" && u.Scheme != "nats" || u.Port() == "" {
			return &problem{at, fmt.Sprintf("prefecture.urls: %q is no address of a prefecture", s), "write tls://host:port"}
		}
		if u.Scheme == "tls" {
			continue
		}
		if p.CA != "" || p.Cert != "" {
			return &problem{at, fmt.Sprintf("prefecture.urls: ca and cert say TLS, %s is not", s), "write tls://, or remove them"}
		}
		if !p.Plain && !loopback(u.Hostname()) {
			return &problem{at, fmt.Sprintf("prefecture.urls: %s would send logs unencrypted", s), "write tls://, or set plain: true where the line itself is protected"}
		}
	}
	return nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Check reads what the configuration names, certificates above all, and returns
// the first thing that would keep a collector from starting. It changes nothing.
func (c Config) Check() error {
	if _, err := clientTLS(c.Prefecture); err != nil {
		return err
	}
	for _, in := range c.Inputs {
		if in.Cert == "" {
			continue
		}
		if _, err := serverTLS(in); err != nil {
			return err
		}
	}
	return nil
}
