package collector

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mimamori/internal/bus"
)

const (
	tcpHandshake = 10 * time.Second
	tcpMemory    = 16 << 20 // for long messages, over all connections of a source
)

// listener takes the connections of an input over TCP or TLS. Beyond the limit
// they are closed at once and counted, as are those that fail in TLS.
type listener struct {
	*inputEnv
	ln     net.Listener
	tls    *tls.Config
	memory atomic.Int64 // of long messages

	patience time.Duration // for one message; 0: messageTime
}

func (l *listener) open(ctx context.Context, _ state) (net.Addr, error) {
	var err error
	if l.cfg.Cert != "" {
		if l.tls, err = serverTLS(l.cfg); err != nil {
			return nil, err
		}
	}
	var lc net.ListenConfig
	if l.ln, err = lc.Listen(ctx, "tcp", l.cfg.hostport()); err != nil {
		return nil, fmt.Errorf("source %s: %w", l.cfg.Source, err)
	}
	return l.ln.Addr(), nil
}

func serverTLS(in Input) (*tls.Config, error) {
	files := &bus.TLSFiles{Cert: in.Cert, Key: in.Key} // read again when they change
	err := files.Load()
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", in.Source, err)
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: files.Certificate}
	if in.ClientCA != "" {
		if cfg.ClientCAs, err = certPool(in.ClientCA); err != nil {
			return nil, fmt.Errorf("source %s: %w", in.Source, err)
		}
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return cfg, nil
}

func certPool(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("authority: %s holds no certificate in PEM", path)
	}
	return pool, nil
}

// accept takes connections until ctx ends, and waits for all of them. enter says
// what to do with one, nil where it is refused; it is closed after that.
func accept(ctx context.Context, ln net.Listener, log *slog.Logger, enter func(net.Conn) (serve func())) {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	for {
		conn, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // such as no more descriptors: others may end
			log.Warn("no connection can be taken for now", "err", err)
			wait(ctx, 100*time.Millisecond)
			continue
		}
		serve := enter(conn)
		if serve == nil {
			_ = conn.Close()
			continue
		}
		wg.Go(func() {
			defer conn.Close()
			serve()
		})
	}
}

// accept calls serve with each connection, TLS done, until ctx ends, and waits
// for all of them. peer is the sender's address without the port; the
// connection is closed when serve returns.
func (l *listener) accept(ctx context.Context, serve func(ctx context.Context, conn net.Conn, peer string)) {
	accept(ctx, l.ln, l.log, func(conn net.Conn) func() {
		if l.count.connections.Add(1) > int64(l.cfg.MaxConnections) {
			l.refuse(conn, errors.New("there are too many connections"))
			l.count.connections.Add(-1)
			return nil
		}
		return func() {
			defer l.count.connections.Add(-1)
			peer, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
			if secured := l.secure(ctx, conn); secured != nil {
				serve(ctx, secured, peer)
			}
		}
	})
}

func (l *listener) refuse(conn net.Conn, err error) {
	if n := l.count.refused.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th …
		l.log.Warn("connection refused", "peer", conn.RemoteAddr(), "err", err, "refused", n)
	}
	_ = conn.Close()
}

// errBusy ends a connection that waited in vain for room in the spool; its
// sender keeps what is not acknowledged and comes again.
var errBusy = errors.New("there is no room in the spool")

// account counts and logs why a connection of an acknowledged protocol ended,
// unless that was in order.
func (l *listener) account(conn net.Conn, err error) {
	var n uint64
	switch {
	case errors.Is(err, errSlow):
		n = l.count.slow.Add(1)
	case errors.Is(err, errRELP), errors.Is(err, errBeats):
		n = l.count.badFraming.Add(1)
	default:
		return
	}
	if n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th …
		l.log.Warn("connection closed", "peer", conn.RemoteAddr(), "err", err, "times", n)
	}
}

// secure does the handshake where TLS is asked for, nil when it fails.
func (l *listener) secure(ctx context.Context, conn net.Conn) net.Conn {
	if l.tls == nil {
		return conn
	}
	secured := tls.Server(conn, l.tls)
	shake, cancel := context.WithTimeout(ctx, tcpHandshake)
	defer cancel()
	if err := secured.HandshakeContext(shake); err != nil {
		l.refuse(conn, err)
		return nil
	}
	return secured
}

// grow accounts for the memory of long messages; n may be negative. False means
// that there is none for so many more bytes.
func (l *listener) grow(n int) bool {
	if l.memory.Add(int64(n)) > tcpMemory && n > 0 {
		l.memory.Add(int64(-n))
		return false
	}
	return true
}

// scheme is that of the listen address, "" when it does not listen.
func (in *Input) scheme() string {
	scheme, _, _ := strings.Cut(in.Listen, "://")
	return scheme
}

// hostport is the listen address without its scheme.
func (in *Input) hostport() string {
	_, rest, _ := strings.Cut(in.Listen, "://")
	return rest
}

// wait pauses; false when ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
