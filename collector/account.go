package collector

import (
	"crypto/x509"
	"encoding/pem"
	"maps"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"mimamori/internal/care"
)

const (
	certsEvery   = 10 * time.Minute // certificate files are read again
	certsOfAFile = 8                // an authority's file may hold hundreds
	troubleFor   = time.Hour        // a warning is told so long
)

// account is what a collector knows of itself besides its counters.
type account struct {
	began time.Time

	mu    sync.Mutex
	certs []care.Certificate
	read  time.Time
}

// stats is the account of one source.
func (r *running) stats() SourceStats {
	count := r.source.count
	s := count.stats(r.source.head.Source)
	s.Kind, s.Zone = r.kind, r.source.head.Zone
	s.Epoch, s.Last = count.epoch.Load(), count.last.Load()
	s.Trouble, s.TroubleAt = count.trouble.newest()
	return s
}

// Heartbeat is the collector's account of itself at this moment. Config, Tried
// and Offset are the sender's to fill in. It may be called at any time.
func (c *Collector) Heartbeat() care.Heartbeat {
	now, s := c.opts.Now(), c.Stats()
	h := care.Heartbeat{
		Collector: c.cfg.Collector, Municipality: c.cfg.Municipality, Version: care.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Started: c.account.began, Sent: now, Certificates: c.certificates(now),
		Spool: care.Spool{Frames: s.Queue, Bytes: s.QueueSize, MaxBytes: uint64(c.cfg.Spool.MaxBytes), Oldest: s.Oldest, Full: s.SpoolFull},
	}
	if s.LastError != "" && (s.Queue > 0 || now.Sub(s.ErrorAt) < troubleFor) {
		h.Trouble = s.LastError
	}
	for i := range s.Sources {
		h.Sources = append(h.Sources, s.Sources[i].beat(now))
	}
	return h
}

func (s *SourceStats) beat(now time.Time) care.Source {
	b := care.Source{
		Source: s.Source, Kind: s.Kind, Zone: s.Zone, Epoch: s.Epoch, Last: s.Last, Lines: s.Lines, Bytes: s.Bytes,
		Truncated: s.Truncated, Refused: s.Refused, LastLine: s.LastLine,
	}
	b.Masked, b.Dropped = s.Masked, maps.Clone(s.Drops)
	if s.Unwritten > 0 {
		if b.Dropped == nil {
			b.Dropped = map[string]uint64{}
		}
		b.Dropped["not yet written down"] = s.Unwritten
	}
	if s.Trouble != "" && now.Sub(s.TroubleAt) < troubleFor {
		b.Trouble = s.Trouble
	}
	return b
}

// certificates reads what the configuration names. A file that can't be read
// now is left out: New has read it once.
func (c *Collector) certificates(now time.Time) []care.Certificate {
	c.account.mu.Lock()
	defer c.account.mu.Unlock()
	if !c.account.read.IsZero() && now.Sub(c.account.read) < certsEvery && !now.Before(c.account.read) {
		return c.account.certs
	}
	c.account.read, c.account.certs = now, nil
	add := func(what, path string) { c.account.certs = append(c.account.certs, readCerts(what, path)...) }
	add("prefecture.ca", c.cfg.Prefecture.CA)
	add("prefecture.cert", c.cfg.Prefecture.Cert)
	for _, in := range c.cfg.Inputs {
		add("inputs."+in.Source+".cert", in.Cert)
		add("inputs."+in.Source+".client_ca", in.ClientCA)
	}
	return c.account.certs
}

func readCerts(what, path string) []care.Certificate {
	if path == "" {
		return nil
	}
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var out []care.Certificate
	for len(out) < certsOfAFile {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		subject := cert.Subject.CommonName
		if subject == "" {
			subject = strings.TrimSpace(cert.Subject.String() + " " + strings.Join(cert.DNSNames, " "))
		}
		out = append(out, care.Certificate{What: what, Subject: subject, NotAfter: cert.NotAfter})
		if strings.HasSuffix(what, "cert") {
			break // the others of the file are its authorities
		}
	}
	return out
}
