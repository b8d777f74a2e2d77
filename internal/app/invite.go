package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/user"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/bus"
	"mimamori/internal/care"
	"mimamori/soc/fleet"
)

// ParseAge reads 400d, 48h and what time.ParseDuration knows.
func ParseAge(s string) (time.Duration, error) { return parseAge(s) }

// Invite makes a one-time token for a collector; URLs nil means those of the
// configuration. It may run beside the program.
func Invite(ctx context.Context, f *fleet.Fleet, cfg Config, i fleet.Invitation, urls []string) (care.Token, error) {
	if len(urls) == 0 {
		urls = cfg.Bus.Public
	}
	if err := checkInvitation(cfg, i, urls); err != nil {
		return care.Token{}, err
	}
	ca, err := cfg.authority()
	if err != nil {
		return care.Token{}, err
	}
	orders, err := OrderKey(cfg.Data)
	if err != nil {
		return care.Token{}, err
	}
	holder, err := bus.NewKey()
	if err != nil {
		return care.Token{}, err
	}
	i.ID, i.Public = rand.Text(), holder.Public()
	if err := f.Invite(ctx, i); err != nil {
		return care.Token{}, err
	}
	return care.Token{
		Invitation: i.ID, Seed: holder.Seed(), URLs: urls, CA: ca, Municipality: i.Municipality, Collector: i.Collector, Zone: i.Zone,
		OrderKey: orders.Public(), Expires: i.Expires.UTC().Truncate(time.Second),
	}, nil
}

func checkInvitation(cfg Config, i fleet.Invitation, urls []string) error {
	if !collectorID.MatchString(i.Collector) {
		return fmt.Errorf("collector id %q: small letters, digits and hyphens, at most 63", i.Collector)
	}
	for _, c := range cfg.Collectors {
		if c.ID == i.Collector {
			return fmt.Errorf("%w: it is in the configuration file", fleet.ErrTaken)
		}
	}
	if err := event.CheckCode(i.Municipality); err != nil {
		return err
	}
	if !event.ValidZone(i.Zone) {
		return fmt.Errorf("zone %q: use mynumber, lgwan or internet", i.Zone)
	}
	if len(urls) == 0 {
		return errors.New("where do collectors connect to? Name it with --url tls://host:4222, or as bus.public in the configuration")
	}
	for _, s := range urls {
		u, err := url.Parse(s)
		if err != nil || u.Port() == "" || u.Scheme != "tls" && (u.Scheme != "nats" || u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost") {
			return fmt.Errorf("%q is no address for collectors: write tls://host:port (nats:// only on this machine)", s)
		}
	}
	return nil
}

// authority is the certificate that collectors are to trust, in DER: the one
// configured, else the server's own when it signs itself, else none.
func (c *Config) authority() ([]byte, error) {
	path := c.Bus.CA
	if path == "" {
		path = c.Bus.Cert
	}
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("bus: certificate: %w", err)
	}
	var last *x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if last, err = x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	switch {
	case last == nil:
		return nil, fmt.Errorf("%s holds no certificate in PEM", path)
	case c.Bus.CA == "" && !bytes.Equal(last.RawIssuer, last.RawSubject):
		return nil, nil
	}
	return last.Raw, nil
}

// Who is the person at this terminal, for the journal: the name given, else
// the user who is signed in, also behind sudo.
func Who(name string) string {
	if name = strings.TrimSpace(name); name != "" {
		return name
	}
	if s := os.Getenv("SUDO_USER"); s != "" {
		return s
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}
