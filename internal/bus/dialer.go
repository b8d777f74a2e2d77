package bus

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"
)

// Line opens connections to a prefecture over what lies between: a proxy where
// only web pages may pass, and a thin line that others use too.
type Line struct {
	Proxy   *url.URL // http://user:password@host:port of a proxy that knows CONNECT; nil for none
	Rate    *Bucket  // bounds the bytes that are written, over all connections; nil for none
	Timeout time.Duration
}

// Dial opens a connection for a client of NATS.
func (l *Line) Dial(network, address string) (net.Conn, error) {
	return l.DialContext(context.Background(), network, address)
}

// DialContext opens a connection. It ends after the timeout.
func (l *Line) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	through := address
	if l.Proxy != nil {
		through = l.Proxy.Host
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, through)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what and where
	}
	if l.Rate != nil {
		conn = &thinConn{Conn: conn, rate: l.Rate}
	}
	if l.Proxy == nil {
		return conn, nil
	}
	tunnel, err := l.connect(ctx, conn, address)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("proxy %s: %w", l.Proxy.Host, err), conn.Close())
	}
	return tunnel, nil
}

// connect asks the proxy for a tunnel.
func (l *Line) connect(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	end, _ := ctx.Deadline()
	if err := conn.SetDeadline(end); err != nil {
		return nil, err //nolint:wrapcheck // wrapped by the caller
	}
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{"User-Agent": nil}}
	if user := l.Proxy.User; user != nil {
		password, _ := user.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := req.Write(conn); err != nil {
		return nil, err //nolint:wrapcheck // wrapped by the caller
	}
	r := bufio.NewReaderSize(conn, 4096)
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, fmt.Errorf("it does not answer as a proxy: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close() // the connection goes with it
		return nil, fmt.Errorf("it answers %q to a CONNECT to %s", resp.Status, address)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, err //nolint:wrapcheck // wrapped by the caller
	}
	return &tunnel{conn, r}, nil
}

// tunnel reads first what came behind the proxy's answer.
type tunnel struct {
	net.Conn
	r *bufio.Reader
}

func (t *tunnel) Read(b []byte) (int, error) { return t.r.Read(b) }

// CloseWrite tells the other end that no more comes.
func (t *tunnel) CloseWrite() error { return closeWrite(t.Conn) }

func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// piece is what is written at once on a thin line, small, so that others have
// their turn.
const piece = 4 << 10

// thinConn writes no faster than its bucket allows.
type thinConn struct {
	net.Conn
	rate *Bucket

	mu    sync.Mutex
	limit time.Duration // of one write; 0 for none
	end   time.Time     // of writing, when limit is not used
}

// SetWriteDeadline bounds how long the line may stand still, not the time that
// we wait ourselves.
func (c *thinConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit, c.end = 0, t
	if d := time.Until(t); !t.IsZero() && d > 0 {
		c.limit = d
	}
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline is for both ways.
func (c *thinConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// CloseWrite tells the other end that no more comes.
func (c *thinConn) CloseWrite() error { return closeWrite(c.Conn) }

func (c *thinConn) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		p := b[:min(len(b), piece)]
		c.rate.take(len(p))
		c.mu.Lock()
		if c.limit > 0 {
			err = c.Conn.SetWriteDeadline(time.Now().Add(c.limit))
		} else if !c.end.IsZero() && time.Now().After(c.end) {
			err = os.ErrDeadlineExceeded
		}
		c.mu.Unlock()
		if err != nil {
			return n, err
		}
		k, err := c.Conn.Write(p)
		n, b = n+k, b[k:]
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
