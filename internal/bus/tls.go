package bus

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// TLSFiles are PEM files that are read again when they have changed, so that a
// renewed certificate needs no restart. While the new ones cannot be read, the
// old ones serve on.
type TLSFiles struct {
	CA        string // of authorities to trust; "" for the system's
	Cert, Key string // of our certificate; "" for none

	mu    sync.Mutex
	stamp [3]time.Time // of CA, Cert and Key as they were read
	pool  *x509.CertPool
	pair  *tls.Certificate
}

// Load reads the files where they have changed. The error is for whoever starts
// something with them; connections go on with what was read before.
func (f *TLSFiles) Load() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var stamp [3]time.Time
	for i, path := range []string{f.CA, f.Cert, f.Key} {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		stamp[i] = info.ModTime()
	}
	if stamp == f.stamp {
		return nil
	}
	pool, pair := f.pool, f.pair
	if f.CA != "" {
		text, err := os.ReadFile(f.CA)
		if err != nil {
			return fmt.Errorf("authority: %w", err)
		}
		if pool = x509.NewCertPool(); !pool.AppendCertsFromPEM(text) {
			return fmt.Errorf("authority: %s holds no certificate in PEM", f.CA)
		}
	}
	if f.Cert != "" {
		p, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		pair = &p
	}
	f.stamp, f.pool, f.pair = stamp, pool, pair
	return nil
}

var errNoCertificate = errors.New("no certificate could be read yet")

// current reads what has changed and returns what there is.
func (f *TLSFiles) current() (*x509.CertPool, *tls.Certificate) {
	_ = f.Load() // the old ones serve on
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pool, f.pair
}

// Certificate is for a server's tls.Config.GetCertificate.
func (f *TLSFiles) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if _, pair := f.current(); pair != nil {
		return pair, nil
	}
	return nil, errNoCertificate
}

// option lets each new connection take the files as they are then.
func (f *TLSFiles) option(o *nats.Options) error {
	if f.CA != "" {
		o.RootCAsCB = func() (*x509.CertPool, error) {
			pool, _ := f.current()
			return pool, nil
		}
	}
	if f.Cert != "" {
		o.TLSCertCB = func() (tls.Certificate, error) {
			pair, err := f.Certificate(nil)
			if err != nil {
				return tls.Certificate{}, err
			}
			return *pair, nil
		}
	}
	return nil
}
