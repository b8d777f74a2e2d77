package collector

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"mimamori/collector/mask"
	"mimamori/event"
	"mimamori/internal/charset"
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
	case c.Managed && c.OrderKey == "":
		return &problem{"$.managed", "managed: order_key is missing, so no order can be trusted", "mimamori-collector enrol writes both"}
	case c.Managed && !validKey(c.OrderKey):
		return &problem{"$.order_key", fmt.Sprintf("order_key: %q is no public key", c.OrderKey), "mimamori-collector enrol writes it"}
	case !c.Managed && c.OrderKey != "":
		return &problem{"$.order_key", "order_key: nobody gives orders here", "set managed: true, or remove it"}
	case len(c.Inputs) == 0 && !c.Managed && c.Relay.Listen == "":
		return &problem{"$.inputs", "inputs: there is nothing to collect", "add at least one input"}
	case c.Seal.Bytes < 1<<10 || c.Seal.Bytes > 2<<20:
		return &problem{"$.seal.bytes", fmt.Sprintf("seal.bytes: %s is out of range", c.Seal.Bytes), "use 1KiB to 2MiB"}
	case c.Seal.Interval < time.Millisecond || c.Seal.Interval > time.Minute:
		return &problem{"$.seal.interval", fmt.Sprintf("seal.interval: %s is out of range", c.Seal.Interval), "use 1ms to 1m"}
	case c.Spool.MaxBytes < 16<<20:
		return &problem{"$.spool.max_bytes", fmt.Sprintf("spool.max_bytes: %s is too small to hold frames", c.Spool.MaxBytes), "use at least 16MiB"}
	}
	if err := mask.Check(c.Mask.Patterns); err != nil {
		return &problem{"$.mask.patterns", err.Error(), "such as {name: staff-id, match: 'S[0-9]{6}'}"}
	}
	for _, p := range []*problem{c.Spool.problem(), c.Relay.problem()} {
		if p != nil {
			return p
		}
	}
	if err := event.CheckCode(c.Municipality); err != nil {
		return &problem{"$.municipality", "municipality: " + err.Error(), `write the six digits between quotes, such as "312011"`}
	}
	if p := c.Status.problem(); p != nil {
		return p
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
	case !policy(in.WhenFull):
		return &problem{at + ".when_full", fmt.Sprintf("when_full: there is no policy %q", in.WhenFull), policyHint}
	}
	if _, ok := charset.Canonical(in.Charset); !ok && in.Charset != "" && in.Charset != "auto" {
		return &problem{at + ".charset", fmt.Sprintf("charset: %q is no encoding", in.Charset), "use auto, " + strings.Join(charset.Names(), ", ")}
	}
	t, ok := inputTypes[in.Type]
	if !ok {
		return &problem{at + ".type", fmt.Sprintf("type: there is no input of type %q", in.Type), "use one of " + strings.Join(slices.Sorted(maps.Keys(inputTypes)), ", ")}
	}
	for _, check := range []func(inputType) *problem{in.foreign, in.listenProblem, in.checkOwn} {
		if p := check(t); p != nil {
			p.path = at + p.path
			return p
		}
	}
	return nil
}

// Keys that many types have.
const (
	everyInput  = "source type zone charset"
	everyListen = "listen"
	everyTCP    = "max_connections idle"
	everyTLS    = "cert key client_ca"
)

// foreign finds a key that does not belong to the type, or to the scheme that
// it listens with.
func (in *Input) foreign(t inputType) *problem {
	own := strings.Fields(everyInput)
	own = append(own, t.keys...)
	if len(t.schemes) > 0 {
		own = append(own, everyListen)
		if in.scheme() != "udp" {
			own = append(own, strings.Fields(everyTCP)...)
		}
		if in.scheme() == "tls" || in.scheme() == "https" {
			own = append(own, strings.Fields(everyTLS)...)
		}
	}
	v := reflect.ValueOf(*in)
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("yaml")
		if !v.Field(i).IsZero() && key != "when_full" && !slices.Contains(own, key) {
			what := "an input of type " + in.Type
			if in.Listen != "" && len(t.schemes) > 0 {
				what += " that listens on " + in.scheme() + "://"
			}
			return &problem{"." + key, fmt.Sprintf("%s: it does not belong to %s", key, what), "its keys are " + strings.Join(own, ", ")}
		}
	}
	return nil
}

// checkOwn runs the type's own check.
func (in *Input) checkOwn(t inputType) *problem {
	if t.check == nil {
		return nil
	}
	return t.check(in)
}

// listenProblem checks where the input listens.
func (in *Input) listenProblem(t inputType) *problem {
	if len(t.schemes) == 0 {
		return nil
	}
	u, err := url.Parse(in.Listen)
	switch {
	case err != nil || !slices.Contains(t.schemes, u.Scheme) || u.Port() == "" || u.Path != "":
		return &problem{".listen", fmt.Sprintf("listen: %q is no address of this input", in.Listen), "write " + strings.Join(t.schemes, "://host:port or ") + "://host:port"}
	case (u.Scheme == "tls" || u.Scheme == "https") && (in.Cert == "" || in.Key == ""):
		return &problem{".listen", fmt.Sprintf("listen: %s:// needs a certificate", u.Scheme), "set cert and key to PEM files"}
	case u.Scheme != "udp" && (in.MaxConnections < 1 || in.MaxConnections > 100_000):
		return &problem{".max_connections", fmt.Sprintf("max_connections: %d is out of range", in.MaxConnections), "use 1 to 100000"}
	case u.Scheme != "udp" && in.Idle < time.Second:
		return &problem{".idle", fmt.Sprintf("idle: %s would cut senders off", in.Idle), "use at least 1s"}
	}
	return nil
}

// problem checks where the status page is.
func (s *Status) problem() *problem {
	host, port, err := net.SplitHostPort(s.Listen)
	switch {
	case s.Listen == "off":
		return nil
	case err != nil || port == "" || !loopback(host):
		return &problem{"$.status.listen", fmt.Sprintf("status.listen: %q is no address of this machine alone", s.Listen), "write 127.0.0.1:8686, or off for no status page"}
	case len(s.Contact) > 300:
		return &problem{"$.status.contact", "status.contact: it is too long to be shown", "write a name and a telephone number"}
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
	if _, err := NewLink(c); err != nil {
		return err
	}
	for _, in := range c.Inputs {
		if err := in.systemError(runtime.GOOS); err != nil {
			return err
		}
		if _, err := loadTokens(in); err != nil {
			return err
		}
		if in.Cert == "" {
			continue
		}
		if _, err := serverTLS(in); err != nil {
			return err
		}
	}
	return nil
}
