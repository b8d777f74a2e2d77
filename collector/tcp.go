package collector

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"mimamori/frame"
)

const (
	tcpDrain     = 200 * time.Millisecond // for what the kernel holds when we stop
	tcpHandshake = 10 * time.Second
	tcpMemory    = 16 << 20 // for long lines, over all connections of a source
)

// tcpInput takes syslog over TCP or TLS. A connection that finds no free batch
// waits, and so does its sender. Beyond the limit connections are closed at
// once and counted.
type tcpInput struct {
	*inputEnv
	kind   string
	ln     net.Listener
	tls    *tls.Config
	memory atomic.Int64 // of long lines
}

func (in *tcpInput) open(ctx context.Context, _ state) (net.Addr, error) {
	_, hostport, err := in.cfg.endpoint()
	if err != nil {
		return nil, err
	}
	if in.cfg.Cert != "" {
		if in.tls, err = serverTLS(in.cfg); err != nil {
			return nil, err
		}
	}
	var lc net.ListenConfig
	if in.ln, err = lc.Listen(ctx, "tcp", hostport); err != nil {
		return nil, fmt.Errorf("source %s: %w", in.cfg.Source, err)
	}
	return in.ln.Addr(), nil
}

func serverTLS(in Input) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(in.Cert, in.Key)
	if err != nil {
		return nil, fmt.Errorf("source %s: certificate: %w", in.Source, err)
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
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

func (in *tcpInput) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { in.ln.Close() })
	defer stop()
	for {
		conn, err := in.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // such as no more descriptors: others may end
			in.log.Warn("no connection can be taken for now", "err", err)
			wait(ctx, 100*time.Millisecond)
			continue
		}
		if in.count.connections.Add(1) > int64(in.cfg.MaxConnections) {
			in.refuse(conn, errors.New("there are too many connections"))
			in.count.connections.Add(-1)
			continue
		}
		wg.Go(func() {
			defer in.count.connections.Add(-1)
			defer conn.Close()
			in.serve(ctx, conn)
		})
	}
}

func (in *tcpInput) refuse(conn net.Conn, err error) {
	if n := in.count.refused.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th …
		in.log.Warn("connection refused", "peer", conn.RemoteAddr(), "err", err, "refused", n)
	}
	_ = conn.Close()
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

// serve reads one connection to its end.
func (in *tcpInput) serve(ctx context.Context, conn net.Conn) {
	peer, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
	if in.tls != nil {
		secured := tls.Server(conn, in.tls)
		shake, cancel := context.WithTimeout(ctx, tcpHandshake)
		err := secured.HandshakeContext(shake)
		cancel()
		if err != nil {
			in.refuse(conn, err)
			return
		}
		conn = secured
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Now().Add(tcpDrain)) })
	defer stop()
	s := &splitter{limit: frame.MaxLine, grow: in.grow}
	defer s.close()
	var end time.Time // once ctx has ended
	for {
		idle := s.idle()
		if idle {
			_ = conn.SetReadDeadline(time.Now().Add(in.cfg.Idle))
		}
		if ctx.Err() != nil {
			if end.IsZero() {
				end = time.Now().Add(tcpDrain)
			}
			_ = conn.SetReadDeadline(end)
		}
		n, err := conn.Read(s.space())
		s.w += n
		if n > 0 && idle {
			_ = conn.SetReadDeadline(time.Time{})
		}
		in.take(s, peer, err != nil)
		if err != nil {
			return
		}
	}
}

// take hands over the messages that are complete, and at the end the rest.
func (in *tcpInput) take(s *splitter, peer string, end bool) {
	r := frame.Record{Received: in.now().UnixMicro(), Peer: peer, Input: in.kind}
	var b *batch
	for {
		m, ok := s.next()
		if !ok && end {
			m, ok = s.rest()
		}
		if !ok {
			break
		}
		if len(m.line) == 0 {
			continue
		}
		if b == nil {
			b = in.out.get(context.Background()) // the sealer goes on until the inputs are done
		}
		r.Flags, r.Total = 0, 0
		if m.cut {
			r.Flags, r.Total = frame.Truncated, m.total
		}
		if b.add(m.line, r); b.full() {
			in.out.send(b)
			b = nil
		}
	}
	if b != nil {
		in.out.send(b)
	}
	if s.bad > 0 {
		in.count.badFraming.Add(uint64(s.bad))
		s.bad = 0
	}
}

// grow accounts for the memory of long lines; n may be negative.
func (in *tcpInput) grow(n int) bool {
	if in.memory.Add(int64(n)) > tcpMemory && n > 0 {
		in.memory.Add(int64(-n))
		return false
	}
	return true
}
