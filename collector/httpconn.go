package collector

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// httpConns hands the listener's connections to an http.Server.
type httpConns struct {
	ch     chan net.Conn
	closed chan struct{}
	once   sync.Once
	addr   net.Addr
}

// Accept waits for a connection; net.ErrClosed after Close.
func (q *httpConns) Accept() (net.Conn, error) {
	select {
	case c := <-q.ch:
		return c, nil
	case <-q.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (q *httpConns) Close() error {
	q.once.Do(func() { close(q.closed) })
	return nil
}

// Addr is where the input listens.
func (q *httpConns) Addr() net.Addr { return q.addr }

// connKey is the key of the connection in a request's context.
type connKey struct{}

// httpConn is a connection that says when the server is done with it, and that
// can be drained whatever deadlines the server sets.
type httpConn struct {
	net.Conn
	done  chan struct{}
	once  sync.Once
	got   atomic.Bool // bytes came
	asked atomic.Bool // a whole header came

	mu  sync.Mutex
	end time.Time // of reading; zero while the input runs
}

// drain lets the connection be read for a moment yet.
func (c *httpConn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end = time.Now().Add(httpDrain)
	_ = c.Conn.SetReadDeadline(c.end)
}

// SetReadDeadline sets it, but never behind the end.
func (c *httpConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.end.IsZero() && (t.IsZero() || t.After(c.end)) {
		t = c.end
	}
	return c.Conn.SetReadDeadline(t) // the server's own error
}

// Read reads and notes that something came.
func (c *httpConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.got.Store(true)
	}
	return n, err // the server must see io.EOF
}

// Close closes the connection once.
func (c *httpConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { close(c.done) })
	return err // the server's own error
}
