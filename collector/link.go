package collector

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"mimamori/internal/bus"
)

// dialTimeout bounds the opening of one connection, a proxy's answer in it.
const dialTimeout = 10 * time.Second

// Link is the way to the prefecture: its addresses, and what lies between: a
// proxy, a bound on its rate. Connections opened by one link share that bound.
type Link struct {
	line  *bus.Line
	dial  bus.DialConfig
	hosts []string // host:port of the addresses
}

// NewLink prepares the way; it reads the certificates, and connects to nothing.
func NewLink(cfg Config) (*Link, error) {
	p := &cfg.Prefecture
	l := &Link{line: &bus.Line{Rate: bus.NewBucket(float64(p.Rate)), Timeout: dialTimeout}}
	if p.Proxy != "" {
		var err error
		if l.line.Proxy, err = url.Parse(p.Proxy); err != nil {
			return nil, fmt.Errorf("prefecture: proxy: %w", err)
		}
	}
	l.dial = bus.DialConfig{URLs: p.URLs, Name: "collector " + cfg.Collector, Dialer: l.line}
	for _, s := range p.URLs {
		u, err := url.Parse(s)
		if err != nil {
			return nil, fmt.Errorf("prefecture: %w", err)
		}
		l.hosts = append(l.hosts, u.Host)
		if secure(u) {
			l.dial.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: p.ServerName}
		}
	}
	if p.CA != "" || p.Cert != "" {
		l.dial.Files = &bus.TLSFiles{CA: p.CA, Cert: p.Cert, Key: p.Key}
		if err := l.dial.Files.Load(); err != nil {
			return nil, fmt.Errorf("prefecture: %w", err)
		}
	}
	return l, nil
}

// Dial opens a line, which redials by itself until it is closed. The error is
// one of the configuration.
func (l *Link) Dial(ctx context.Context, key *bus.Key, log *slog.Logger) (*bus.Conn, error) {
	d := l.dial
	d.Key, d.Log = key, log
	conn, err := bus.Dial(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("prefecture: %w", err)
	}
	return conn, nil
}
